"""A plugin of pytest: prints the outcome of each test as a figure, for ``gpu.py``.

Tests that have passed before are not run again: ``BENCHMARKS_FIGURES`` of the
environment names the file with the figures. Nothing runs unless it would be on the
device that ``BENCHMARKS_DEVICE`` names.
"""

import json
import os

import pytest

from benchmarks.gpu_folder import read

_FIGURES = os.environ.get("BENCHMARKS_FIGURES", "")
_DEVICE = os.environ.get("BENCHMARKS_DEVICE", "cpu")


def passed(path):
    """Return the names of the tests that have passed, as a file of figures says."""
    figures = read(path) if path else ()
    tests = [figure for figure in figures if figure.get("table") == "tests"]
    outcomes = {figure["test"]: figure["outcome"] for figure in tests}
    return {test for test, outcome in outcomes.items() if outcome == "passed"}


def pytest_sessionstart(session):
    """End at once where the tests would run on another device."""
    from kfkd import xla

    found = xla.get_device().platform
    if (found == "cpu") != (_DEVICE == "cpu"):
        pytest.exit(f"the tests would run on {found}, not on {_DEVICE}", returncode=1)


def pytest_collection_modifyitems(config, items):
    """Leave out what has passed."""
    before = passed(_FIGURES)
    again = [item for item in items if item.nodeid in before]
    config.hook.pytest_deselected(items=again)
    items[:] = [item for item in items if item.nodeid not in before]


def _reason(longrepr):
    """Return in a line why a test has failed or was skipped."""
    if isinstance(longrepr, tuple):  # path, line and reason
        return longrepr[-1]
    crash = getattr(longrepr, "reprcrash", None)
    text = str(crash.message if crash else longrepr or "").strip()
    return text.splitlines()[0][:200] if text else ""


class _Reporter:
    """Prints what has come of each test, once for each."""

    def __init__(self, config):
        self.config = config
        self.bad, self.skips_files = set(), False

    def pytest_sessionfinish(self, session, exitstatus):
        """Take it for a success if no test is left to run."""
        none = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
        if none and (self.skips_files or passed(_FIGURES)):
            session.exitstatus = pytest.ExitCode.OK

    def pytest_runtest_logreport(self, report):
        """Print the outcome: of the call, or of what has ended it before or after."""
        if report.when == "call" or report.outcome != "passed":
            if report.nodeid in self.bad:
                return
            if report.failed:
                self.bad.add(report.nodeid)
            self.add(report.nodeid, report.outcome, report.longrepr)

    def pytest_collectreport(self, report):
        """Print that a file cannot be read, or is skipped as a whole."""
        if report.outcome != "passed":
            self.skips_files |= report.skipped
            self.add(report.nodeid, report.outcome, report.longrepr)

    def add(self, test, outcome, why):
        """Print a figure, on a line of its own."""
        figure = dict(table="tests", test=test, outcome=outcome, why=_reason(why))
        terminal = self.config.get_terminal_writer()
        terminal.line()
        terminal.line(json.dumps(figure))
        terminal.flush()


def pytest_configure(config):
    """Report from the process that the others report to."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Reporter(config))
