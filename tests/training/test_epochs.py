"""Which way epochs are run, on the device or batch by batch, and when it changes."""

import numpy as np
import pytest
from nolearn.lasagne import BatchIterator

from kfkd.augment import FlipBatchIterator
from kfkd.training import epochs
from tests.helpers import small_faces
from tests.helpers.cases import parametrize
from tests.helpers.nolearn_loop import (
    IMAGES,
    NOLEARN,
    check_equal,
    plain,
    run,
    trained,
)

pytestmark = pytest.mark.gpu


class Negative(BatchIterator):
    def transform(self, Xb, yb):
        return 1 - Xb, yb


class Backwards(FlipBatchIterator):
    def transform(self, Xb, yb):
        return Xb[..., ::-1], yb


class Halves(BatchIterator):
    def __iter__(self):
        yield from (self.transform(self.X[i::2], self.y[i::2]) for i in range(2))


class Bare(BatchIterator):
    shuffle = False

    def __init__(self):
        self.batch_size, self.random = 16, np.random.RandomState(0)


def secretive():
    """Return an iterator that cannot be pickled."""
    iterator = BatchIterator(batch_size=16)
    iterator.note = lambda: None
    return iterator


def thirds(X, y=None):
    """Yield batches as no object of nolearn's does."""
    yield from ((X[i::3], None if y is None else y[i::3]) for i in range(3))


class OwnStep:
    @staticmethod
    def apply_batch_func(func, Xb, yb=None):
        return func(Xb) if yb is None else func(Xb, yb)


def callback(net, train_history):
    """Do nothing."""


@parametrize(
    "changes",
    [
        dict(batch_iterator_train=Negative(batch_size=16)),
        dict(batch_iterator_train=Backwards(batch_size=16), **IMAGES),
        dict(batch_iterator_test=Halves(batch_size=16)),
        dict(batch_iterator_train=Bare()),
        dict(batch_iterator_train=secretive()),
        dict(batch_iterator_test=thirds),
        dict(on_batch_finished=[callback]),
        dict(on_batch_finished=callback),
        dict(custom_scores=[("off", lambda y, p: abs(y - p).mean())]),
    ],
    fast=4,
)
def test_who_wants_to_see_each_batch_does(loops, ways, changes):
    def kind():
        rows = "input_shape" not in changes
        return small_faces.small(
            **changes
        ), small_faces.rows() if rows else small_faces.images()

    net = trained(kind, run)
    assert ways == ["BatchWise"] * 5
    check_equal(net, trained(kind, NOLEARN))


def test_a_net_with_a_step_of_its_own_keeps_it(ways):
    class Net(OwnStep, type(small_faces.small())):
        pass

    def kind():
        return small_faces.small(kind=Net), small_faces.rows()

    net = trained(kind, run)
    assert ways == ["BatchWise"] * 5
    check_equal(net, trained(plain, NOLEARN))


def test_another_choice_of_flips_is_made_on_the_device_too(loops, ways):
    class All(FlipBatchIterator):
        def draw(self, n):
            return np.ones(n, dtype=bool)

    def kind():
        net = small_faces.small(batch_iterator_train=All(batch_size=16), **IMAGES)
        return net, small_faces.images()

    net = trained(kind, run)
    assert ways == ["OnDevice"] * 5
    check_equal(net, trained(kind, NOLEARN))


def test_data_too_large_for_the_device_go_batch_by_batch(monkeypatch, loops, ways):
    monkeypatch.setattr(epochs, "free_memory", lambda: 2**20)
    net = trained(plain, run)
    assert ways == ["BatchWise"] * 5
    check_equal(net, trained(plain, NOLEARN))


def test_batch_by_batch_the_next_one_is_prepared_while_the_device_computes(ways):
    net, (X, y) = plain()
    net.batch_iterator_train = Negative(batch_size=4)
    read = []

    class Loss:
        """A result that tells when somebody waits for it."""

        def __init__(self, value):
            self.value = value

        def __array__(self, dtype=None, copy=None):
            read.append(self)
            return np.asarray(self.value, dtype)

    net.initialize()
    step, waiting = net.train_iter_, []

    def late(*batch):
        waiting.append(len(read))
        return [Loss(value) for value in step(*batch)]

    net.train_iter_ = late
    net.fit(X, y, epochs=1)
    # The first batches are handed over before any loss is asked for.
    assert waiting[:3] == [0, 0, 0]
    assert waiting[-1] > 0  # but not all of them


def test_flips_that_have_been_redefined_are_the_new_ones(loops):
    def flips(pairs):
        net = small_faces.small(
            batch_iterator_train=FlipBatchIterator(16), **IMAGES
        ).seed(3)
        for pair in pairs:
            net.batch_iterator_train.flip_indices = [pair]
            net.fit(*small_faces.images(), epochs=1)
        return [row["train_loss"] for row in net.train_history_]

    assert flips([(0, 2), (0, 2)])[1] != flips([(0, 2), (4, 6)])[1]


# --- Changes while a net trains -------------------------------------------------------


class Change:
    """A callback that changes the net after its second epoch."""

    def __init__(self, change):
        self.change = change

    def __call__(self, net, train_history):
        if len(train_history) == 2:
            self.change(net)


def grow_batches(net):
    net.batch_iterator_train.batch_size = 20


def take_another_iterator(net):
    net.batch_iterator_train = FlipBatchIterator(batch_size=16, seed=3)


def swap_other_columns(net):
    net.batch_iterator_train.flip_indices = [(0, 2)]


def swap_other_columns_in_place(net):
    del net.batch_iterator_train.flip_indices[3:]


def take_an_iterator_of_ones_own(net):
    net.batch_iterator_train = Backwards(batch_size=16)


def take_one_that_cannot_be_compared(net):
    net.batch_iterator_train = secretive()


def watch_each_batch(net):
    net.on_batch_finished.append(callback)


@parametrize(
    ("change", "then"),
    [
        (grow_batches, "OnDevice"),
        (take_another_iterator, "OnDevice"),
        (swap_other_columns, "OnDevice"),
        (swap_other_columns_in_place, "OnDevice"),
        (take_an_iterator_of_ones_own, "BatchWise"),
        (take_one_that_cannot_be_compared, "BatchWise"),
        (watch_each_batch, "BatchWise"),
    ],
    fast=[
        (grow_batches, "OnDevice"),
        (swap_other_columns, "OnDevice"),
        (take_an_iterator_of_ones_own, "BatchWise"),
        (watch_each_batch, "BatchWise"),
    ],
)
def test_what_a_callback_changes_holds_from_the_next_epoch(loops, ways, change, then):
    def kind():
        net = small_faces.small(
            batch_iterator_train=FlipBatchIterator(batch_size=9, shuffle=True),
            on_epoch_finished=[Change(change)],
            **IMAGES,
        )
        return net, small_faces.images()

    net = trained(kind, run)
    assert ways == ["OnDevice"] * 2 + [then] * 3
    check_equal(net, trained(kind, NOLEARN))
