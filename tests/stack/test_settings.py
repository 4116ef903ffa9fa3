"""Theano's settings: the user's own, and errors in them."""

import configparser
import os
import re

import pytest
from theano.configparser import parse_config_string

from kfkd import stack
from kfkd.errors import SettingsError
from kfkd.stack import settings as settings_module
from kfkd.stack.settings import explained, get_settings
from tests.helpers.fresh_process import run, settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    monkeypatch.setenv("THEANORC", "")
    monkeypatch.setenv("THEANO_FLAGS", "")


def test_settings_that_theano_does_not_take(monkeypatch):
    for name, value in (("mode", "foo"), ("floatX", "float17")):
        # Of another, the value is in the message, too.
        monkeypatch.setenv("THEANO_FLAGS", f"linker=c,{name}={value},allow_gc=f")
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
        (
            "device=gpux",
            "'gpux' is not a device; .* Change device=gpux in THEANO_FLAGS$",
        ),
        (
            "device=opencl0:1",
            "'opencl0:1' is not a device; devices are called cpu, gpu",
        ),
        ("device=cuda:0", "'cuda:0' is not a device; devices are called cpu, gpu"),
        ("floatX='float64", "No closing quotation. Change THEANO_FLAGS$"),
    ],
)
def test_flags_that_are_refused(monkeypatch, flags, message):
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
