"""kfkd: the tutorial's net, through Theano and XLA, trained by its ``fit``.

What is named after the device is computed as on the other kind
(`kfkd.xla.formulations`).
"""

import contextlib
import sys
import time
from unittest import mock

import numpy as np
from common import MOMENTUM, RATE, Workload, repeat, serve

from kfkd import nets, xla
from kfkd.callbacks import Callback
from kfkd.xla import formulations


class Clock(Callback):
    """Takes the time at the end of each epoch."""

    def __call__(self, net, train_history):
        """Take the time."""
        self.times.append(time.perf_counter())

    def before_next_epoch(self, net, epoch):
        """Allow the next epoch to start."""
        return True


class Peer:
    """The net and its data."""

    def __init__(self, name):
        load = Workload(name)
        X = np.concatenate([load.train[0], load.valid[0]])
        y = np.concatenate([load.train[1], load.valid[1]])
        n = len(load.train[0])
        self.data, self.clock = (X, y), Clock()
        rates = dict(update_learning_rate=RATE, update_momentum=MOMENTUM)
        self.net = nets.make(
            name,
            **({} if load.modern else rates),
            train_split=lambda X, y, net: (X[:n], X[n:], y[:n], y[n:]),
            on_epoch_finished=[self.clock],
            verbose=0,
        ).seed(0)
        self.net.initialize()
        batch = X[: load.batch], y[: load.batch]
        self.step = repeat(lambda: self.net.train_iter_(*batch)[0])
        self.evaluation = repeat(lambda: self.net.eval_iter_(*batch)[0])

    def epoch(self, count):
        """Train for `count` epochs, after one that is not counted."""
        times = self.clock.times = []
        self.net.fit(*self.data, epochs=count + 1)
        seconds = (times[-1] - times[0]) / count
        return seconds, self.net.train_history_[-1]["valid_loss"]


def otherwise(form):
    """Return the choice of a form that a device of the other kind has."""

    def choice(*args):
        on_cpu = xla.get_device().platform == "cpu"
        with mock.patch.object(formulations, "_on_cpu", return_value=not on_cpu):
            return form(*args)

    return choice


if __name__ == "__main__":
    xla.set_device(sys.argv[2])
    for form in sys.argv[3:]:
        setattr(formulations, form, otherwise(getattr(formulations, form)))
    with contextlib.redirect_stdout(sys.stderr):
        peer = Peer(sys.argv[1])
    serve(peer)
