"""Weights whose tags are changed after training, so that they are trained no longer."""

import copy
import pickle

import nolearn.lasagne
import numpy as np
import pytest
from sklearn.base import clone

from kfkd import storage
from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import regressor, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])


@KINDS
def test_weights_that_are_no_longer_trained_stay(kind):
    X, y = rows()
    net = regressor(kind).fit(X, y)
    hidden, output = (net.layers_[name] for name in ("hidden", "output"))
    for weights in (hidden.W, hidden.b):
        hidden.params[weights].remove("trainable")
    nolearn.lasagne.base.grad_scale(output, 0.0)
    output.params[output.b].remove("trainable")
    before = net.get_all_params_values()
    net.fit(X, y)
    after = net.get_all_params_values()
    for name in ("hidden", "output"):
        for first, second in zip(before[name], after[name], strict=True):
            np.testing.assert_array_equal(first, second)
    nolearn.lasagne.base.grad_scale(output, 1.0)
    net.fit(X, y)
    assert (output.W.get_value() != before["output"][0]).any()


@pytest.mark.parametrize(
    "copied",
    [
        lambda net, path: pickle.loads(pickle.dumps(net)),
        lambda net, path: copy.deepcopy(net),
        lambda net, path: (
            storage.save(net, path / "net.npz") or storage.load(path / "net.npz")
        ),
        lambda net, path: (
            storage.save(net, path / "net.pickle") or storage.load(path / "net.pickle")
        ),
    ],
    ids=["pickle", "deepcopy", "npz", "file"],
)
def test_copies_do_not_train_them_either(copied, tmp_path):
    X, y = rows()
    net = regressor().fit(X, y)
    for tags in net.layers_["hidden"].params.values():
        tags.remove("trainable")
    made = copied(net, tmp_path)
    before = made.get_all_params_values()
    made.fit(X, y)
    after = made.get_all_params_values()
    np.testing.assert_array_equal(after["hidden"][0], before["hidden"][0])
    assert (after["output"][0] != before["output"][0]).any()
    # A clone is of the definition, as before training.
    assert len(clone(net).fit(X, y).get_all_params(trainable=True)) == 4
