"""All findings, in order."""

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
from kfkd.process.imports import blamed_variables
from kfkd.process.installation import reinstall
from kfkd.progress import Bar

__all__ = ["examine"]

# By itself it would look for modules in the current folder first.
_TRIAL = "import sys; sys.path.insert(0, sys.argv[1])\n"
_TRIAL += "from kfkd.doctor.trial import main; main()"
_TIMEOUT = 600  # seconds, for a slow disk and a busy machine


def examine():
    """Yield the findings on the installation.

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
    if not failure or "StackError: " in failure:  # which is a finding on the packages
        return
    fix = reinstall()
    if "SettingsError: " in failure:
        failure, _, places = failure.rpartition(". Change ")
        fix = f"Change {places}"
    elif variables := blamed_variables(failure):
        fix = f"Change or unset {', '.join(variables)}"
    if any(finding.fix for finding in packages):
        fix = "Fix the packages above first"
    yield Finding("steps" if found else "import", failure, fix)


def _try():
    """Return the entries that :mod:`.trial` prints, and why it failed, or ""."""
    place = Path(kfkd.__file__).parent.parent
    command = [sys.executable, "-P", "-c", _TRIAL, str(place)]
    try:
        with Bar("trying imports and steps of training"):
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_TIMEOUT
            )
    except subprocess.TimeoutExpired:
        return [], f"it has not ended after {_TIMEOUT} seconds"
    failure = ""
    if done.returncode < 0:
        failure = f"ended by {signal.Signals(-done.returncode).name}"
    elif done.returncode:
        failure = (done.stderr.strip().splitlines() or ["it failed"])[-1]
    return [json.loads(line) for line in done.stdout.splitlines()], failure
