"""What many tests need; makes Theano, Lasagne and nolearn importable, in any order."""

import os
import random
import runpy
import signal
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import isolation

# isort: split
# What is imported from here on reads the settings.

import kfkd  # noqa: F401
from kfkd import xla

# A shell lets what it starts in the background ignore Ctrl-C, which tests press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure():
    isolation.home.cleanup()


@pytest.hookimpl(trylast=True)  # after pytest-randomly
def pytest_collection_modifyitems(items):
    """Begin with the longest tests, so that no worker ends with one of them."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


# The Pythons that a test has started.
_started = []


def _note(event, arguments):
    if event == "subprocess.Popen" and arguments[0] == sys.executable:
        _started.append(arguments[1])


sys.addaudithook(_note)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """See to it that the marker `process` is where it belongs."""
    _started.clear()
    result = yield
    if _started and not item.get_closest_marker("process"):
        pytest.fail("starts another Python, and is not marked: pytest.mark.process")
    return result


def _seed(config, name):
    """Seed Python, NumPy and Lasagne by a name, and by pytest-randomly's seed."""
    import lasagne  # once kfkd has been imported

    run = getattr(config.option, "randomly_seed", 0)
    seed = (zlib.crc32(name.encode()) + (run if isinstance(run, int) else 0)) % 2**32
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    lasagne.random.set_rng(np.random)


@pytest.fixture(autouse=True)
def _seed_test(request):
    _seed(request.config, request.node.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    """Seed what several tests share: which of them comes first must not matter."""
    if fixturedef.scope != "function":
        _seed(request.config, f"{fixturedef.baseid}::{fixturedef.argname}")


@pytest.fixture(autouse=True, scope="session")
def _failing_rewrites():
    """Let a rewrite of a graph that fails be an error, where Theano logs it."""
    import theano  # once kfkd has been imported

    theano.config.on_opt_error = "raise"


@pytest.fixture(autouse=True)
def _exact(request):
    """Compute in float32 what is compared: a GPU would multiply in TensorFloat-32."""
    if not request.node.get_closest_marker("gpu") or xla.get_device().platform == "cpu":
        yield
        return
    xla.set_precision("float32")
    yield
    xla.set_precision(None)


@pytest.fixture(autouse=True)
def _optimized(request, monkeypatch):
    """Let XLA optimize what it compiles for the slow tests and on a GPU alone.

    The fast ones compile many programs and run each a few times.  How XLA's compiler
    works is not what they test.
    """
    import jax

    full = any(map(request.node.get_closest_marker, ("slow", "gpu")))
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", str(int(not full)))
    jax.config.update("jax_disable_most_optimizations", not full)


@pytest.fixture
def work(monkeypatch, tmp_path):
    """An empty folder to work in; no data, cache or device but the test's own."""
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
