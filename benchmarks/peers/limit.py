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
import numpy as np
from common import BATCH, FILTERS, TRAIN, VALID, Workload, serve

# Of the matrices, bytes, and how often: large enough to keep each device busy.
SIZES = {"cpu": (4096, 2**28, 3), "gpu": (8192, 2**31, 10)}


class Ceilings:
    """The rates of a large copy and of a large matrix product of random numbers.

    Parameters
    ----------
    device : jax.Device
    sizes : (int, int, int), optional
        As in `SIZES`.
    """

    def __init__(self, device, sizes=None):
        self.side, self.bytes, self.times = sizes or SIZES[device.platform]
        rng = np.random.default_rng(0)
        square = rng.standard_normal((self.side, self.side), dtype="float32")
        self.square = jax.device_put(square, device)
        # Random too: zeros draw less power, and a GPU is then faster.
        self.long = jax.device_put(np.resize(square, self.bytes // 4), device)
        self.functions = {}

    def copied(self):
        """Return the bytes per second that are read and written."""
        return 2 * self.bytes / self._seconds("copy", lambda a: a + 1, self.long)

    def multiplied(self, precision=None):
        """Return the operations per second of a product.

        Parameters
        ----------
        precision : str, optional
            Of JAX, by default as ``jax_default_matmul_precision`` says; or "bfloat16"
            for operands of that type.
        """
        square = self.square
        if precision == "bfloat16":
            square, precision = square.astype(jnp.bfloat16), None

        def product(a):
            return jnp.dot(a, a, precision=precision)

        seconds = self._seconds((precision, square.dtype), product, square)
        return 2 * self.side**3 / seconds

    def _seconds(self, name, function, argument):
        function = self.functions.setdefault(name, jax.jit(function))
        function(argument).block_until_ready()
        start = time.perf_counter()
        for _ in range(self.times):
            result = function(argument)
        result.block_until_ready()
        return (time.perf_counter() - start) / self.times


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
        self.load = Workload(name, 0, 0).of_tutorial()
        self.ceilings = Ceilings(jax.devices(device)[0])

    def _seconds(self, parts):
        operations, size = self.ceilings.multiplied(), self.ceilings.copied()
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
