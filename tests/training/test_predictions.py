"""Predictions, outputs of layers and scores, and errors of what cannot be predicted."""

import numpy as np
import pytest
import theano.tensor as T
from lasagne import layers, nonlinearities
from nolearn.lasagne import BatchIterator
from scipy.special import softmax
from sklearn.metrics import r2_score

from kfkd.errors import ArgumentError
from kfkd.estimator import NeuralNet
from kfkd.objectives import masked_squared_error
from kfkd.training.weights import NotFittedError
from tests.helpers.small_nets import classifier, labelled, regressor, rows

X, Y = rows()


def test_outputs_without_a_label_are_never_predicted():
    X, y = labelled()
    names = np.array(["eye", "mouth", "nose"])[y]
    net = classifier(use_label_encoder=True, output_num_units=5).fit(X, names)
    weights = net.get_all_params_values()
    weights["output"][1][:] = 0, 0, 0, 9, 9
    net.load_params_from(weights)
    outputs = net.predict_proba(X)
    assert (outputs.argmax(axis=1) > 2).all()
    expected = net.classes_[outputs[:, :3].argmax(axis=1)]
    np.testing.assert_array_equal(net.predict(X), expected)


class Nothing(BatchIterator):
    def __iter__(self):
        return iter(())


class Forgets(BatchIterator):
    """Returns no batches, but None."""

    def transform(self, Xb, yb):
        Xb, yb = super().transform(Xb, yb)


def test_iterators_that_yield_no_batches():
    net = regressor().fit(X, Y)
    net.batch_iterator_test = Nothing(8)
    with pytest.raises(ArgumentError, match=r"^batch_iterator_test yields no batches"):
        net.predict(X)
    net.batch_iterator_train = Nothing(8)
    with pytest.raises(ArgumentError, match=r"^batch_iterator_train yields no batches"):
        net.fit(X, Y)
    net.batch_iterator_train = Forgets(8)
    wanted = r"^a batch of batch_iterator_train is None; it must be a pair \(Xb, yb\)"
    with pytest.raises(ArgumentError, match=wanted):
        net.fit(X, Y)


@pytest.mark.parametrize("size", [0, -1, 2.5, None])
def test_batches_of_a_size_that_cannot_be(size):
    net = regressor().fit(X, Y)
    net.batch_iterator_test.batch_size = size
    wanted = f"^batch_iterator_test.batch_size is {size}; it must be a whole number"
    with pytest.raises(ArgumentError, match=wanted):
        net.predict(X)


def test_the_output_of_a_layer_is_checked_as_predictions_are():
    net = regressor()
    with pytest.raises(NotFittedError):
        net.get_output("hidden", X)
    net.fit(X, Y)
    W, b = net.get_all_params_values()["hidden"]
    expected = np.tanh(X @ W + b)
    for layer in ("hidden", net.layers_["hidden"]):
        for data in (X, X.astype("float64"), X.tolist(), {"input": X}):
            found = net.get_output(layer, data)
            np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(ArgumentError, match=r"mean 'hidden'\?"):
        net.get_output("hiden", X)
    with pytest.raises(ArgumentError, match=r"X has the shape \(60, 3\)"):
        net.get_output("hidden", X[:, :3])
    for layer in (1, None, [], layers.DenseLayer):
        with pytest.raises(ArgumentError, match=r"^layer is .* one of input, hidden"):
            net.get_output(layer, X)
    with pytest.raises(ArgumentError, match=r"^layer is .* one of this net's"):
        net.get_output(regressor().fit(X, Y).layers_["hidden"], X)
    further = layers.NonlinearityLayer(net.layers_["hidden"], T.sqr)
    np.testing.assert_allclose(net.get_output(further, X), expected**2, atol=1e-5)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y[:5], "X has 60 rows, y has 5 rows; they must"),
        (None, "y is None; it must be an array"),
        (1.0, "y is .*1.0.*; it must be an array"),
        (Y * np.nan, "y does not fit the predictions: Input contains NaN"),
        (Y[:, :2], "y does not fit the predictions: .*number of output"),
        (np.full(60, "a"), "y does not fit the predictions: could not convert"),
    ],
)
def test_a_score_says_what_is_wrong_with_y(y, message):
    net = regressor().fit(X, Y)
    with pytest.raises(ArgumentError, match=f"^{message}"):
        net.score(X, y)
    if np.ndim(y) < 2:
        labels = labelled()
        with pytest.raises(ArgumentError, match=r"^y (does not fit|is)"):
            classifier().fit(*labels).score(labels[0], y)


class Empty(BatchIterator):
    def transform(self, Xb, yb):
        return Xb[:0], None if yb is None else yb[:0]


def test_iterators_that_yield_empty_batches():
    net = regressor().fit(X, Y)
    for name in ("batch_iterator_train", "batch_iterator_test"):
        net.set_params(**{name: Empty(8)})
        with pytest.raises(ArgumentError, match=f"^{name} yields no batches, or empty"):
            net.fit(X, Y)
        net.set_params(batch_iterator_train=BatchIterator(8))
    with pytest.raises(ArgumentError, match=r"^batch_iterator_test yields no batches"):
        net.predict(X)


def test_a_net_of_two_outputs_predicts_both_and_has_no_score():
    inputs = layers.InputLayer((None, 8), name="input")
    heads = [layers.DenseLayer(inputs, n, nonlinearity=None) for n in (3, 2)]
    net = NeuralNet(layers=heads, regression=True, update_learning_rate=0.01)
    net.initialize()
    values = net.get_all_params_values()
    for found, (W, b) in zip(net.predict(X), [*values.values()][1:], strict=True):
        np.testing.assert_allclose(found, X @ W + b, atol=1e-5)
    with pytest.raises(ArgumentError, match="several outputs has no score"):
        net.score(X, Y)


def test_images_as_targets_have_a_score():
    output = layers.ReshapeLayer(
        layers.DenseLayer(layers.InputLayer((None, 8)), 4, nonlinearity=None),
        ([0], 1, 2, 2),
    )
    options = dict(regression=True, update_learning_rate=0.01, max_epochs=2)
    net = NeuralNet(layers=output, y_tensor_type=T.tensor4, **options)
    images = X[:, :4].reshape(-1, 1, 2, 2)
    net.fit(X, images)
    expected = r2_score(X[:, :4], net.predict(X).reshape(-1, 4))
    assert net.score(X, images) == pytest.approx(expected)


def test_missing_targets_are_left_out_of_the_score():
    net = regressor(objective_loss_function=masked_squared_error).fit(X, Y)
    assert net.score(X, Y) == pytest.approx(r2_score(Y, net.predict(X)))
    gaps = np.where(np.random.default_rng(0).random(Y.shape) < 0.4, np.nan, Y)
    gaps[:, 2] = np.nan
    gaps[7, 2] = 1
    known = ~np.isnan(gaps)
    found = net.predict(X)
    expected = [
        1 - ((Y - found)[k, i] ** 2).sum() / ((Y[k, i] - Y[k, i].mean()) ** 2).sum()
        for i, k in enumerate(known.T[:2])
    ]
    assert net.score(X, gaps) == pytest.approx(np.mean(expected))
    with pytest.raises(ArgumentError, match=r"^y does not fit .* no column of it has"):
        net.score(X, Y * np.nan)
    with pytest.raises(ArgumentError, match=r"^y does not fit the predictions: "):
        net.score(X, gaps[:, :2])
    # A column has the score of a vector.
    options = dict(objective_loss_function=masked_squared_error, output_num_units=1)
    net = regressor(**options).fit(X, Y[:, 0])
    assert net.score(X, gaps[:, :1]) == net.score(X, gaps[:, 0])


def test_probabilities_are_those_of_softmax():
    X, y = labelled()
    net = classifier().fit(X, y)
    hidden, output = (net.get_all_params_values()[k] for k in ("hidden", "output"))
    logits = np.tanh(X @ hidden[0] + hidden[1]) @ output[0] + output[1]
    np.testing.assert_allclose(net.predict_proba(X), softmax(logits, 1), atol=1e-5)
    assert net.layers_["output"].nonlinearity is nonlinearities.softmax


@pytest.mark.parametrize("names", [False, True])
def test_a_column_of_labels_has_the_score_of_a_vector(names):
    X, y = labelled()
    y = np.array(["eye", "mouth", "nose"])[y] if names else y
    net = classifier(use_label_encoder=names, update_learning_rate=0.2, max_epochs=20)
    net.fit(X, y)
    assert net.score(X, y[:, None]) == net.score(X, y) > 0.7


def test_an_output_of_one_dimension():
    flat = layers.ReshapeLayer(
        layers.DenseLayer(layers.InputLayer((None, 8)), 1, nonlinearity=None), (-1,)
    )
    options = dict(regression=True, update_learning_rate=0.01, max_epochs=2)
    net = NeuralNet(
        layers=flat,
        y_tensor_type=T.fvector,
        batch_iterator_test=BatchIterator(16),
        **options,
    ).fit(X, Y[:, 0])
    W, b = net.get_all_params_values()["dense1"]
    np.testing.assert_allclose(net.predict(X), (X @ W + b)[:, 0], atol=1e-5)
