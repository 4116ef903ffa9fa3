"""Classifiers of one output, which tells two classes apart."""

import nolearn.lasagne
import numpy as np
import pytest
import theano.tensor as T
from lasagne import layers
from lasagne.nonlinearities import sigmoid, tanh
from lasagne.objectives import binary_crossentropy
from sklearn.metrics import accuracy_score

from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import classifier, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])


def two_classes():
    X, _ = rows()
    return X, (X[:, 0] > np.median(X[:, 0])).astype("int32")


def crossentropy(predictions, targets):
    return binary_crossentropy(predictions[:, 0], targets)


def margin(predictions, targets):
    return T.sqr(predictions[:, 0] - (2 * targets - 1))


@KINDS
@pytest.mark.parametrize("names", [None, ["no", "yes"]])
@pytest.mark.parametrize(
    ("nonlinearity", "loss", "threshold"),
    [(sigmoid, crossentropy, 0.5), (tanh, margin, 0), (None, margin, 0)],
    ids=["sigmoid", "tanh", "linear"],
)
def test_one_output_tells_two_classes_apart(kind, names, nonlinearity, loss, threshold):
    X, y = two_classes()
    labels = y if names is None else np.array(names)[y]
    net = classifier(
        kind,
        output_num_units=1,
        output_nonlinearity=nonlinearity,
        objective_loss_function=loss,
        use_label_encoder=names is not None,
        update_learning_rate=0.02,
        max_epochs=300,
    )
    net.fit(X, labels)
    expected = (net.predict_proba(X)[:, 0] > threshold).astype(int)
    assert set(expected) == {0, 1}
    found = net.predict(X)
    assert found.tolist() == (net.classes_[expected]).tolist()
    assert net.classes_.tolist() == (names or [0, 1])
    assert net.score(X, labels) == accuracy_score(labels, found) > 0.8


@pytest.mark.parametrize("is_column", [False, True])
def test_the_accuracy_of_one_output(is_column):
    X, y = two_classes()
    options = dict(objective_loss_function=crossentropy)
    if is_column:
        y = y[:, None]
        options = dict(
            objective_loss_function=binary_crossentropy, y_tensor_type=T.imatrix
        )
    net = classifier(output_num_units=1, output_nonlinearity=sigmoid, **options)
    net.fit(X, y, epochs=30)
    _, X_valid, _, y_valid = net.train_split(X, y, net)
    found = (net.predict_proba(X_valid) > 0.5).ravel() == y_valid.ravel()
    assert net.train_history_[-1]["valid_accuracy"] == pytest.approx(found.mean())


def test_one_label_alone():
    X, _ = two_classes()
    net = classifier(
        output_num_units=1,
        output_nonlinearity=sigmoid,
        objective_loss_function=crossentropy,
        use_label_encoder=True,
    )
    net.fit(X, np.full(60, "all"))
    assert set(net.predict(X)) == {"all"}


@pytest.mark.parametrize("last", [layers.ReshapeLayer, layers.ExpressionLayer])
def test_probabilities_may_come_from_a_layer_without_a_nonlinearity(last):
    X, y = two_classes()
    is_shape = last is layers.ReshapeLayer
    output = layers.DenseLayer(
        layers.InputLayer((None, 8)), 1, nonlinearity=sigmoid if is_shape else None
    )
    net = NeuralNet(
        last(output, (-1, 1) if is_shape else T.nnet.sigmoid),
        objective_loss_function=crossentropy,
        update_learning_rate=0.1,
        max_epochs=100,
    )
    net.fit(X, y)
    expected = (net.predict_proba(X)[:, 0] > 0.5).astype(int)
    assert net.predict(X).tolist() == expected.tolist()
    assert net.score(X, y) > 0.8
