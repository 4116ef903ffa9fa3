"""Classifiers of each step or place, and targets that have a number for each class."""

import nolearn.lasagne
import numpy as np
import pytest
import theano.tensor as T
from lasagne import layers, objectives
from lasagne.nonlinearities import sigmoid, softmax
from nolearn.lasagne import TrainSplit

from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import classifier, labelled

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])


def steps():
    """Return sequences (40, 5, 3), and for each step which number is the largest."""
    X = np.random.RandomState(0).rand(40, 5, 3).astype("float32")
    return X, X.argmax(axis=2).astype("int32")


def softmax_along(axis):
    def function(x):
        x = T.exp(x - x.max(axis=axis, keepdims=True))
        return x / x.sum(axis=axis, keepdims=True)

    return function


def of_dense_layers():
    layer = layers.ReshapeLayer(layers.InputLayer((None, 5, 3)), (-1, 3))
    layer = layers.DenseLayer(layer, 3, nonlinearity=softmax)
    return layers.ReshapeLayer(layer, (-1, 5, 3))


def normalized():
    layer = layers.InputLayer((None, 5, 3))
    layer = layers.DenseLayer(layer, 3, num_leading_axes=2, nonlinearity=None)
    layer = layers.BatchNormLayer(layer, axes=(0, 1))
    return layers.NonlinearityLayer(layer, softmax_along(2))


def recurrent():
    layer = layers.InputLayer((None, 5, 3))
    both = [
        layers.GRULayer(layer, 3, learn_init=False, backwards=backwards)
        for backwards in (False, True)
    ]
    return layers.NonlinearityLayer(layers.ElemwiseSumLayer(both), softmax_along(2))


def convolutional():
    layer = layers.DimshuffleLayer(layers.InputLayer((None, 5, 3)), (0, 2, 1))
    return layers.Conv1DLayer(layer, 3, 1, nonlinearity=softmax_along(1))


@KINDS
@pytest.mark.parametrize("is_labels", [True, False])
@pytest.mark.parametrize(
    ("make", "axis"),
    [(of_dense_layers, 2), (normalized, 2), (recurrent, 2), (convolutional, 1)],
)
def test_a_class_for_each_step(kind, make, axis, is_labels):
    X, y = steps()
    each = np.moveaxis(np.eye(3, dtype="float32")[y], 2, axis)

    def loss(predictions, targets):
        if is_labels:
            targets = T.extra_ops.to_one_hot(targets.flatten(), 3)
            targets = targets.reshape((-1, 5, 3))
            targets = targets if axis == 2 else targets.dimshuffle(0, 2, 1)
        return -targets * T.log(predictions + 1e-6)

    net = kind(
        layers=make(),
        objective_loss_function=loss,
        y_tensor_type=T.imatrix if is_labels else T.tensor3,
        update_learning_rate=0.3,
        train_split=TrainSplit(0.25, stratify=False),
        max_epochs=5,
    )
    net.fit(X, y if is_labels else each)
    found = net.predict(X)
    expected = net.predict_proba(X).argmax(axis=axis)
    assert found.tolist() == expected.tolist()
    right = (expected == y)[:10].mean()  # of validation, the first quarter
    assert net.train_history_[-1]["valid_accuracy"] == pytest.approx(right)
    if kind is NeuralNet:
        assert net.score(X, y) == net.score(X, each) == (expected == y).mean()


@KINDS
@pytest.mark.parametrize("is_soft", [True, False])
def test_a_target_for_each_class(kind, is_soft):
    X, y = labelled()
    each = np.eye(3, dtype="float32")[y]
    loss = objectives.categorical_crossentropy
    net = classifier(
        kind,
        output_nonlinearity=softmax if is_soft else sigmoid,
        objective_loss_function=loss if is_soft else objectives.binary_crossentropy,
        y_tensor_type=T.matrix if is_soft else T.imatrix,
        update_learning_rate=0.3,
        max_epochs=5,
    )
    each = each * 0.8 + 0.05 if is_soft else each.astype("int32")
    net.fit(X, each)
    _, X_valid, _, y_valid = net.train_split(X, each, net)
    right = (net.predict(X_valid) == y_valid.argmax(axis=1)).mean()
    assert net.train_history_[-1]["valid_accuracy"] == pytest.approx(right)
