"""A plugin for pytest that runs a test file of another project on kfkd.

It imports kfkd first, limits the time of each test, and writes a line of JSON as each
test begins and as it ends, so that nothing is lost if the process is.  Tests that have
a line already are left out: the same command goes on where it was.
"""

import json
import os
import signal
from pathlib import Path

import pytest
from shims import install, install_numpy_names

from kfkd.stack import nolearn, theano

install()
# Theano makes it as it starts, and its tests write files there.
os.makedirs(theano.config.compiledir, exist_ok=True)
# nolearn's tests import it as their own package.
nolearn.__path__.insert(0, os.path.abspath("nolearn"))

RESULTS = Path(os.environ["UPSTREAM_RESULTS"])
LIMIT = int(os.environ["UPSTREAM_LIMIT"])


def write(**line):
    """Add a line to the results."""
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def pytest_collection_modifyitems(items):
    """Leave out what has been begun before."""
    install_numpy_names()
    lines = RESULTS.read_text(encoding="utf-8").splitlines()
    begun = {json.loads(line)["test"] for line in lines}
    items[:] = [item for item in items if item.nodeid not in begun]


def pytest_collectreport(report):
    """Note that a file cannot be imported, or skips itself."""
    if report.skipped:
        reason = str(report.longrepr[2])
        write(test=report.nodeid, outcome="skipped", error=reason, line="")
    if report.failed:
        lines = [
            x[1:].strip() for x in str(report.longrepr).splitlines() if x[:1] == "E"
        ]
        write(test=report.nodeid, outcome="failed", error=(lines or ["?"])[0], line="")


class _Clock:
    """The seconds of a test, not counting those for which the process is paused."""

    def __init__(self):
        self.seconds = 0

    def tick(self, number, frame):
        self.seconds += 1
        if self.seconds == LIMIT:
            pytest.fail(f"it took longer than {LIMIT} s")


def pytest_runtest_logstart(nodeid):
    """Note that a test begins."""
    write(test=nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    """Limit the time of a test."""
    signal.signal(signal.SIGALRM, _Clock().tick)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _describe(error):
    """Return what an exception is, in one line."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    name = type(error).__name__
    return text if name in ("Failed", text) else f"{name}: {text}"


def _line(excinfo, folder):
    """Return the innermost line of the tests' own that an exception went through."""
    for entry in reversed(excinfo.traceback):
        if str(entry.path).startswith(str(folder)):
            return " ".join(str(entry.statement).split())
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Note how a test ended."""
    report = yield
    failed = report.failed or (report.skipped and call.excinfo)
    if failed:
        expected = hasattr(report, "wasxfail")
        write(
            test=item.nodeid,
            outcome="expected" if expected else report.outcome,
            error=report.wasxfail if expected else _describe(call.excinfo.value),
            line=_line(call.excinfo, item.config.rootpath),
        )
    elif report.when == "call":
        write(test=item.nodeid, outcome=report.outcome)
    return report
