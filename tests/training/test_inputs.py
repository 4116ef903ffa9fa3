"""X as a dict with an array for each input layer, and batches of other shapes."""

import lasagne
import numpy as np
import pandas as pd
import pytest
import theano.tensor as T
from lasagne import layers
from nolearn.lasagne import BatchIterator

from kfkd.errors import ArgumentError
from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import regressor, rows

X, Y = rows()
HALVES = {"left": X[:, :5], "right": X[:, 5:]}
WAYS = pytest.mark.parametrize(
    "options",
    [{}, {"custom_scores": [("one", lambda y, p: 1.0)]}],
    ids=["without scores", "with scores"],
)


def two_inputs(**changes):
    """Return a net of two inputs that computes what one of all eight numbers would."""
    left = layers.InputLayer((None, 5), name="left")
    right = layers.InputLayer((None, 3), name="right")
    both = layers.ConcatLayer([left, right])
    output = layers.DenseLayer(both, 3, W=lasagne.init.Constant(0.1), nonlinearity=None)
    options = dict(layers=output, update_learning_rate=0.01, regression=True)
    return NeuralNet(**options | dict(max_epochs=2) | changes)


@pytest.fixture(scope="module")
def trained():
    return two_inputs().fit(HALVES, Y)


def with_nan():
    right = HALVES["right"].copy()
    right[[7, 9], 1] = np.nan
    return HALVES | {"right": right}


WRONG = {
    "missing values": (
        with_nan(),
        r"X\['right'\] has .* in 2 of 60 .* row 7;",
    ),
    "a missing key": (
        {"left": X[:, :5]},
        "^X is a dict with 'left'; the net takes .*: 'left', 'right'$",
    ),
    "another key": ({"left": X[:, :5], "rihgt": X[:, 5:]}, "'left', 'rihgt'; the net"),
    "a key too many": (HALVES | {"more": X}, "'right', 'more'; the net"),
    "a number as a key": (HALVES | {0: X}, "'right', 0; the net"),
    "no keys": ({}, "^X is a dict with no keys; .* 'left', 'right'$"),
    "an array": (X, "^X is one array; the net takes a dict .* 'left', 'right'$"),
    "another width": (
        HALVES | {"right": X},
        r"X\['right'\] has the shape \(60, 8\), the net takes \(n, 3\)",
    ),
    "another length": (
        HALVES | {"right": X[:50, 5:]},
        r"X\['left'\] has 60 rows, X\['right'\] has 50 rows",
    ),
    "texts": (HALVES | {"left": X[:, :5].astype(str)}, r"X\['left'\] holds values of "),
    "nothing": (HALVES | {"left": None}, r"X\['left'\] is None; it must be an array"),
    "no rows": ({"left": X[:0, :5], "right": X[:0, 5:]}, r"X\['left'\] is empty"),
}


@WAYS
@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_dict_is_an_error_before_training(trained, kind, options):
    wrong, message = WRONG[kind]
    net = two_inputs(**options)
    with pytest.raises(ArgumentError, match=message):
        net.fit(wrong, Y[:0] if kind == "no rows" else Y)
    assert net.train_history_ == []
    with pytest.raises(ArgumentError, match=message):
        trained.predict(wrong)


@WAYS
@pytest.mark.parametrize(
    "kind", [np.asarray, np.float64, np.ndarray.tolist, pd.DataFrame, np.asfortranarray]
)
def test_a_dict_trains_as_one_array_does(kind, options):
    one = layers.DenseLayer(
        layers.InputLayer((None, 8)), 3, W=lasagne.init.Constant(0.1), nonlinearity=None
    )
    expected = two_inputs(layers=one, **options).fit(X, Y)
    halves = {name: kind(part) for name, part in HALVES.items()}
    net = two_inputs(**options).fit(halves, Y)
    losses = [[row["train_loss"] for row in n.train_history_] for n in (net, expected)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    np.testing.assert_allclose(net.predict(halves), expected.predict(X), atol=1e-6)
    assert net.score(halves, Y) == pytest.approx(expected.score(X, Y), abs=1e-5)


def test_an_input_without_a_name_has_that_of_its_place():
    plain = layers.DenseLayer(layers.InputLayer((None, 8)), 3, nonlinearity=None)
    net = two_inputs(layers=plain).fit({"input0": X}, Y)
    np.testing.assert_array_equal(net.predict({"input0": X}), net.predict(X))


def test_labels_for_a_net_of_one_input_are_looked_up():
    net = regressor(max_epochs=1)
    with pytest.raises(ArgumentError, match=r"with 'inputs'; .* layers: 'input'$"):
        net.fit({"inputs": X}, Y)
    net.fit({"input": X}, Y)
    np.testing.assert_array_equal(net.predict({"input": X}), net.predict(X))


class Halving(BatchIterator):
    """Makes a dict of an array."""

    def transform(self, Xb, yb):
        return {"left": Xb[:, :5], "right": Xb[:, 5:]}, yb


class Cropping(BatchIterator):
    def transform(self, Xb, yb):
        return Xb[:, :8], yb


def test_an_iterator_may_make_a_dict_of_an_array():
    iterators = dict(
        batch_iterator_train=Halving(128), batch_iterator_test=Halving(128)
    )
    net = two_inputs(**iterators).fit(X, Y)
    expected = two_inputs().fit(HALVES, Y)
    np.testing.assert_allclose(net.predict(X), expected.predict(HALVES), atol=1e-6)


def test_an_iterator_may_change_the_shape_and_is_named_if_it_does_not():
    wide = np.hstack([X, X])
    crops = dict(batch_iterator_train=Cropping(128), batch_iterator_test=Cropping(128))
    net = regressor(**crops).seed(0).fit(wide, Y)
    expected = regressor().seed(0).fit(X, Y)
    np.testing.assert_allclose(net.predict(wide), expected.predict(X), atol=1e-6)

    plain = BatchIterator(128)
    half = regressor(**crops | {"batch_iterator_test": plain})
    message = r"^a batch of batch_iterator_test has the shape \(\d+, 16\), the net"
    with pytest.raises(ArgumentError, match=message):
        half.fit(wide, Y)
    net.batch_iterator_test = plain
    with pytest.raises(ArgumentError, match=r"^X has the shape \(60, 16\)"):
        net.predict(wide)
    net.batch_iterator_test = Cropping(128)
    with pytest.raises(ArgumentError, match=r"test has the shape \(60, 7\)"):
        net.predict(X[:, :7])


def test_indices_must_be_whole_numbers():
    index = layers.InputLayer((None, 2), input_var=T.imatrix(), name="input")
    embedded = layers.EmbeddingLayer(index, 9, 4)
    output = layers.DenseLayer(embedded, 3, nonlinearity=None)
    numbers = np.arange(120).reshape(60, 2) % 9
    net = two_inputs(layers=output).fit(numbers, Y, epochs=1)
    for kind in ("int32", "int64", "uint8", "float64"):
        net.fit(numbers.astype(kind), Y, epochs=1)
        expected = net.predict(numbers)
        np.testing.assert_array_equal(net.predict(numbers.astype(kind)), expected)
    with pytest.raises(ArgumentError, match=r"X has the value 0.5 in row 0, which"):
        net.predict(numbers + 0.5)
    wrong = numbers.copy()
    wrong[33, 1] = 9
    for use in (net.predict, lambda X: net.fit(X, Y)):
        with pytest.raises(ArgumentError, match=r"^X has the index 9 in row 33; an"):
            use(wrong)
        with pytest.raises(ArgumentError, match=r"^X has the index -10 in row 33; an"):
            use(np.where(wrong == 9, -10, wrong))
    last = net.predict(np.where(wrong == 9, 8, wrong))  # as -1 of NumPy's arrays
    np.testing.assert_array_equal(net.predict(np.where(wrong == 9, -1, wrong)), last)


def test_masked_values_are_missing_and_tables_of_objects_are_numbers():
    net = regressor().seed(0).fit(X, Y)
    masked = np.ma.masked_greater(X, 0.99)
    with pytest.raises(
        ArgumentError, match=f"in {masked.mask.any(1).sum()} of 60 rows"
    ):
        net.predict(masked)
    with pytest.raises(ArgumentError, match=r"y has values that are .* 1 of 60"):
        net.fit(X, np.ma.array(Y, mask=Y[3, 2] == Y))
    np.testing.assert_array_equal(net.predict(X.astype(object)), net.predict(X))
    again = regressor().seed(0).fit(X.astype(object), Y.astype(object))
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
