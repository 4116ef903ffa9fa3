"""What many tests need; makes Theano, Lasagne and nolearn importable, in any order."""

import os
import runpy
import signal
import sys
from pathlib import Path

import pytest

import kfkd  # noqa: F401
from kfkd import xla

# A shell lets what it starts in the background ignore Ctrl-C, which tests press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def work(monkeypatch, tmp_path, tmp_path_factory):
    """An empty folder to work in; no data, cache or device but the test's own.

    What XLA has compiled is kept for the processes of other tests.
    """
    programs = tmp_path_factory.getbasetemp() / "programs"
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(programs))
    for name in ("KFKD_DATA", "KFKD_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    xla.set_device(None)


@pytest.fixture
def pseudo_terminal():
    """The two ends of one, as descriptors that the test closes."""
    try:
        return os.openpty()
    except (AttributeError, OSError) as error:  # on Windows, or without /dev/pts
        pytest.skip(f"there are no pseudo-terminals: {error}")


@pytest.fixture
def run(request, work, monkeypatch, capfd):
    """Run the module's SCRIPT; return its status (if 1, its message) and its output."""

    def run(*arguments):
        script = Path(request.module.SCRIPT)
        monkeypatch.setattr(sys, "argv", [str(script), *map(str, arguments)])
        monkeypatch.syspath_prepend(script.parent)
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(script), run_name="__main__")
        out, err = capfd.readouterr()
        return err.rstrip() if end.value.code == 1 else end.value.code, out

    return run
