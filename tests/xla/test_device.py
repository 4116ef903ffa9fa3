import logging
import os
import subprocess
import sys

import jax
import pytest

from kfkd.xla import DeviceError, describe_device, get_device, set_device
from tests.helpers.cases import some

SCRIPT = """
import warnings; warnings.simplefilter("ignore")
import kfkd, theano, kfkd.xla
x = theano.shared(1.0)
print(theano.function([], x + 1)(), kfkd.xla.describe_device())
"""


@pytest.fixture(autouse=True)
def _default_device():
    yield
    set_device(None)


def run(**environment):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def has_gpu():
    try:
        return bool(jax.local_devices(backend="cuda"))
    except RuntimeError:
        return False


def test_the_cpu_can_be_chosen():
    assert set_device("cpu").platform == get_device().platform == "cpu"
    assert describe_device().startswith("cpu (")


def test_that_there_is_no_tpu_is_not_logged(caplog):
    caplog.set_level("INFO")
    logger = logging.getLogger("jax._src.xla_bridge")
    logger.info("Unable to initialize backend 'tpu': no libtpu.so")
    logger.info("Unable to initialize backend 'cuda': no output")
    logger.warning("The 'tpu' is busy")
    assert [record.message for record in caplog.records] == [
        "Unable to initialize backend 'cuda': no output",
        "The 'tpu' is busy",
    ]


@pytest.mark.process
def test_the_environment_chooses():
    done = run(KFKD_DEVICE="cpu")
    assert done.stdout.startswith("2.0 cpu ("), done.stderr


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(has_gpu(), reason="there is a GPU")
@pytest.mark.parametrize(
    "environment",
    some(
        [
            {"KFKD_DEVICE": "cuda"},
            {"KFKD_DEVICE": "cuda:1"},
            {"THEANO_FLAGS": "device=gpu0"},
        ],
        {"KFKD_DEVICE": "cuda:1"},
        {"THEANO_FLAGS": "device=gpu0"},
    ),
)
def test_a_gpu_that_is_missing_is_an_error(environment):
    done = run(**environment)
    assert done.returncode == 1
    assert not done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("kfkd.errors.DeviceError: ")
    assert "requirements-cuda.txt" in last


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("device", ["", "cpu"])
def test_a_jax_without_a_cpu_says_why(device):
    done = run(JAX_PLATFORMS="nosuch", KFKD_DEVICE=device)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("kfkd.errors.DeviceError: JAX cannot use the CPU: ")
    assert "'nosuch'" in last


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "", "tpu", "cuda:-1", "cpu:0:1"])
def test_names_that_are_not_understood(name):
    with pytest.raises(DeviceError, match="devices are called cpu, cuda"):
        set_device(name)


def test_numbers_that_there_are_not():
    count = len(jax.local_devices(backend="cpu"))
    with pytest.raises(DeviceError, match="finds only cpu:0"):
        set_device(f"cpu:{count}")


def test_a_wrong_name_leaves_the_choice_as_it_was():
    before = set_device("cpu")
    with pytest.raises(DeviceError):
        set_device("abacus")
    assert get_device() == before


@pytest.mark.skipif(not has_gpu(), reason="no GPU")
def test_values_move_with_the_device():
    import numpy as np
    import theano

    s = theano.shared(np.ones(3))
    f = theano.function([], [], updates=[(s, s * 2)], mode="xla")
    for name in ("cuda", "cpu", "cuda"):
        set_device(name)
        f()
    assert s.get_value().tolist() == [8, 8, 8]
