"""Numbers of NumPy's types as hyperparameters, in layers, and as data of nolearn's."""

import lasagne
import nolearn.lasagne
import numpy as np
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
