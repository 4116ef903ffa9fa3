"""Importing the stack: what it leaves behind, what it obeys, what it refuses."""

import configparser
import importlib.metadata
import json
import os
import re
import subprocess
import sys

import pytest
from theano.configparser import parse_config_string

from kfkd import stack
from kfkd.errors import SettingsError
from kfkd.stack import settings as settings_module
from kfkd.stack.installed import check_installed
from kfkd.stack.settings import explained, get_settings


def run(code, tmp_path, **environment):
    """Run *code* in a fresh process, where warnings are errors; return its output."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    unwanted = ("THEANO_FLAGS", "THEANORC", "KFKD_DEVICE")
    env = {k: v for k, v in os.environ.items() if k not in unwanted}
    env |= {"HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)} | environment
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=env,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_settings_that_theano_does_not_take(monkeypatch):
    monkeypatch.setenv("THEANORC", "")
    for name, value in (("mode", "foo"), ("floatX", "float17")):
        monkeypatch.setenv("THEANO_FLAGS", f"{name}={value}")
        message = rf"take its settings: .*{value}.*\. Change {name}={value} in THEANO_F"
        with pytest.raises(SettingsError, match=message) as error, explained():
            setattr(stack.theano.config, name, value)
        assert error.value.__suppress_context__
        assert ("kfkd's own mode is xla" in str(error.value)) == (name == "mode")
    with pytest.raises(ValueError, match=r"^another$"), explained():
        raise ValueError("another")


@pytest.mark.parametrize("content", [b"mode = xla", b"[global]\nmode = \xff"])
def test_a_file_that_cannot_be_read_is_named(monkeypatch, tmp_path, content):
    rc = tmp_path / "rc"
    rc.write_bytes(content)
    monkeypatch.setenv("THEANORC", str(rc))
    with (
        pytest.raises(SettingsError, match=f"Change {re.escape(str(rc))}$"),
        explained(),
    ):
        configparser.ConfigParser().read(rc)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            "device=gpu # the card",
            "in THEANO_FLAGS; a comment needs a line of its own$",
        ),
        ("device=gpux", "'gpux' is no device; .* Change device=gpux in THEANO_FLAGS$"),
        ("device=opencl0:1", "'opencl0:1' is no device; they are called cpu, gpu"),
        ("device=cuda:0", "'cuda:0' is no device; they are called cpu, gpu"),
        ("floatX='float64", "THEANO_FLAGS cannot be read: No closing quotation"),
    ],
)
def test_flags_that_are_refused(monkeypatch, flags, message):
    monkeypatch.setenv("THEANORC", "")
    monkeypatch.setenv("THEANO_FLAGS", flags)
    with pytest.raises(SettingsError, match=message):
        get_settings()


def test_what_a_value_holds_reaches_theano_as_it_is(monkeypatch, tmp_path):
    values = {
        "base_compiledir": "/tmp/o'neil, and others",
        "gcc__cxxflags": '-O3 -D"a b"',
        "floatX": "float64 # a comment",
        "mode": "FAST_RUN",  # where Python 2 saw a comment
    }
    lines = [f"{name} = {value}" for name, value in values.items()]
    (tmp_path / "rc").write_text("[global]\n" + "\n".join(lines) + " ; slow\n")
    monkeypatch.setenv("THEANORC", str(tmp_path / "rc"))
    monkeypatch.setenv(
        "THEANO_FLAGS", "'gcc__cxxflags=-O2, -O3',optimizer=\"fast_run\""
    )
    values |= {"gcc__cxxflags": "-O2, -O3", "optimizer": "fast_run"}
    flags, _, _ = get_settings()
    assert parse_config_string(flags).items() >= values.items()
    where = rf"Change floatX=.* in {tmp_path / 'rc'}; a comment needs a line of its own"
    with pytest.raises(SettingsError, match=where), explained():
        stack.theano.config.floatX = values["floatX"]


def test_where_the_users_settings_are(monkeypatch, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("[global]\nmode = FAST_RUN\nfloatX = float64\n[gcc]\nx = 1\n")
    second.write_text("[global]\nfloatX = float32\ndevice = gpu\n[lib]\ncnmem = 1\n")
    monkeypatch.setenv("THEANORC", os.pathsep.join([str(first), str(second), "none"]))
    monkeypatch.setenv("THEANO_FLAGS", "device=gpu1,lib.cnmem=1")
    assert settings_module.user_settings() == {
        "mode": ("FAST_RUN", str(first)),
        "floatX": ("float32", str(second)),
        "device": ("gpu1", "THEANO_FLAGS"),
    }
    assert settings_module.source("floatX") == str(second)
    assert settings_module.source("cxx") is None
    warning = settings_module.slow_mode_warning()
    assert warning.startswith(f"{first} sets mode=FAST_RUN, ")
    assert f"Take `mode` out of {first}," in warning
    for flags in ("mode=xla", "mode=XLA"):
        monkeypatch.setenv("THEANO_FLAGS", flags)
        assert settings_module.slow_mode_warning() == ""
    monkeypatch.setenv("THEANORC", "")
    monkeypatch.setenv("THEANO_FLAGS", "")
    assert settings_module.user_settings() == {}
    assert settings_module.slow_mode_warning() == ""


# What people had in 2016, and what they had when something was wrong.
OLD_FILE = """[global]
mode = FAST_RUN
floatX = float32
cxx = g++
openmp = True
optimizer_including = cudnn
allow_gc = False
exception_verbosity = high
compute_test_value = raise
force_device = False
int_division = floatX
[blas]
ldflags = -lopenblas -lgfortran
[gcc]
cxxflags = -O3, -ffast-math
[nvcc]
fastmath = True
[lib]
cnmem = 0.8
[dnn]
enabled = True
"""
NET = """
import warnings
warnings.simplefilter("ignore")  # of a setting that Theano has dropped: int_division
import kfkd, numpy as np
from kfkd.nets import make
X, y = np.zeros((20, 9216), "f"), np.zeros((20, 30), "f")
warnings.simplefilter("error")
net = make("net1", max_epochs=1, hidden_num_units=2, verbose=0).fit(X, y)
assert len(net.train_history_) == 1
print(type(net.train_iter_.maker.linker).__name__)
import theano, theano.tensor as T
theano.config.compute_test_value = "off"
x = T.fvector()
try:
    theano.function([x], x)
except UserWarning as warning:
    print(warning)
print(type(theano.function([x], x).maker.linker).__name__, theano.config.cxx == "")
"""


@pytest.mark.process
@pytest.mark.slow
def test_an_old_file_slows_programs_and_not_the_nets(tmp_path):
    rc = tmp_path / "theanorc"
    rc.write_text(OLD_FILE)
    first, warning, last = run(NET, tmp_path, THEANORC=str(rc)).splitlines()
    assert first == "XLALinker"
    assert warning.startswith(f"{rc} sets mode=FAST_RUN, ")
    assert last == "VMLinker True"


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

SETTINGS = """
import json
from kfkd import stack
import theano
c = theano.config
print(json.dumps([c.floatX, str(c.mode), c.device, c.cxx, c.exception_verbosity,
                  stack.REQUESTED_DEVICE, str(c.linker), c.compiledir]))
"""


def settings(tmp_path, before="", after="", **environment):
    """Return what is set, in a process that also runs other code."""
    return json.loads(run(before + SETTINGS + after, tmp_path, **environment))


@pytest.mark.process
@pytest.mark.slow
def test_by_default_nothing_is_changed_or_written(tmp_path):
    # SNAPSHOT sees to it that all that is lent is taken back.
    *found, _, folder = settings(tmp_path, before=SNAPSHOT, after=WORK)
    assert found == ["float32", "xla", "cpu", "", "low", None]
    assert folder.startswith(str(tmp_path / "home" / ".theano"))
    assert not [p for p in (tmp_path / "home").rglob("*") if "heano" in p.name]


@pytest.mark.process
def test_the_users_flags_win(tmp_path):
    flags = "floatX=float64,mode=FAST_COMPILE,exception_verbosity=high,device=gpu1"
    assert settings(tmp_path, THEANO_FLAGS=flags)[:6] == [
        "float64",
        "FAST_COMPILE",
        "cpu",
        "",
        "high",
        "cuda:1",
    ]


@pytest.mark.process
@pytest.mark.slow
def test_the_users_file_counts_below_the_flags(tmp_path):
    rc = tmp_path / "theanorc"
    lines = ["floatX = float64", "device = gpu", "mode = FAST_RUN", "linker = cvm"]
    rc.write_text("\n".join(["[global]", *lines]))
    code = """
import theano.tensor as T
x = T.fvector()
assert theano.function([x], (x + 1).sum())([1, 2]) == 5
"""
    # Of the mode it is warned.
    code = f"import warnings; warnings.simplefilter('ignore'){code}"
    environment = dict(THEANORC=str(rc), THEANO_FLAGS="mode=Mode")
    *found, linker, _ = settings(tmp_path, after=code, **environment)
    assert found == ["float64", "Mode", "cpu", "", "low", "cuda"]
    assert linker == "vm"  # the counterpart of cvm


@pytest.mark.process
@pytest.mark.slow
def test_the_mode_may_be_named_in_the_file_and_in_capitals(tmp_path, monkeypatch):
    rc = tmp_path / "theanorc"
    rc.write_text("[global]\nmode = XLA\nfloatX = float64\n")
    found = settings(tmp_path, THEANORC=str(rc))
    assert found[:6] == ["float64", "xla", "cpu", "", "low", None]
    monkeypatch.setenv("THEANO_FLAGS", "mode=XLA")
    _, mode, _ = get_settings()
    assert mode == "xla"


@pytest.mark.parametrize(
    ("linker", "counterpart"),
    [
        ("cvm", "vm"),
        ("cvm_nogc", "vm_nogc"),
        ("c|py", "py"),
        ("c", "py"),
        ("vm_nogc", "vm_nogc"),
    ],
)
def test_linkers_of_c_mean_those_of_python(monkeypatch, linker, counterpart):
    monkeypatch.setenv("THEANO_FLAGS", f"linker={linker}")
    flags, _, _ = get_settings()
    assert f"linker={counterpart}" in flags.split(",")
    # With a compiler, too, as its programs do not go with today's Python and NumPy.
    monkeypatch.setenv("THEANO_FLAGS", f"linker={linker},cxx=g++")
    flags, _, _ = get_settings()
    assert {f"linker={counterpart}", "cxx="} <= set(flags.split(","))


@pytest.fixture
def versions(monkeypatch):
    """Let the test say which versions are installed."""
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
