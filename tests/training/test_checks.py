"""What does not fit a net, or cannot be, is an error before training starts."""

import functools

import lasagne
import nolearn.lasagne
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import theano
from lasagne import layers
from sklearn.exceptions import NotFittedError

from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import EarlyStopping
from kfkd.errors import ArgumentError, KfkdError
from kfkd.nets import make
from tests.helpers import small_faces
from tests.helpers.small_nets import regressor, rows


def test_images_for_a_net_of_rows_are_an_error():
    with pytest.raises(
        ValueError, match=r"\(50, 1, 96, 96\), the net takes \(n, 9216\)"
    ):
        small_faces.small().fit(*small_faces.images())


def test_rows_for_a_net_of_images_are_an_error():
    net = make("net2", verbose=0)
    with pytest.raises(ArgumentError, match=r"takes \(n, 1, 96, 96\).*load2d"):
        net.fit(*small_faces.rows())


def test_a_wrong_number_of_targets_can_be_corrected():
    X, y = small_faces.rows()
    net = small_faces.small()
    with pytest.raises(ArgumentError, match=r"\(50, 4\), .* 30 .*output_num_units=4"):
        net.fit(X, y[:, :4])
    net.output_num_units = 4
    assert net.fit(X, y[:, :4]).predict(X).shape == (50, 4)


def test_lengths_that_differ_are_an_error():
    X, y = small_faces.rows()
    with pytest.raises(ArgumentError, match="X has 50 rows, y has 49 rows"):
        small_faces.small().fit(X, y[:-1])


@pytest.mark.parametrize("X", [None, 3, "abc"])
def test_what_has_no_rows_is_an_error(X):
    with pytest.raises(ArgumentError, match=r"^X is .* an array with a row for each"):
        small_faces.small().fit(X, small_faces.rows()[1])


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.dok_array])
def test_a_sparse_matrix_is_an_error(kind):
    X, y = small_faces.rows()
    with pytest.raises(ArgumentError, match=r"^X is a sparse .* X.toarray\(\) makes"):
        small_faces.small().fit(kind(X), y)
    with pytest.raises(ArgumentError, match=r"^X is a sparse .* X.toarray\(\) makes"):
        small_faces.small().fit(X, y).predict(kind(X))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "x"])
def test_a_seed_that_cannot_be(seed):
    with pytest.raises(ArgumentError, match=r"^seed is .*; it must be a whole number"):
        small_faces.small().seed(seed)


@pytest.mark.parametrize("share", [-0.1, 0.7, 2, "half"])
def test_a_share_for_validation_that_cannot_be(share):
    split = nolearn.lasagne.TrainSplit(share)
    with pytest.raises(ArgumentError, match=r"^train_split.eval_size is .*from 0 to"):
        small_faces.small(train_split=split).fit(*small_faces.rows())


@pytest.mark.parametrize("share", [0, None, 0.6])
def test_a_share_for_validation_that_can_be(share):
    split = nolearn.lasagne.TrainSplit(share)
    net = small_faces.small(train_split=split).fit(*small_faces.rows(), epochs=1)
    assert np.isnan(net.train_history_[0]["valid_loss"]) == (not share)


@pytest.mark.parametrize(
    "changes", [dict(input_shape=5), dict(hidden_W="zeros"), dict(hidden_b=[1, 2])]
)
def test_layers_that_cannot_be_made(changes):
    net = small_faces.small(**changes)
    with pytest.raises(ArgumentError, match=r"^The layers cannot be made: "):
        net.fit(*small_faces.rows())


def test_images_of_another_size_cannot_be_reshaped():
    X, _ = small_faces.rows()
    with pytest.raises(ArgumentError, match=r"\(50, 9000\), the net takes \('n', 9216"):
        small_faces.small().reshape_input(X[:, :9000])


@pytest.mark.parametrize("callbacks", [EarlyStopping, [print, 3]])
def test_callbacks_of_one_training_that_cannot_be_called(callbacks):
    with pytest.raises(ArgumentError, match=r"^callbacks is .*; it must be functions"):
        small_faces.small().fit(*small_faces.rows(), callbacks=callbacks)


def test_a_path_is_no_checkpoint():
    net = small_faces.small()
    with pytest.raises(ArgumentError, match=r"'a.checkpoint'; .* kfkd.callbacks.Check"):
        net.fit(*small_faces.rows(), checkpoint="a.checkpoint")
    assert net.train_history_ == []


def test_a_number_of_epochs_that_cannot_be():
    with pytest.raises(ArgumentError, match="epochs is 0; it must be a whole number"):
        small_faces.small().fit(*small_faces.rows(), epochs=0)


def test_lists_and_tables_are_taken_as_arrays():
    X, y = small_faces.rows()
    expected = small_faces.small().seed(0).fit(X, y, epochs=2)
    for kind in (np.ndarray.tolist, pd.DataFrame):
        net = small_faces.small().seed(0).fit(kind(X), kind(y), epochs=2)
        losses = [row["train_loss"] for row in net.train_history_]
        assert losses == [row["train_loss"] for row in expected.train_history_]
        np.testing.assert_array_equal(net.predict(kind(X)), expected.predict(X))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda X, y: (X * 255, y),
            r"X has values from 0 to 255, where grey values in",
        ),
        (lambda X, y: (X, y * 48 + 48), r"y has values from .*, where coordinates in"),
        (lambda X, y: (X.astype(complex), y), "X holds values of the type complex128"),
        (lambda X, y: (X, y.astype(str)), "y holds values of the type <U"),
        (lambda X, y: (np.full(X.shape, {}), y), "X holds values of the type obj"),
        (lambda X, y: (X, None), "y is None"),
        (lambda X, y: (X[:4], y[:4]), "only 4 samples .* 5 are needed"),
    ],
)
def test_data_that_no_net_can_learn_from(change, message):
    net = small_faces.small()
    with pytest.raises(KfkdError, match=message):
        net.fit(*change(*small_faces.rows()))
    assert net.train_history_ == []
    net.fit(*small_faces.rows())  # all the same


def test_data_of_another_scale_can_be_meant():
    X, y = small_faces.rows()
    net = small_faces.small(check_input=False, update_learning_rate=1e-9)
    net.fit(X * 255, y, epochs=1)
    assert net.predict(X * 255).shape == y.shape


def test_an_empty_set_is_an_error():
    X, y = small_faces.rows()
    with pytest.raises(ArgumentError, match="X is empty"):
        small_faces.small().fit(X[:0], y[:0])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["X", "y"])
def test_missing_values_are_an_error_that_names_the_row(name, value):
    X, y = (array.copy() for array in small_faces.rows())
    dict(X=X, y=y)[name][[7, 9], 3] = value
    net = small_faces.small()
    with pytest.raises(
        ArgumentError, match=f"^{name} has .* 2 of 50 rows, first in row 7; "
    ):
        net.fit(X, y)
    assert net.train_history_ == []


def test_predict_checks_its_input():
    net = small_faces.small()
    X, y = small_faces.rows()
    with pytest.raises(NotFittedError, match="no weights yet") as caught:
        net.predict(X)
    assert isinstance(caught.value, KfkdError)
    net.fit(X, y)
    with pytest.raises(ArgumentError, match=r"the net takes \(n, 9216\)"):
        net.predict(small_faces.images()[0])
    with pytest.raises(ArgumentError, match="X has values that are missing"):
        net.predict(X * np.nan)


def test_check_input_can_be_switched_off():
    X, y = small_faces.rows()
    net = small_faces.small(check_input=False).fit(X, y, epochs=1)
    assert np.isnan(net.predict(X * np.nan)).all()


# --- Results --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(max_epochs="many"), "max_epochs is 'many'; it must be a whole number"),
        (dict(max_epochs=1.5), "max_epochs is 1.5"),
        (dict(max_epochs=-1), "max_epochs is -1"),
        (dict(update=None), "update is None; it must be a function"),
        (dict(update_learning_rate="fast"), "update_learning_rate is 'fast'"),
        (dict(update_momentum=None), "update_momentum is None; it must be a finite"),
        (dict(update_momentum=float("nan")), "update_momentum is nan"),
        (dict(update_learning_rate=True), "update_learning_rate is True; it must be"),
        (dict(update_learning_rate=[0.1]), r"update_learning_rate is \[0.1\]; it must"),
        (dict(update_learning_rate=1j), "update_learning_rate is 1j; it must be a fin"),
        (
            dict(update_learning_rate=theano.shared(np.zeros(3))),
            "update_learning_rate is <.*vector.*; it must be .* a symbolic scalar",
        ),
        (
            dict(objective_l3=1),
            "objective_l3 is given, but objective=objective takes no l3; it takes "
            "objective_loss_function, objective_aggregate, objective_l1, objective_l2",
        ),
        (dict(objective_deterministic=True), "objective=objective takes no determin"),
        (dict(objective_l2="much"), "objective_l2 is 'much'; it must be a finite num"),
        (dict(objective_l1=float("nan")), "objective_l1 is nan; it must be a finite"),
        (dict(objective_aggregate="sum"), "objective_aggregate is 'sum'; it must be"),
        (dict(y_tensor_type="matrix"), "y_tensor_type is 'matrix'; it must be a func"),
        (dict(train_split=None), "train_split is None"),
        (dict(batch_iterator_train=3), "batch_iterator_train is 3"),
        (dict(objective_loss_function="mse"), "objective_loss_function is 'mse'"),
        (dict(output_nonlinearity="relu"), "output_nonlinearity is 'relu'"),
        (dict(on_epoch_finished=[print, 3]), "on_epoch_finished is 3"),
        (dict(drop_p=1), "drop_p is 1; it must be from 0 to less than 1"),
        (dict(drop_p="0.3"), "drop_p is '0.3'; it must be from 0"),
        (dict(log_every=0), "log_every is 0; it must be a whole number of at least 1"),
        (dict(output_num_units="30"), "output_num_units is '30'; it must be a whole"),
        (dict(output_num_units=1.5), "output_num_units is 1.5; it must be a whole"),
        (
            dict(batch_iterator_train=nolearn.lasagne.BatchIterator(0)),
            "the batch_size of batch_iterator_train is 0; it must be a whole number",
        ),
        (
            dict(batch_iterator_test=nolearn.lasagne.BatchIterator),
            "batch_iterator_test is <class .*; it must be a callable object, not a",
        ),
        (
            dict(on_epoch_finished=[EarlyStopping]),
            "on_epoch_finished is <class .*; it must be functions or callable objects",
        ),
    ],
)
def test_parameters_that_cannot_be_are_named(changes, message):
    net = small_faces.small(
        layers=[
            ("input", layers.InputLayer),
            ("drop", layers.DropoutLayer),
            ("output", layers.DenseLayer),
        ],
        **changes,
    )
    with pytest.raises(ArgumentError, match=message):
        net.fit(*small_faces.rows())
    assert not hasattr(net, "layers_")


def test_updates_of_ones_own_have_options_of_any_kind():
    def update(gradients, params, learning_rate, *, scales, schedule=None):
        assert schedule == "cosine"
        rate = learning_rate * scales[0]
        return {p: p - rate * g for p, g in zip(params, gradients, strict=True)}

    X, y = rows()
    options = dict(update=update, update_schedule="cosine")
    net = regressor(**options, update_scales=[0.0, 1.0]).fit(X, y)
    before = net.predict(X)
    net.fit(X, y)
    np.testing.assert_array_equal(net.predict(X), before)


def test_a_wrapped_update_may_have_options_of_its_own():
    @functools.wraps(lasagne.updates.sgd)
    def clipped(gradients, params, max_norm=1.0, **further):
        norms = lasagne.updates.total_norm_constraint(gradients, max_norm)
        return lasagne.updates.sgd(norms, params, **further)

    X, y = rows()
    net = regressor(update=clipped, update_max_norm=1e-9).fit(X, y)
    before = net.predict(X)
    np.testing.assert_allclose(net.fit(X, y).predict(X), before, atol=1e-6)


@pytest.mark.parametrize("name", ["net1", "net6"])
def test_an_iterator_that_cannot_flip_what_it_gets(name):
    net = make(name, batch_iterator_train=FlipBatchIterator(16), verbose=0)
    X, y = small_faces.rows() if name == "net1" else small_faces.images()
    net.output_num_units = 2 if name == "net6" else 30
    message = "only 2 columns" if name == "net6" else r", 9216\) cannot be flipped"
    with pytest.raises(ArgumentError, match=message):
        net.fit(X, y[:, : net.output_num_units], epochs=1)
    assert net.train_history_ == []
