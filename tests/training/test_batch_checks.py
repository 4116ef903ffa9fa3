"""What batches of an iterator, scores and targets must be, as the errors say."""

import nolearn.lasagne
import numpy as np
import pytest
import theano.tensor as T
from lasagne.layers import get_output
from lasagne.objectives import (
    binary_crossentropy,
    categorical_crossentropy,
    multiclass_hinge_loss,
    squared_error,
)
from nolearn.lasagne import BatchIterator, TrainSplit

from kfkd.errors import ArgumentError
from tests.helpers.small_nets import classifier, labelled, regressor, rows


class Changed(BatchIterator):
    """Changes batches by a function of (Xb, yb)."""

    def __init__(self, change):
        super().__init__(16)
        self.change = change

    def transform(self, Xb, yb):
        return (Xb, yb) if yb is None else self.change(Xb, yb)


@pytest.mark.parametrize("name", ["batch_iterator_train", "batch_iterator_test"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda Xb, yb: (Xb, None), " has no yb, which training needs"),
        (lambda Xb, yb: (Xb, yb[:, 0]), r" has a yb of the shape \(1.,\); the net"),
        (
            lambda Xb, yb: (Xb, yb[:, :2]),
            r", with Xb of the shape \(1., 8\) and yb of the shape \(1., 2\): Input",
        ),
        (
            lambda Xb, yb: (Xb[:5], yb),
            r", with Xb of the shape \(5, 8\) and yb of the shape \(1., 3\): Input",
        ),
        (
            lambda Xb, yb: (Xb * np.nan, yb),
            " has values that are missing or not",
        ),
        (lambda Xb, yb: (Xb.astype(str), yb), " holds values of the type"),
        (lambda Xb, yb: (Xb[:, :3], yb), r" has the shape \(1., 3\), the net takes"),
        (lambda Xb, yb: (Xb, yb, 1), r" is \(.*; it must be a pair \(Xb, yb\)"),
    ],
)
def test_a_batch_that_a_net_cannot_take(name, change, message):
    net = regressor(**{name: Changed(change)})
    with pytest.raises(ArgumentError, match=f"^a batch of {name}{message}") as error:
        net.fit(*rows())
    assert "\n" not in str(error.value)
    assert not net.train_history_


def test_batches_may_be_lists():
    X, y = rows()
    as_lists = Changed(lambda Xb, yb: (Xb.tolist(), yb.tolist()))
    made, expected = (
        regressor(batch_iterator_train=iterator).seed(1).fit(X, y)
        for iterator in (as_lists, BatchIterator(16))
    )
    np.testing.assert_allclose(made.predict(X), expected.predict(X), atol=1e-5)


@pytest.mark.parametrize("value", [None, "high", [None]])
def test_a_custom_score_that_is_no_number(value):
    net = regressor(custom_scores=[("mine", lambda y, p: value)])
    with pytest.raises(ArgumentError, match=r"^custom score 'mine' is .* a number"):
        net.fit(*rows())


@pytest.mark.parametrize("name", ["scores_train", "scores_valid"])
@pytest.mark.parametrize("value", [None, 1.0])
def test_a_score_that_is_no_expression(name, value):
    net = regressor(**{name: [("mine", lambda y, p: value)]})
    with pytest.raises(ArgumentError, match=r"^score 'mine' is .* expression of"):
        net.fit(*rows())


def test_nolearns_own_net_needs_samples_for_custom_scores():
    net = regressor(
        nolearn.lasagne.NeuralNet,
        train_split=TrainSplit(0),
        custom_scores=[("one", lambda y, p: 1.0)],
    )
    with pytest.raises(ArgumentError, match=r"^custom_scores .* sets none aside"):
        net.fit(*rows())


@pytest.mark.parametrize("loss", [categorical_crossentropy, multiclass_hinge_loss])
def test_labels_that_are_no_positions_of_outputs(loss):
    X, y = labelled()
    net = classifier(objective_loss_function=loss)
    for shift, found in ((-1, "-1 to 1"), (5, "5 to 7")):
        wanted = f"^y has labels from {found}; a classifier with 3 outputs takes 0 to 2"
        with pytest.raises(ArgumentError, match=wanted):
            net.fit(X, y + shift)


def test_more_labels_than_outputs():
    X, y = labelled()
    options = dict(use_label_encoder=True, output_num_units=2)
    with pytest.raises(ArgumentError, match=r"^y has 3 labels; .* 2 outputs takes 2"):
        classifier(**options).fit(X, y)
    options |= dict(
        output_num_units=1, objective_loss_function=lambda p, t: T.sqr(p[:, 0] - t)
    )
    with pytest.raises(ArgumentError, match=r"^y has 3 labels; .* 1 output takes 2"):
        classifier(**options).fit(X, y)


def test_labels_for_a_loss_of_each_output():
    X, y = labelled()
    net = classifier(objective_loss_function=binary_crossentropy)
    with pytest.raises(ArgumentError, match=r"^y has labels, .*categorical_crossent"):
        net.fit(X, y)
    net = classifier(
        objective_loss_function=binary_crossentropy, y_tensor_type=T.imatrix
    )
    net.fit(X, np.eye(3, dtype="int32")[y])
    assert np.isfinite(net.train_history_[-1]["train_loss"])


def test_targets_that_are_no_probabilities():
    X, y = labelled()
    net = classifier(
        objective_loss_function=binary_crossentropy, y_tensor_type=T.imatrix
    )
    with pytest.raises(ArgumentError, match=r"^y has values from 0 to 5; binary_cross"):
        net.fit(X, 5 * np.eye(3, dtype="int32")[y])


def test_an_objective_of_ones_own_may_do_with_labels_what_it_likes():
    X, y = labelled()

    def of_some(layers, loss_function, target, deterministic=False, **further):
        outputs = get_output(layers[-1], deterministic=deterministic)
        known = T.ge(target, 0)
        one_hot = T.extra_ops.to_one_hot(T.maximum(target, 0), 3)
        return (loss_function(outputs, one_hot).mean(axis=1) * known).mean()

    net = classifier(objective=of_some, objective_loss_function=squared_error)
    net.fit(X, np.where(y == 1, -1, y))
    assert np.isfinite(net.train_history_[-1]["train_loss"])
