"""Theano-PyMC's own back end in C, with BLAS: the net in plain Theano.

python3.8 peers/theano_c.py NET cpu

It wants a Python of its time with Theano-PyMC 1.1.2, NumPy before 1.24, a C++ compiler
and OpenBLAS: THEANO_FLAGS=floatX=float32,blas__ldflags=-lopenblas,openmp=True
"""

import sys

import numpy as np
import theano
import theano.tensor as T
from common import (
    BATCH,
    DROPOUT,
    MOMENTUM,
    RATE,
    Workload,
    repeat,
    serve,
)
from theano.sandbox.rng_mrg import MRG_RandomStream
from theano.tensor.signal.pool import pool_2d


class Peer:
    """The compiled functions and the data."""

    def __init__(self, name):
        self.load = load = Workload(name).of_tutorial()
        self.rng = np.random.RandomState(0)
        params = [tuple(map(theano.shared, pair)) for pair in load.weights()]
        X, y = (T.tensor4 if load.convolutional else T.matrix)("X"), T.matrix("y")
        streams = MRG_RandomStream(1)

        def output(train):
            x, rates = X, iter(DROPOUT)

            def dropped(x):
                p = next(rates)
                if not (load.dropout and train):
                    return x
                kept = streams.binomial(x.shape, p=1 - p, dtype=x.dtype)
                return x * kept / np.float32(1 - p)

            if load.convolutional:
                for w, b in params[:3]:
                    x = T.nnet.conv2d(x, w, filter_flip=False)
                    x = T.nnet.relu(x + b.dimshuffle("x", 0, "x", "x"))
                    x = dropped(pool_2d(x, (2, 2), ignore_border=True))
                x = x.flatten(2)
            for i, (w, b) in enumerate(params[3 * load.convolutional : -1]):
                x = T.nnet.relu(T.dot(x, w) + b)
                x = dropped(x) if load.convolutional and i == 0 else x
            w, b = params[-1]
            return T.mean((T.dot(x, w) + b - y) ** 2)

        loss, updates = output(True), []
        flat = [p for pair in params for p in pair]
        for p, g in zip(flat, T.grad(loss, flat)):  # noqa: B905  (Python 3.8)
            v = theano.shared(np.zeros_like(p.get_value()))
            new = np.float32(MOMENTUM) * v - np.float32(RATE) * g
            updates += [(v, new)]
            updates += [(p, p + np.float32(MOMENTUM) * new - np.float32(RATE) * g)]
        self.train = theano.function([X, y], loss, updates=updates)
        self.evaluate = theano.function([X, y], output(False))
        batch = load.train[0][:BATCH], load.train[1][:BATCH]
        self.step = repeat(lambda: self.train(*batch))
        self.evaluation = repeat(lambda: self.evaluate(*batch))
        self.epoch = repeat(self._epoch)

    def _epoch(self):
        X, y = self.load.train
        for i in range(0, len(X), BATCH):
            Xb, yb = X[i : i + BATCH], y[i : i + BATCH]
            if self.load.flips:
                flipped = self.rng.choice(len(Xb), len(Xb) // 2, replace=False)
                Xb, yb = Xb.copy(), yb.copy()
                Xb[flipped] = Xb[flipped, :, :, ::-1]
                yb[flipped] = (yb[flipped] * self.load.sign)[:, self.load.source]
            self.train(Xb, yb)
        X, y = self.load.valid
        for i in range(0, len(X), BATCH):
            loss = self.evaluate(X[i : i + BATCH], y[i : i + BATCH])
        return loss


if __name__ == "__main__":
    serve(Peer(sys.argv[1]))
