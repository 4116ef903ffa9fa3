"""Classifiers of one output, which tells two classes apart."""

import pickle

import lasagne
import nolearn.lasagne
import numpy as np
import pytest
import theano.tensor as T
from lasagne import layers
from lasagne.nonlinearities import sigmoid, tanh
from lasagne.objectives import binary_crossentropy, binary_hinge_loss, squared_error
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.metrics import accuracy_score

from kfkd import storage
from kfkd.errors import ArgumentError
from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import classifier, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])


@pytest.fixture(autouse=True)
def same_weights():
    """Begin with the same weights each time: some do not learn in a few epochs."""
    before = lasagne.random.get_rng()
    lasagne.random.set_rng(np.random.RandomState(0))
    yield
    lasagne.random.set_rng(before)


def two_classes():
    X, _ = rows()
    return X, (X[:, 0] > np.median(X[:, 0])).astype("int32")


def crossentropy(predictions, targets):
    return binary_crossentropy(predictions[:, 0], targets)


def one_output(kind=NeuralNet, **changes):
    options = dict(
        output_num_units=1,
        output_nonlinearity=sigmoid,
        objective_loss_function=crossentropy,
        update_learning_rate=0.3,
        max_epochs=60,
    )
    return classifier(kind, **options | changes)


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
    expected = (net.predict_proba(X)[:, -1] > threshold).astype(int)
    assert set(expected) == {0, 1}
    found = net.predict(X)
    assert found.tolist() == (net.classes_[expected]).tolist()
    assert net.classes_.tolist() == (names or [0, 1])
    assert net.score(X, labels) == accuracy_score(labels, found) > 0.8


@KINDS
@pytest.mark.parametrize("is_column", [False, True])
def test_the_accuracy_of_one_output(kind, is_column):
    X, y = two_classes()
    options = dict(objective_loss_function=crossentropy)
    if is_column:
        y = y[:, None]
        options = dict(
            objective_loss_function=binary_crossentropy, y_tensor_type=T.imatrix
        )
    net = classifier(kind, output_num_units=1, output_nonlinearity=sigmoid, **options)
    net.fit(X, y, epochs=30)
    _, X_valid, _, y_valid = net.train_split(X, y, net)
    found = (net.predict_proba(X_valid)[:, -1] > 0.5) == y_valid.ravel()
    assert net.train_history_[-1]["valid_accuracy"] == pytest.approx(found.mean())


def test_one_label_alone():
    X, _ = two_classes()
    net = one_output(use_label_encoder=True).fit(X, np.full(60, "all"))
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
    expected = (net.predict_proba(X)[:, -1] > 0.5).astype(int)
    assert net.predict(X).tolist() == expected.tolist()
    assert net.score(X, y) > 0.8


def hinge(predictions, targets):
    predictions = predictions[:, 0]
    return binary_hinge_loss(predictions, targets, log_odds=True, binary=False)


@KINDS
def test_minus_one_and_one(kind, tmp_path):
    X, y = two_classes()
    net = one_output(
        kind,
        output_nonlinearity=None,
        objective_loss_function=hinge,
        update_learning_rate=0.05,
    )
    net.fit(X, 2 * y - 1)
    found = net.predict(X)
    assert net.classes_.tolist() == [-1, 1] == sorted(set(found))
    assert (found > 0).tolist() == (net.predict_proba(X)[:, -1] > 0).tolist()
    assert net.score(X, 2 * y - 1) > 0.8
    assert net.train_history_[-1]["valid_accuracy"] > 0.6
    copy = pickle.loads(pickle.dumps(net))
    assert copy.predict(X).tolist() == found.tolist()


def test_the_encoder_takes_a_vector():
    X, y = two_classes()
    net = one_output(use_label_encoder=True, y_tensor_type=T.imatrix)
    with pytest.raises(ArgumentError, match=r"^y has the shape \(60, 2\); use_label_"):
        net.fit(X, np.stack([y, y], axis=1))


def test_minus_one_and_one_in_a_file(tmp_path):
    X, y = two_classes()
    net = one_output(
        output_nonlinearity=tanh,
        objective_loss_function=squared_error,
        y_tensor_type=T.imatrix,
    )
    net.fit(X, 2 * y[:, None] - 1)
    storage.save(net, tmp_path / "net.npz")
    loaded = storage.load(tmp_path / "net.npz")
    assert set(loaded.predict(X)) == {-1, 1}
    assert loaded.predict(X).tolist() == net.predict(X).tolist()


def test_probabilities_as_targets():
    X, y = two_classes()
    options = dict(objective_loss_function=binary_crossentropy, y_tensor_type=T.fmatrix)
    net = one_output(**options).fit(X, 0.2 + 0.6 * y[:, None])
    assert net.score(X, 0.2 + 0.6 * y[:, None]) == (net.predict(X) == y).mean()


def test_two_other_labels():
    X, y = two_classes()
    with pytest.raises(ArgumentError, match=r"y has labels from 1 to 2; .* use_label"):
        one_output().fit(X, y + 1)
    net = one_output(max_epochs=1).fit(X, y)
    with pytest.raises(ArgumentError, match=r"one output tells 0 or -1, here 0, from"):
        net.fit(X, 2 * y - 1)
    plain = one_output(
        y_tensor_type=T.imatrix, objective_loss_function=binary_hinge_loss
    )
    with pytest.raises(ArgumentError, match=r"y has values from -1 to 1; .*binary=Fal"):
        plain.fit(X, 2 * y[:, None] - 1)


def test_a_column_for_each_of_two_classes():
    X, y = two_classes()
    net = one_output().fit(X, y)
    found = net.predict_proba(X)
    (output,) = net.predict_iter_(X)
    np.testing.assert_allclose(found, np.hstack([1 - output, output]), atol=1e-6)
    net = one_output(
        output_nonlinearity=None,
        objective_loss_function=margin,
        update_learning_rate=0.02,
    )
    net.fit(X, y)
    (output,) = net.predict_iter_(X)
    assert net.predict_proba(X).tolist() == np.hstack([-output, output]).tolist()


@pytest.mark.parametrize("names", [None, ["no", "yes"]])
def test_ensembles_of_one_output_average_probabilities(names):
    X, y = two_classes()
    labels = y if names is None else np.array(names)[y]
    net = one_output(use_label_encoder=names is not None)
    voting = VotingClassifier([("a", net), ("b", net)], voting="soft").fit(X, labels)
    bagging = BaggingClassifier(net, n_estimators=3).fit(X, labels)
    for ensemble in (voting, bagging):
        mean = np.mean([m.predict_proba(X) for m in ensemble.estimators_], axis=0)
        np.testing.assert_allclose(ensemble.predict_proba(X), mean, atol=1e-6)
        found = np.array(ensemble.classes_)[mean.argmax(axis=1)]
        assert ensemble.predict(X).tolist() == found.tolist()
        assert ensemble.score(X, labels) > 0.8
