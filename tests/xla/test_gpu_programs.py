"""What a GPU would be given, made without one: epochs of the tutorial's nets."""

import re

import jax
import numpy as np
import pytest

from kfkd.nets import make
from kfkd.xla import formulations
from kfkd.xla.loop import BatchLoop
from kfkd.xla.precision import precisely

N, BATCH = 20, 8  # two whole batches and a smaller one


@pytest.fixture(autouse=True)
def _gpu(monkeypatch):
    monkeypatch.setattr(formulations, "_on_cpu", lambda: False)


def program(function, shape):
    """Return the text of the program that calls *function* for all batches."""
    images, points = np.zeros((N, *shape), "float32"), np.zeros((N, 30), "float32")
    loop = BatchLoop(function, [images, points], BATCH)
    with jax.enable_x64(True), precisely():
        traced = loop._jitted().trace(*loop._arguments(None, None))
        return traced.lower(lowering_platforms=("cuda",)).as_text()


# How many convolutions and products a step and an evaluation take: forwards, to the
# weights, and to what came in, but for the first layer.
@pytest.mark.parametrize(
    ("name", "shape", "step", "evaluation"),
    [("net1", (9216,), (0, 5), (0, 2)), ("net6", (1, 96, 96), (8, 9), (3, 3))],
)
def test_every_layer_is_one_operation_of_the_libraries(name, shape, step, evaluation):
    net = make(name, verbose=0)
    net.initialize()
    for function, counts in ((net.train_iter_, step), (net.eval_iter_, evaluation)):
        text = program(function, shape)
        found = [
            text.count("stablehlo.convolution("),
            text.count("stablehlo.dot_general "),
        ]
        # Once in the loop, and once for the smaller batch.
        assert found == [2 * n for n in counts]
        # Nothing calls what only another device has.
        assert re.findall(r"custom_call @\w+", text) == []
