"""Importing the stack: what it leaves behind, what it refuses."""

import importlib.metadata
import sys

import numpy as np
import pytest

from kfkd import stack
from kfkd.stack.versions import check_installed
from tests.helpers.fresh_process import run, settings


@pytest.mark.process
def test_no_home(tmp_path):
    code = """if True:
        import os
        del os.environ["HOME"]
        os.path.expanduser = lambda path: path  # as for a user without an entry
        import kfkd.stack
        print(os.environ.get("HOME"))
    """
    assert run(code, tmp_path) == "None\n"


@pytest.mark.process
@pytest.mark.parametrize("module", ["kfkd.stack", "theano", "nolearn.lasagne"])
def test_python_without_docstrings(tmp_path, module):
    code = f"""if True:
        import importlib, kfkd
        try:
            importlib.import_module({module!r})
        except ImportError as error:
            print(type(error).__name__, error, sep=": ")
    """
    output = run(code, tmp_path, PYTHONOPTIMIZE="2")
    assert output.startswith("StackError: Theano needs docstrings, which ")
    assert output.endswith(" without -OO, and with PYTHONOPTIMIZE unset\n")


SNAPSHOT = """
import importlib, json, sys, collections, os
names = ["collections", "configparser", "os", "logging", "sys", "threading", "warnings",
         "numpy", "numpy.linalg", "scipy", "scipy.signal", "sklearn", "sklearn.base",
         "sklearn.model_selection"]
for name in names:
    importlib.import_module(name)
hidden = {"numpy", "scipy", "sklearn"}
before = {name: dict(vars(sys.modules[name])) for name in names}
modules = {n: m for n, m in sys.modules.items()}
flags = os.environ.get("THEANO_FLAGS")
import kfkd.stack
for name in names:
    now = vars(sys.modules[name])
    changed = [k for k in before[name] if now.get(k) is not before[name][k]]
    added = [k for k in now if k not in before[name]
             and not isinstance(now[k], type(sys))]
    assert not changed and not added, (name, changed, added)
assert all(sys.modules[n] is m for n, m in modules.items())
gone = ["distutils", "numpy.distutils", "pkg_resources", "sklearn.cross_validation"]
assert not [n for n in gone if n in sys.modules and n not in modules], gone
assert os.environ.get("THEANO_FLAGS") == flags
"""


# What Theano writes it writes when it compiles, and when the process ends.
WORK = """
import io
import theano, theano.tensor as T, numpy as np
x = T.tensor4(); k = T.tensor4()
f = theano.function([x, k], T.nnet.conv2d(x, k).sum(), mode="FAST_RUN", profile=True)
f(np.ones((1, 1, 4, 4), "f"), np.ones((1, 1, 2, 2), "f"))
f.profile.summary(file=io.StringIO())
theano.compile.profiling._atexit_print_list.clear()  # of what is printed at the end
theano.config.config_print(io.StringIO())
"""


@pytest.mark.process
@pytest.mark.slow
def test_by_default_nothing_is_changed_or_written(tmp_path):
    # SNAPSHOT checks that the shims of the import are removed after it.
    *found, _, folder = settings(tmp_path, before=SNAPSHOT, after=WORK)
    assert found == ["float32", "xla", "cpu", "", "low", None]
    assert folder.startswith(str(tmp_path / "home" / ".theano"))
    assert not [p for p in (tmp_path / "home").rglob("*") if "heano" in p.name]


@pytest.fixture
def versions(monkeypatch):
    """Versions that seem to be installed, by name; a test may change them."""
    installed = dict(stack.VERSIONS)

    def version(name):
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    return installed


def test_what_is_installed_suits():
    check_installed()


def test_a_missing_package_is_named(versions):
    del versions["lasagne"]
    with pytest.raises(stack.StackError, match=r"lasagne 0\.1, which is not installed"):
        check_installed()


def test_another_version_is_named(versions):
    versions["nolearn"] = "0.7"
    with pytest.raises(stack.StackError, match=r"nolearn 0\.6\.1, but 0\.7 is"):
        check_installed()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["__init__.py", "_version.py", "generated_version.py"], "installed over it"),
        (["__init__.py"], "missing or incomplete"),
    ],
)
def test_the_real_theano_is_noticed(versions, monkeypatch, tmp_path, files, message):
    folder = tmp_path / "theano"
    folder.mkdir()
    for name in files:
        (folder / name).touch()
    distribution = importlib.metadata.distribution

    class Here(importlib.metadata.PathDistribution):
        def locate_file(self, path):
            return tmp_path / path

    def find(name):
        return Here(tmp_path) if name == "theano-pymc" else distribution(name)

    monkeypatch.setattr(importlib.metadata, "distribution", find)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "theano")
    with pytest.raises(stack.StackError, match=message) as error:
        check_installed()
    assert "pip uninstall -y Theano theano-pymc" in str(error.value)


@pytest.mark.parametrize("file", ["theano.py", "nolearn/__init__.py"])
def test_a_file_of_the_users_in_the_place_of_a_package(monkeypatch, tmp_path, file):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "theano")
    monkeypatch.delitem(sys.modules, "nolearn")
    with pytest.raises(stack.StackError, match="Rename it, or start sc") as error:
        check_installed()
    assert str(error.value).startswith(f"{tmp_path / file} has the name of the package")


@pytest.mark.process
def test_a_seeded_program_draws_the_same_numbers_in_any_mode(tmp_path):
    code = """if True:
        import numpy as np, kfkd, theano, theano.tensor as T
        np.random.seed(3)
        x = T.vector()
        theano.function([x], x * 2, mode="xla")([1])
        print(np.random.randint(10**9), end="")
    """
    expected = np.random.RandomState(3).randint(10**9)
    assert run(code, tmp_path) == str(expected)
