import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne.objectives import squared_error
from nolearn.lasagne import BatchIterator, TrainSplit

from kfkd import nets
from kfkd.augment import AffineBatchIterator
from kfkd.errors import ArgumentError
from kfkd.objectives import masked_squared_error
from kfkd.xla import formulations
from tests.helpers.theano_oracle import check_gradient

rng = np.random.default_rng()


def labels(n, share=0.5):
    """Return targets of which a share is missing, the first never."""
    y = rng.uniform(-1, 1, (n, 30)).astype("float32")
    is_missing = rng.random(y.shape) < share
    is_missing[0] = False
    y[is_missing] = np.nan
    return y


def test_the_mean_is_that_of_the_labels_that_are_there():
    a, b = rng.normal(size=(5, 30)).astype("float32"), labels(5)
    x, y = T.fmatrices(2)
    for mode in ("xla", "FAST_COMPILE"):
        losses = theano.function([x, y], masked_squared_error(x, y), mode=mode)(a, b)
        assert losses.dtype == "float32"
        assert (losses[np.isnan(b)] == 0).all()
        np.testing.assert_allclose(losses.mean(), np.nanmean((a - b) ** 2), rtol=1e-5)


def test_without_missing_labels_it_is_squared_error():
    a, b = rng.normal(size=(2, 4, 6)).astype("float32")
    x, y = T.fmatrices(2)
    ours, theirs = theano.function(
        [x, y], [masked_squared_error(x, y), squared_error(x, y)], mode="xla"
    )(a, b)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_the_gradient_of_missing_labels_is_zero():
    b = labels(3).astype("float64")
    gradient, *_ = check_gradient(
        lambda a: masked_squared_error(a, T.constant(b)), rng.normal(size=b.shape)
    )
    assert (gradient[np.isnan(b)] == 0).all()
    assert (gradient[~np.isnan(b)] != 0).all()


def test_no_labels_are_no_loss():
    x, y = T.fmatrices(2)
    f = theano.function([x, y], masked_squared_error(x, y).mean(), mode="xla")
    assert f(np.ones((2, 3), "float32"), np.full((2, 3), np.nan, "float32")) == 0


def net(**changes):
    changes = {
        "objective_loss_function": masked_squared_error,
        "verbose": 0,
        "max_epochs": 2,
    } | changes
    return nets.make("net1", hidden_num_units=3, **changes).seed(1)


@pytest.mark.parametrize("looped", [True, False])
@pytest.mark.parametrize("shuffle", [True, False])
def test_losses_of_an_epoch_count_each_label_once(monkeypatch, looped, shuffle):
    monkeypatch.setattr(formulations, "loops", lambda nodes: looped)
    X = rng.random((50, 9216), dtype="float32")
    # The shares of the batches differ, so that the mean of their means is another one.
    y = np.concatenate([labels(25, 0.1), labels(25, 0.9)])
    trained = net(
        # Without a step, the losses of all batches are those of one net.
        update_learning_rate=0.0,
        update_momentum=0.0,
        batch_iterator_train=BatchIterator(8, shuffle=shuffle),
        batch_iterator_test=BatchIterator(4),
        train_split=TrainSplit(0.2),
    ).fit(X, y)
    X_train, X_valid, y_train, y_valid = trained.train_split(X, y, trained)
    for row in trained.train_history_:
        for name, X_part, y_part in (
            ("train_loss", X_train, y_train),
            ("valid_loss", X_valid, y_valid),
        ):
            squares = (trained.predict(X_part).astype(float) - y_part) ** 2
            assert row[name] == pytest.approx(np.nanmean(squares), rel=1e-4)


def test_rows_and_columns_with_few_labels_are_learnt_from():
    X = rng.random((60, 9216), dtype="float32")
    y = np.full((60, 30), np.nan, "float32")
    y[:, 2:4] = 0.5
    y[::2, 7] = -0.25
    trained = net(max_epochs=300, update_learning_rate=0.01).fit(X, y)
    found = trained.predict(X)
    np.testing.assert_allclose(found[:, 2:4], 0.5, atol=0.1)
    np.testing.assert_allclose(found[:, 7], -0.25, atol=0.1)


def test_infinite_labels_are_an_error():
    X, y = rng.random((9, 9216), dtype="float32"), labels(9)
    y[4, 2] = np.inf
    with pytest.raises(ArgumentError, match=r"first in row 4; a missing label is NaN"):
        net().fit(X, y)


def test_labels_in_pixels_are_an_error_however_few_there_are():
    X, y = rng.random((20, 9216), dtype="float32"), labels(20, 0.97)
    with pytest.raises(ArgumentError, match=r"y has values from .*\[-1, 1\]"):
        net().fit(X, y * 48 + 48)


def test_no_labels_at_all_are_an_error():
    X = rng.random((20, 9216), dtype="float32")
    y = np.full((20, 30), np.nan, "float32")
    with pytest.raises(ArgumentError, match="y has no labels"):
        net().fit(X, y)
    y[-1] = 0  # in the first fifth is none of them
    with pytest.raises(ArgumentError, match="leaves no labels to validate on"):
        net().fit(X, y)


def test_missing_labels_need_such_a_loss():
    X, y = rng.random((9, 9216), dtype="float32"), labels(9)
    with pytest.raises(ArgumentError, match=r"kfkd\.objectives\.masked_squared_error"):
        net(objective_loss_function=squared_error).fit(X, y)


def test_points_that_leave_the_image_need_such_a_loss():
    X = rng.random((9, 1, 96, 96), dtype="float32")
    y = rng.uniform(-1, 1, (9, 30)).astype("float32")
    made = nets.make("net2", batch_iterator_train=AffineBatchIterator(8), verbose=0)
    with pytest.raises(ArgumentError, match=r"AffineBatchIterator.*masked_squared"):
        made.fit(X, y)


def test_a_loss_of_ones_own_may_skip_missing_labels():
    def absolute(a, b):
        known = T.invert(T.isnan(b))
        error = abs(T.switch(known, a - T.switch(known, b, 0), 0))
        return error * b.size.astype("float32") / known.sum().astype("float32")

    absolute.skips_missing = True
    X, y = rng.random((20, 9216), dtype="float32"), labels(20)
    trained = net(objective_loss_function=absolute).fit(X, y)
    assert np.isfinite([row["train_loss"] for row in trained.train_history_]).all()
