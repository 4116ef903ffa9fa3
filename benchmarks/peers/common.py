"""What the peers share: the data, the shapes, and answering the one who measures.

A peer is a script of its own, ``python peers/torch_eager.py net2 cpu``, so that none
inherits the threads, the memory or the settings of another. Nothing newer than Python
3.8 and NumPy is needed here, as Theano's own back end wants it old.
"""

import sys
import time

import numpy as np

BATCH = 128
TRAIN, VALID = 1712, 428  # as the tutorial splits 2,140 images
FILTERS = ((32, 3), (64, 2), (128, 2))  # how many, and their side
DROPOUT = (0.1, 0.2, 0.3, 0.5)
RATE, MOMENTUM = 0.01, 0.9
# Columns that change places in a flipped image, in Kaggle's order; the last eight are
# those of modern for sparse rows.
SOURCE = np.r_[2, 3, 0, 1, 8:12, 4:8, 16:20, 12:16, 20, 21, 24, 25, 22, 23, 26:30]
SOURCE = np.r_[SOURCE, 32, 33, 30, 31, 34:38]


class Workload:
    """A net's name taken apart, and its data.

    Attributes
    ----------
    modern : bool
        Whether it is ``modern``, or ``modern_adam``, which is the same without
        `augments`.
    augments : bool
        Whether images are turned, scaled and shifted.
    batch : int
    outputs : int
    sign, source : arrays, shape (outputs,)
        Factors of the labels of a flipped image, and which columns they come from.
    convolutional, flips, dropout : bool
    units : int
        Of each of the two hidden layers of a convolutional net.
    train, valid : (X, y)
    """

    def __init__(self, net, train=TRAIN, valid=VALID):
        rng = np.random.RandomState(0)
        self.modern = net.startswith("modern")
        self.augments = net == "modern"
        self.batch = 32 if self.modern else BATCH
        self.outputs = k = 38 if self.modern else 30
        self.source = SOURCE[:k]
        self.sign = np.where(np.arange(k) % 2 == 0, -1, 1).astype("float32")
        self.convolutional = net != "net1"
        self.flips = net in ("net3", "net5", "net6", "net7")
        self.dropout = net in ("net6", "net7")
        self.units = 1000 if net == "net7" else 500
        shape = (1, 96, 96) if self.convolutional else (9216,)
        self.train, self.valid = (
            (
                rng.uniform(size=(n, *shape)).astype("float32"),
                rng.uniform(-1, 1, size=(n, self.outputs)).astype("float32"),
            )
            for n in (train, valid)
        )

    def of_tutorial(self):
        """Return this workload, or end a peer that has no other nets."""
        if self.modern:
            sys.exit("this peer has the tutorial's nets alone")
        return self

    def weights(self):
        """Return initial weights, (weights, biases) of each layer, channels first."""
        rng = np.random.RandomState(1)

        def draw(*shape):
            fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
            values = rng.normal(size=shape) * np.sqrt(2.0 / fan_in)
            bias = np.zeros(shape[0] if len(shape) == 4 else shape[1], "float32")
            return values.astype("float32"), bias

        if not self.convolutional:
            return [draw(9216, 100), draw(100, 30)]
        layers, channels = [], 1
        for count, side in FILTERS:
            layers.append(draw(count, channels, side, side))
            channels = count
        units = self.units
        return [*layers, draw(15488, units), draw(units, units), draw(units, 30)]


def repeat(function):
    """Return a way to measure *function*, which returns a loss when all is done."""

    def measure(count):
        start = time.perf_counter()
        for _ in range(count):
            loss = function()
        return (time.perf_counter() - start) / count, loss

    return measure


def serve(peer):
    """Do what is asked for on standard input and answer with seconds and a loss.

    Parameters
    ----------
    peer : object
        Its methods ``step``, ``evaluation`` and ``epoch`` are called with a number of
        repetitions and return the seconds of one and its loss.
    """
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        what, count = line.split()
        seconds, loss = getattr(peer, what)(int(count))
        sys.stdout.write(f"{seconds!r} {float(loss)!r}\n")
        sys.stdout.flush()
