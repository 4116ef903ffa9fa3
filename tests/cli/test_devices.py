"""What a user does with whichever device there is: a GPU, or without one the CPU."""

import signal
import subprocess
import sys

import numpy as np
import pytest
import theano.tensor as T
from lasagne import layers
from theano.gradient import disconnected_grad

from kfkd import errors, faces, storage, xla
from kfkd.augment import FlipBatchIterator
from kfkd.cli import train
from tests.helpers import small_faces
from tests.helpers.train_runs import (
    check_same,
    environment,
    interrupted,
    start_signalled,
)

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("work")]

PREDICT = """
import sys
import numpy as np
from kfkd import storage, xla
assert xla.get_device().platform == "cpu"
np.save("cpu.npy", storage.load(sys.argv[1]).predict(np.load("images.npy")))
"""


def convolutional():
    """Return a trained net with convolutions, flips and dropout, and its images."""
    net = small_faces.small(
        layers=[
            ("input", layers.InputLayer),
            ("conv", layers.Conv2DLayer),
            ("pool", layers.MaxPool2DLayer),
            ("dropout", layers.DropoutLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 1, 96, 96),
        conv_num_filters=4,
        conv_filter_size=(3, 3),
        pool_pool_size=(4, 4),
        batch_iterator_train=FlipBatchIterator(batch_size=16),
    )
    X, y = small_faces.images()
    return net.seed(1).fit(X, y), X


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("name", ["net.pickle", "net.npz"])
def test_a_net_that_is_trained_here_predicts_on_a_cpu(name):
    net, X = convolutional()
    storage.save(net, name)
    np.save("images.npy", X)
    env = environment() | {"KFKD_DEVICE": "cpu", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, name],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load("cpu.npy"), net.predict(X), rtol=1e-4, atol=1e-5)


@pytest.mark.process
@pytest.mark.slow
def test_net6_goes_on_after_ctrl_c_as_if_nothing_had_happened(tmp_path, capsys):
    data = faces.make(tmp_path / "data", n_train=60, n_test=1)
    arguments = ["net6", "--data", str(data), "--epochs", "6", "--batch-size", "8"]
    assert train.main([*arguments, "--out", "whole.pickle"]) == 0
    arguments += ["--checkpoint-every", "1", "--out", "net6.pickle"]
    process = start_signalled(signal.SIGINT, r" +3  \|", *arguments)
    interrupted(process)
    assert train.main([*arguments, "--resume"]) == 0
    assert "Resuming after epoch" in capsys.readouterr().out
    check_same("net6.pickle", "whole.pickle")


def test_too_little_memory_is_one_clear_error():
    def needs_much(x):
        much = T.alloc(x.sum(), 10**5, 10**8)  # 40 TB
        return x + disconnected_grad(T.sort(T.cumsum(much, axis=0), axis=1)[0, 0])

    net = small_faces.small(output_nonlinearity=needs_much)
    with pytest.raises(errors.DeviceMemoryError) as error:
        net.fit(*small_faces.rows(), epochs=1)
    message = str(error.value)
    assert message.startswith(f"{xla.describe_device()} has too little free memory: ")
    assert "--batch-size" in message
    assert "\n" not in message
