"""All that is found, in order."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import kfkd
from kfkd.doctor.cuda import find_cuda
from kfkd.doctor.finding import Finding
from kfkd.doctor.packages import find_namesakes, find_packages, find_python
from kfkd.doctor.places import find_caches, find_data
from kfkd.process.installation import reinstall
from kfkd.progress import Bar

__all__ = ["examine"]

# By itself it would look for modules in the current folder first.
_TRIAL = "import sys; sys.path.insert(0, sys.argv[1])\n"
_TRIAL += "from kfkd.doctor.trial import main; main()"
_PATIENCE = 600  # seconds, for a disk that is slow and a machine that is busy


def examine():
    """Yield what is found of the installation.

    Yields
    ------
    Finding
    """
    yield find_python()
    packages = [*find_packages()]
    yield from packages
    yield from find_namesakes()
    yield find_data()
    yield from find_caches()
    found, failure = _try()
    gpus = None
    for entry in found:
        if "gpus" in entry:
            gpus = entry["gpus"]
        else:
            yield Finding(**entry)
    yield find_cuda(gpus)
    # The stack's own error is what has been found of the packages.
    if failure and "StackError: " not in failure:
        mend = reinstall()
        if "SettingsError: " in failure:
            failure, _, places = failure.rpartition(". Change ")
            mend = f"Change {places}"
        if any(finding.mend for finding in packages):
            mend = "Mend the packages above first"
        yield Finding("steps" if found else "import", failure, mend)


def _try():
    """Return what the process of :mod:`.trial` tells, and why it failed if it did."""
    place = Path(kfkd.__file__).parent.parent
    command = [sys.executable, "-P", "-c", _TRIAL, str(place)]
    try:
        with Bar("trying imports and steps of training"):
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_PATIENCE
            )
    except subprocess.TimeoutExpired:
        return [], f"it has not ended after {_PATIENCE} seconds"
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if not done.returncode:
        return found, ""
    if done.returncode < 0:
        return found, f"ended by {signal.Signals(-done.returncode).name}"
    return found, (done.stderr.strip().splitlines() or ["it failed"])[-1]
