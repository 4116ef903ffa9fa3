"""kfkd export, in this process, as a user runs it."""

import os
from pathlib import Path

import numpy as np
import pytest

from kfkd import nets, storage, weights
from kfkd.__main__ import main
from tests.helpers import onnx_models

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture
def net():
    net = nets.make("net1", hidden_num_units=20).seed(1)
    net.initialize()
    storage.save(net, "net1.pickle")
    return net


def test_a_net_by_its_own_name_or_another(net, capsys):
    os.mkdir("models")
    assert main(["export", "net1.pickle"]) == 0
    assert "Written to net1.onnx, 0.7 MB\n" in capsys.readouterr().out
    assert main(["export", "net1.pickle", "models/mine.onnx", "--half"]) == 0
    small = Path("models/mine.onnx")
    assert small.stat().st_size < 0.51 * Path("net1.onnx").stat().st_size
    X = np.random.default_rng(0).random((2, 9216), np.float32)
    found = onnx_models.run(onnx_models.read("net1.onnx"), X)
    np.testing.assert_allclose(found, net.predict(X), atol=1e-5)


def test_the_net_that_comes_with_kfkd(capsys):
    assert main(["export", "--half"]) == 0
    assert main(["export", "other.onnx", "--half"]) == 0
    assert Path("modern.onnx").read_bytes() == Path("other.onnx").read_bytes()
    X = np.random.default_rng(0).random((2, 1, 96, 96), np.float32)
    found = onnx_models.run(onnx_models.read("modern.onnx"), X)
    np.testing.assert_allclose(found, weights.load().predict(X), atol=2e-3)


def test_what_is_replaced(net, capsys):
    assert main(["export", "net1.pickle"]) == 0
    assert main(["export", "net1.pickle", "--half"]) == 0  # its like
    Path("net1.onnx").write_bytes(b"\x08\x08\x12\x07pytorch...")
    assert main(["export", "net1.pickle"]) == 1
    assert "net1.onnx is there already, is not a model" in capsys.readouterr().err
    assert Path("net1.onnx").read_bytes().endswith(b"pytorch...")
    assert main(["export", "net1.pickle", "--force"]) == 0
    onnx_models.read("net1.onnx")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["no.pickle"], 1, "no.pickle cannot be read"),
        (["net6.pickle"], 1, "there is no net6.pickle; `kfkd train net6` makes it"),
        (["net1.pickle", "a.pb"], 2, "a.pb does not end in .onnx"),
        (["a.png"], 2, "a.png is an image, not a saved net"),
        (["net1.pickle", "no/a.onnx"], 1, "there is no folder no"),
        (["odd.pickle", "a.onnx"], 1, "layer 'noise' is a Own, which cannot be"),
    ],
)
def test_errors(net, arguments, status, words, capsys):
    storage.save(odd_net(), "odd.pickle")
    before = set(os.listdir())
    try:
        found = main(["export", *arguments])
    except SystemExit as end:
        found = end.code
    assert found == status
    assert words in capsys.readouterr().err
    assert set(os.listdir()) == before


class Own(nets.make("net1").layers[1][1]):
    """A layer that only its program knows."""


def odd_net():
    net = nets.make("net1", hidden_num_units=2)
    start, hidden, output = net.layers
    net.layers = [start, ("noise", Own), hidden, output]
    net.more_params["noise_num_units"] = 2
    net.initialize()
    return net
