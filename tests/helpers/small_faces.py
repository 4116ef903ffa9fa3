"""Drawn faces, and small nets, for the tests of training."""

import functools

import numpy as np
from lasagne import layers

from kfkd import faces
from kfkd.data import from_pixels
from kfkd.estimator import NeuralNet


@functools.cache
def _arrays(n):
    images, points = faces.draw(n)
    X = (images / 255).astype("float32").reshape(n, 1, 96, 96)
    y = from_pixels(points).astype("float32")
    X.flags.writeable = y.flags.writeable = False
    return X, y


def images(n=50):
    """Return X of shape (n, 1, 96, 96) and y of shape (n, 30); neither can be changed.

    That makes every test check that nothing changes its training data.
    """
    return _arrays(n)


def rows(n=50):
    """Return the same with X of shape (n, 9216)."""
    X, y = _arrays(n)
    return X.reshape(n, -1), y


def small(kind=NeuralNet, **changes):
    """Return a net of four hidden units that takes what `rows` gives."""
    definition = dict(
        layers=[
            ("input", layers.InputLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 9216),
        hidden_num_units=4,
        output_num_units=30,
        output_nonlinearity=None,
        update_learning_rate=0.01,
        update_momentum=0.9,
        regression=True,
        max_epochs=3,
        verbose=0,
    )
    return kind(**definition | changes)


def params(net):
    """Return all weights of a net, one after the other."""
    values = net.get_all_params_values()
    return np.concatenate([p.ravel() for layer in values.values() for p in layer])


def losses(net):
    """Return the losses of each epoch, in training and validation."""
    return [(row["train_loss"], row["valid_loss"]) for row in net.train_history_]


class Record:
    """A callback that keeps what a function returns of the net after each epoch."""

    def __init__(self, function):
        self.function = function
        self.values = []

    def __call__(self, net, train_history):
        self.values.append(self.function(net))
