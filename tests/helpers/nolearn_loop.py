"""Trainings by kfkd's loop and by nolearn's, to be compared."""

import nolearn.lasagne
import numpy as np

from kfkd.training.loop import TrainingLoop
from tests.helpers import small_faces

IMAGES = dict(input_shape=(None, 1, 96, 96))
NOLEARN = nolearn.lasagne.NeuralNet.train_loop


def plain():
    return small_faces.small(), small_faces.rows()


def run(net, X, y, n_epochs):
    TrainingLoop(net, X, y, n_epochs).run()


def trained(kind, way):
    net, (X, y) = kind()
    net.seed(7).initialize()
    # A second training goes on with the first one's history and random numbers.
    for n_epochs in (3, 2):
        way(net, X.copy(), y.copy(), n_epochs)
    return net


def check_equal(net, expected):
    ours, theirs = net.train_history_, expected.train_history_
    assert [row.keys() for row in ours] == [row.keys() for row in theirs]
    for name in ours[0]:
        if name != "dur":
            np.testing.assert_allclose(
                [row[name] for row in ours],
                [row[name] for row in theirs],
                rtol=1e-5,
                err_msg=name,
            )
    for a, b in zip(net.get_all_params(), expected.get_all_params(), strict=True):
        np.testing.assert_allclose(a.get_value(), b.get_value(), rtol=1e-4, atol=1e-6)
