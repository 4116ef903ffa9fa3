"""Small nets of eight numbers, and data that they can learn."""

import numpy as np
from lasagne import layers, nonlinearities

from kfkd.estimator import NeuralNet


def rows(n=60):
    """Return X of shape (n, 8), and y of shape (n, 3), sums and differences of it."""
    X = np.random.RandomState(0).rand(n, 8).astype("float32")
    return X, np.stack([X.sum(1), X[:, 0], X[:, 1] - X[:, 2]], 1) / 4


def labelled(n=60):
    """Return X of shape (n, 8), and labels 0, 1, 2, which shift its first columns."""
    X, _ = rows(n)
    y = np.arange(n) % 3
    X[np.arange(n), y] += 1
    return X, y


def regressor(kind=NeuralNet, **changes):
    options = dict(
        layers=[
            ("input", layers.InputLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 8),
        hidden_num_units=5,
        hidden_nonlinearity=nonlinearities.tanh,  # a rectifier may be at 0 for all rows
        output_num_units=3,
        output_nonlinearity=None,
        update_learning_rate=0.01,
        regression=True,
        max_epochs=3,
    )
    return kind(**options | changes)


def classifier(kind=NeuralNet, **changes):
    options = dict(regression=False, output_nonlinearity=nonlinearities.softmax)
    return regressor(kind, **options | changes)
