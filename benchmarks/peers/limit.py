"""What the arithmetic alone would take: operations and bytes over the device's rates.

python peers/limit.py NET DEVICE

Counted are multiplications and additions of convolutions and matrix products, and the
bytes of what must be read and written at least: weights and velocities, and each
layer's output. The rates are those of a large matrix product and a large copy, measured
whenever something is asked for, as the clock of a processor is not always the same.
"""

import sys
import time

import jax
import jax.numpy as jnp
from common import BATCH, FILTERS, TRAIN, VALID, Workload, serve

SIDE, COPIED = 4096, 2**28  # of the matrices, and bytes


def layers(load):
    """Yield for each layer its weights, its outputs, and how often a weight is used."""
    if load.convolutional:
        side, channels = 96, 1
        for count, size in FILTERS:
            side -= size - 1
            yield count * channels * size**2, count * side**2, side**2
            side, channels = side // 2, count
        width = channels * side**2
        hidden = (load.units, load.units)
    else:
        width, hidden = 9216, (100,)
    for units in (*hidden, 30):
        yield width * units, units, 1
        width = units


def cost(load, train, samples=BATCH):
    """Return the operations and the bytes of a step or an evaluation."""
    operations = size = 0
    for i, (weights, outputs, uses) in enumerate(layers(load)):
        # Forwards, and for training the gradients of the weights and, but for the
        # first layer, of the inputs.
        products = (3 if i else 2) if train else 1
        operations += 2 * products * weights * uses * samples
        # Training reads weights and velocities, and writes both; each output is
        # written once and read once, and so is its gradient.
        size += 4 * (
            weights * (4 if train else 1) + samples * outputs * 2 * (1 + train)
        )
    return operations, size


class Peer:
    """The rates and the counts."""

    def __init__(self, name, device):
        self.load = Workload(name, 0, 0)
        device = jax.devices(device)[0]
        self.square = jax.device_put(jnp.ones((SIDE, SIDE), "float32"), device)
        self.long = jax.device_put(jnp.ones(COPIED // 4, "float32"), device)
        self.product = jax.jit(jnp.dot)
        self.copy = jax.jit(lambda a: a + 1)
        self.rates()

    def rates(self):
        """Return operations and bytes per second."""
        seconds = {}
        for name, function, arguments in (
            ("product", self.product, (self.square, self.square)),
            ("copy", self.copy, (self.long,)),
        ):
            function(*arguments).block_until_ready()
            start = time.perf_counter()
            for _ in range(3):
                result = function(*arguments)
            result.block_until_ready()
            seconds[name] = (time.perf_counter() - start) / 3
        return 2 * SIDE**3 / seconds["product"], 2 * COPIED / seconds["copy"]

    def _seconds(self, parts):
        operations, size = self.rates()
        return sum(
            max(a / operations, b / size)
            for a, b in (cost(self.load, *part) for part in parts)
        ), 0

    def step(self, count):
        """Return the seconds of a step of training, whatever the count."""
        return self._seconds([(True,)])

    def evaluation(self, count):
        """Return the seconds of an evaluation, whatever the count."""
        return self._seconds([(False,)])

    def epoch(self, count):
        """Return the seconds of an epoch, whatever the count."""
        return self._seconds([(True, TRAIN), (False, VALID)])


if __name__ == "__main__":
    name, device = sys.argv[1:]
    if device == "cuda":
        jax.config.update("jax_default_matmul_precision", "tensorfloat32")
    serve(Peer(name, device))
