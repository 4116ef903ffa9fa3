"""Numbers of NumPy's types as hyperparameters, in layers, and as data of nolearn's."""

import pickle

import lasagne
import nolearn.lasagne
import numpy as np
import pandas as pd
import pytest
import theano
import theano.tensor as T
from lasagne import layers
from nolearn.lasagne import BatchIterator, TrainSplit
from sklearn.model_selection import GridSearchCV

from kfkd.errors import ArgumentError
from kfkd.estimator import NeuralNet
from tests.helpers.cases import parametrize
from tests.helpers.small_nets import classifier, labelled, regressor, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])


@KINDS
@parametrize(
    "changes",
    [
        dict(update_learning_rate=np.float64(0.01)),
        dict(update_learning_rate=np.array(0.01), update_momentum=np.longdouble(0.5)),
        dict(update_learning_rate=theano.shared(0.01)),
        dict(update_learning_rate=theano.shared(0.02) * 0.5),
        dict(update_learning_rate=T.constant(np.float64(0.01))),
        dict(drop_p=theano.shared(0.5)),
        dict(objective_l2=np.float64(0.01)),
        dict(hidden_W=np.full((8, 5), 0.1), hidden_num_units=np.int64(5)),
        dict(drop_p=np.float64(0.5)),
        dict(more_params={"drop_p": np.float64(0.5)}),
        dict(max_epochs=np.int64(3)),
    ],
    fast=3,
)
def test_hyperparameters_are_numbers_of_all_types(changes, kind):
    made = regressor(
        kind,
        layers=[
            ("input", layers.InputLayer),
            ("hidden", layers.DenseLayer),
            ("drop", layers.DropoutLayer),
            ("output", layers.DenseLayer),
        ],
        **changes,
    )
    made.fit(*rows())
    assert len(made.train_history_) == 3
    assert {p.dtype for p in made.get_all_params()} == {"float32"}


@KINDS
def test_a_grid_of_numbers_from_numpy(kind):
    grid = {
        "update_learning_rate": np.logspace(-3, -1, 3),
        "max_epochs": np.arange(1, 3),
    }
    found = GridSearchCV(regressor(kind), grid, cv=2, error_score="raise")
    found.fit(*rows())
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()


@KINDS
def test_options_of_layers_are_numbers_of_all_types(kind):
    made = kind(
        layers=[
            (layers.InputLayer, {"shape": (None, 8)}),
            (layers.DropoutLayer, {"p": np.float64(0.1)}),
            (
                layers.DenseLayer,
                {"num_units": 3, "W": np.zeros((8, 3)), "nonlinearity": None},
            ),
        ],
        update_learning_rate=0.01,
        regression=True,
        max_epochs=3,
    )
    made.fit(*rows())
    assert {p.dtype for p in made.get_all_params()} == {"float32"}


def layers_with_numbers(layer, number, dtype):
    """Yield layers whose options are made by a function, and parameters of a type."""
    zeros, eye = np.zeros(10, dtype), np.eye(10, dtype=dtype)
    yield layers.ScaleLayer(layer, scales=zeros + 1)
    yield layers.BatchNormLayer(layer, alpha=number(0.5), epsilon=number(1e-4))
    yield layers.DropoutLayer(layer, p=number(0.5))
    yield layers.BiasLayer(layer, b=zeros)
    yield layers.DenseLayer(layer, 10, W=eye)
    yield layers.DenseLayer(layer, 10, W=theano.shared(eye))
    yield layers.DenseLayer(layer, 10, W=theano.shared(eye) * 2)
    yield layers.ParametricRectifierLayer(layer, alpha=zeros)
    yield layers.BatchNormLayer(layer, beta=zeros, mean=zeros)
    yield layers.GaussianNoiseLayer(layer, sigma=number(0.5))
    yield layers.ExpressionLayer(layer, lambda x: x * number(0.5))


@KINDS
@parametrize("index", range(11), fast=3)
@pytest.mark.parametrize("update", [lasagne.updates.sgd, lasagne.updates.adam])
def test_layers_of_float64_are_trained_as_those_of_float32(kind, index, update):
    found, X, y = [], *rows()
    rng = lasagne.random.get_rng()
    try:
        for number, dtype in ((float, "float32"), (np.float64, "float64")):
            lasagne.random.set_rng(np.random.RandomState(1))
            hidden = layers.DenseLayer(layers.InputLayer((None, 8)), 10)
            made = layers_with_numbers(hidden, number, dtype)
            output = layers.DenseLayer([*made][index], 3, nonlinearity=None)
            net = kind(
                output,
                update=update,
                update_learning_rate=0.01,
                regression=True,
                max_epochs=10,
            )
            found.append(net.fit(X, y).predict(X))
            assert hidden.W.dtype == output.W.dtype == "float32"
    finally:
        lasagne.random.set_rng(rng)
    np.testing.assert_allclose(*found, atol=1e-4)


def test_an_update_may_change_a_learning_rate_of_float64():
    def decaying(gradients, params, learning_rate):
        updates = lasagne.updates.sgd(gradients, params, learning_rate)
        updates[learning_rate] = learning_rate * np.float32(0.5)
        return updates

    rate = theano.shared(0.08)
    net = regressor(
        update=decaying,
        update_learning_rate=rate,
        train_split=TrainSplit(0),
        batch_iterator_train=BatchIterator(60),
    )
    net.fit(*rows(), epochs=3)
    assert rate.get_value() == pytest.approx(0.01)


@KINDS
def test_nolearns_own_nets_take_float64_and_int64(kind):
    X, y = labelled()
    expected = classifier(kind).fit(X, y.astype("int32"))
    net = classifier(kind)
    net.load_params_from(expected)
    np.testing.assert_allclose(
        net.predict_proba(X.astype("float64")), expected.predict_proba(X), atol=1e-6
    )
    made = classifier(kind).fit(X.astype("float64"), y.astype("int64"))
    assert np.isfinite(made.train_history_[-1]["train_loss"])
    with pytest.raises(ArgumentError, match=r"y has the value 0.5 in row 1, which"):
        classifier(kind).fit(X, y * 0.5)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32", object])
def test_nolearns_own_nets_take_indices_of_all_types(dtype):
    indices = np.random.RandomState(0).randint(0, 9, (60, 4)).astype("int32")
    net = nolearn.lasagne.NeuralNet(
        layers=[
            ("index", layers.InputLayer),
            ("embedded", layers.EmbeddingLayer),
            ("output", layers.DenseLayer),
        ],
        index_shape=(None, 4),
        index_input_var=T.imatrix(),
        embedded_input_size=9,
        embedded_output_size=3,
        output_num_units=3,
        output_nonlinearity=None,
        update_learning_rate=0.01,
        regression=True,
        max_epochs=2,
    )
    given = indices.astype(dtype)
    net.fit(given, rows()[1])
    for method in (net.predict, lambda X: net.get_output("embedded", X)):
        np.testing.assert_array_equal(method(given), method(indices))
        np.testing.assert_array_equal(method({"index": given}), method(indices))
        with pytest.raises(ArgumentError, match=r"^X has the value 0.5 in row 1,"):
            method(np.arange(3)[:, None] * 0.5 + np.zeros(4))
        with pytest.raises(ArgumentError, match=r"^X has the value 4294967296 in row"):
            method(np.full((1, 4), 2**32))


def test_nolearns_own_nets_refuse_what_are_no_real_numbers():
    X, y = rows()
    for data in (X + 1j, X.astype(str)):
        with pytest.raises(ArgumentError, match=r"^X holds values of the type"):
            regressor(nolearn.lasagne.NeuralNet).fit(data, y)


@pytest.mark.parametrize("make", [pd.DataFrame, np.ndarray.tolist])
def test_nolearns_own_nets_take_tables_and_lists(make):
    X, y = rows()
    net = regressor(nolearn.lasagne.NeuralNet, train_split=TrainSplit(0.25))
    net.fit(make(X), make(y) if make is pd.DataFrame else y)
    np.testing.assert_array_equal(net.predict(make(X)), net.predict(X))
    hidden = net.get_output("hidden", X)
    np.testing.assert_array_equal(net.get_output("hidden", make(X)), hidden)
    X, y = labelled()
    net = classifier(nolearn.lasagne.NeuralNet, use_label_encoder=True)
    net.fit(pd.DataFrame(X), pd.Series(y).map({0: "a", 1: "b", 2: "c"}))
    assert set(net.predict(make(X))) <= {"a", "b", "c"}


def test_nolearns_own_nets_name_targets_of_another_shape():
    X, y = labelled()
    with pytest.raises(ArgumentError, match=r"^y has the shape \(60, 1\); .* y.ravel"):
        classifier(nolearn.lasagne.NeuralNet).fit(X, y[:, None])


def test_nolearns_own_nets_take_labels_that_are_objects():
    X, y = labelled()
    made = classifier(nolearn.lasagne.NeuralNet, update_learning_rate=0.1)
    made.fit(X, y.astype(object), epochs=200)
    assert made.score(X, y) > 0.8


@pytest.mark.parametrize("is_file", [False, True])
def test_nolearns_own_nets_load_weights_of_float64(tmp_path, is_file):
    expected = regressor(nolearn.lasagne.NeuralNet).fit(*rows())
    weights = {
        name: [value.astype("float64") for value in values]
        for name, values in expected.get_all_params_values().items()
    }
    (tmp_path / "weights.pickle").write_bytes(pickle.dumps(weights))
    net = regressor(nolearn.lasagne.NeuralNet)
    net.load_params_from(str(tmp_path / "weights.pickle") if is_file else weights)
    X, _ = rows()
    np.testing.assert_array_equal(net.predict(X), expected.predict(X))


@KINDS
def test_partial_fit_keeps_the_labels(kind):
    X, y = labelled()
    labels = np.array(["a", "b", "c"])[y]
    options = dict(use_label_encoder=True, update_learning_rate=0.1)
    net = classifier(kind, **options, max_epochs=300).fit(X, labels)
    some = labels != "a"
    net.partial_fit(X[some], labels[some])
    assert net.classes_.tolist() == ["a", "b", "c"]
    assert net.score(X, labels) > 0.8
    with pytest.raises(ArgumentError, match=r"^y has the label .*'d'"):
        net.partial_fit(X[:2], ["d", "d"])
    net = classifier(kind, **options)
    net.partial_fit(X[some], labels[some], classes=["a", "b", "c"])
    assert net.classes_.tolist() == ["a", "b", "c"]
