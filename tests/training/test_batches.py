"""Iterators and splits leave the data alone, and predictions are in their order."""

import nolearn.lasagne
import numpy as np
import pytest
from nolearn.lasagne import BatchIterator, TrainSplit

from kfkd.estimator import NeuralNet
from tests.helpers.iterators import InPlace, OwnCall, in_place, iterators, own_loop
from tests.helpers.small_nets import classifier, labelled, regressor, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])


@KINDS
@iterators(in_place, own_loop, OwnCall)
def test_batches_can_be_changed(iterator, kind):
    X, y = rows()
    seen = []

    def note(Xb, yb):
        seen.append((Xb.copy(), yb.copy()))

    options = dict(train_split=TrainSplit(0), on_batch_finished=[])
    made = regressor(kind, batch_iterator_train=iterator(), **options)
    made.initialize()
    train = made.train_iter_

    def train_and_note(Xb, yb):
        note(Xb, yb)
        return train(Xb, yb)

    made.train_iter_ = train_and_note
    given = X.copy(), y.copy()
    made.fit(*given)
    for ours, before in zip(given, (X, y), strict=True):
        assert np.array_equal(ours, before)
    if kind is not NeuralNet and iterator is OwnCall:
        return  # which copies the data once, not for each epoch
    assert len(seen) % 3 == 0
    for part, expected in ((0, X + 1), (1, y - 1)):
        found = np.concatenate([batch[part] for batch in seen])
        np.testing.assert_allclose(
            found, np.tile(expected, (3, 1)), rtol=1e-5, atol=1e-5
        )


@KINDS
@iterators(in_place, own_loop, OwnCall)
def test_batches_to_predict_can_be_changed(iterator, kind):
    X, y = rows()
    made = regressor(kind).fit(X, y)
    expected = made.predict(X + 1)
    made.batch_iterator_test = iterator()
    given = X.copy()
    for _ in range(2):
        np.testing.assert_allclose(made.predict(given), expected, rtol=1e-5, atol=1e-5)
    assert np.array_equal(given, X)
    np.testing.assert_allclose(
        made.get_output("output", given), expected, rtol=1e-5, atol=1e-5
    )
    assert not {"X", "y"} & vars(made.batch_iterator_test).keys()


class Shuffled(BatchIterator):
    def transform(self, Xb, yb):
        return Xb * 1, yb


@KINDS
@pytest.mark.parametrize("shuffled", [BatchIterator, Shuffled])
def test_predictions_are_in_the_order_of_the_rows(shuffled, kind):
    X, y = rows()
    made = regressor(kind).fit(X, y)
    expected, given = made.predict(X), X.copy()
    made.batch_iterator_test = shuffled(16, shuffle=True)
    np.testing.assert_allclose(made.predict(given), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        made.get_output("output", given), expected, rtol=1e-5, atol=1e-5
    )
    assert np.array_equal(given, X)


@KINDS
@pytest.mark.parametrize("eval_size", [0.2, 0])
def test_shuffling_leaves_the_data_as_they_are(eval_size, kind, tmp_path):
    X, y = rows()
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r+")
    made = regressor(
        kind,
        train_split=TrainSplit(eval_size, shuffle=True),
        batch_iterator_train=BatchIterator(16, shuffle=True),
    )
    given = X.copy(), y.copy()
    for array in given:
        array.flags.writeable = False
    made.fit(*given)
    made.fit(mapped, given[1])
    del mapped
    assert np.array_equal(np.load(tmp_path / "X.npy"), X)
    for ours, before in zip(given, (X, y), strict=True):
        assert np.array_equal(ours, before)


@KINDS
def test_a_share_for_validation_is_of_one_net(kind):
    with pytest.warns(UserWarning, match="'eval_size' argument has been deprecated"):
        alone = regressor(kind, eval_size=0)
    assert alone.train_split.eval_size == 0
    assert regressor(kind).train_split.eval_size == 0.2
    split = TrainSplit(0.5)
    with pytest.warns(UserWarning, match="deprecated"):
        assert regressor(kind, train_split=split, eval_size=0).train_split is not split
    assert split.eval_size == 0.5


class Counted(InPlace):
    n_samples_seen = 0

    def transform(self, Xb, yb):
        self.n_samples_seen += len(Xb)
        return super().transform(Xb, yb)


@KINDS
def test_what_an_iterator_counts_in_predictions_stays(kind):
    X, y = rows()
    made = regressor(kind, train_split=TrainSplit(0)).fit(X, y)
    made.batch_iterator_test = Counted(7)
    made.predict(X)
    made.predict(X[:20])
    assert made.batch_iterator_test.n_samples_seen == 80


class Slotted(BatchIterator):
    __slots__ = ("gain",)

    def __init__(self, batch_size, gain):
        super().__init__(batch_size)
        self.gain = gain

    def transform(self, Xb, yb):
        return Xb * self.gain, yb


@KINDS
def test_an_iterator_may_have_slots(kind):
    X, y = rows()
    made = regressor(kind).fit(X, y)
    expected = made.predict(X * 2)
    made.batch_iterator_test = Slotted(7, 2)
    np.testing.assert_allclose(made.predict(X), expected, rtol=1e-5, atol=1e-5)


class OneHot(BatchIterator):
    """Makes targets of the positions of their ones."""

    def transform(self, Xb, yb):
        return Xb, yb if yb is None else np.eye(3, dtype="float32")[yb.ravel()]


class Binned(BatchIterator):
    """Makes labels of numbers."""

    def transform(self, Xb, yb):
        return Xb, yb if yb is None else np.digitize(yb, [0.2, 0.6])


def test_an_iterator_may_make_the_targets():
    X, y = labelled()
    iterators = dict(batch_iterator_train=OneHot(128), batch_iterator_test=OneHot(128))
    net = regressor(**iterators).seed(1).fit(X, y)
    expected = regressor().seed(1).fit(X, np.eye(3, dtype="float32")[y])
    np.testing.assert_allclose(net.predict(X), expected.predict(X), atol=1e-6)

    numbers = np.random.RandomState(0).rand(60)
    split = nolearn.lasagne.TrainSplit(0.2, stratify=False)
    binned = dict(batch_iterator_train=Binned(128), batch_iterator_test=Binned(128))
    net = classifier(train_split=split, **binned).seed(1).fit(X, numbers)
    labels = np.digitize(numbers, [0.2, 0.6])
    expected = classifier(train_split=split).seed(1).fit(X, labels)
    found = net.predict_proba(X)
    np.testing.assert_allclose(found, expected.predict_proba(X), atol=1e-6)


def test_a_file_that_can_be_written_to_is_not(tmp_path):
    X, y = rows()
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r+")
    net = regressor(batch_iterator_train=OwnCall(), train_split=TrainSplit(0))
    with pytest.raises(ValueError, match="read-only"):
        net.fit(mapped, y)
    np.testing.assert_array_equal(np.load(tmp_path / "X.npy"), X)
    regressor(train_split=TrainSplit(0)).fit(mapped, y)
    np.testing.assert_array_equal(np.load(tmp_path / "X.npy"), X)
