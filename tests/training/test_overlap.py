"""Epochs started before the one before them has ended: who lets them, and what is left.

A net trained so is compared with one of which a callback wants to look in between.
"""

import numpy as np
import pytest
import theano
from lasagne import layers

from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import AdjustVariable, Callback, EarlyStopping
from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.training import epochs, loop
from tests.helpers import small_faces
from tests.helpers.cases import parametrize

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("loops")]


class Recorder(Callback):
    """Notes what is known when it is called, and does what it is told."""

    def __init__(self, then=lambda net, epoch: None):
        self.then, self.epochs = then, []

    def __call__(self, net, train_history):
        self.epochs.append(len(train_history))
        self.then(net, len(train_history))

    def before_next_epoch(self, net, epoch):
        return True


def look(net, train_history):
    """Want to see each epoch before the next one starts."""


def make(*callbacks, **changes):
    """A net with all that an epoch changes: dropout, flips, order, schedules."""
    return small_faces.small(
        layers=[
            ("input", layers.InputLayer),
            ("drop", layers.DropoutLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 1, 96, 96),
        batch_iterator_train=FlipBatchIterator(batch_size=9, shuffle=True),
        update_learning_rate=theano.shared(np.float32(0.03)),
        update_momentum=theano.shared(np.float32(0.9)),
        on_epoch_finished=[
            AdjustVariable("update_learning_rate", 0.03, 0.001),
            AdjustVariable("update_momentum", 0.9, 0.99),
            *callbacks,
        ],
        **dict(max_epochs=6) | changes,
    ).seed(5)


def check_same(net, expected):
    """Compare all that a second training would go on with."""
    ours, theirs = (
        (
            [{k: v for k, v in row.items() if k != "dur"} for row in n.train_history_],
            [v.get_value() for v in n.train_iter_.get_shared()],
            n.batch_iterator_train.random.get_state(),
        )
        for n in (net, expected)
    )
    np.testing.assert_equal(ours, theirs)


@pytest.fixture
def events(monkeypatch):
    """What happens to epochs on the device, in order."""
    found = []

    def note(name, method):
        def noted(self, *args):
            found.append(name)
            return method(self, *args)

        monkeypatch.setattr(epochs.OnDevice, name, noted)

    for name in ("start", "finish"):
        note(name, getattr(epochs.OnDevice, name))
    return found


AHEAD = ["start", *["start", "finish"] * 5, "finish"]
ONE_BY_ONE = ["start", "finish"] * 6


class Overridden(AdjustVariable):
    def __call__(self, net, train_history):
        super().__call__(net, train_history)


@parametrize(
    ("callbacks", "expected"),
    [
        ([], AHEAD),
        ([EarlyStopping(), Recorder()], AHEAD),
        ([look], ONE_BY_ONE),
        ([Recorder(), look], ONE_BY_ONE),
        ([Overridden("update_momentum", 0.9, 0.99)], ONE_BY_ONE),
    ],
    fast=3,
)
def test_the_next_epoch_starts_early_unless_somebody_wants_to_look(
    events, callbacks, expected
):
    make(*callbacks).fit(*small_faces.images())
    assert events == expected


def test_the_numbers_are_those_of_epochs_one_by_one():
    net, expected = make(), make(look)
    for _ in range(2):
        net.fit(*small_faces.images(), epochs=3)
        expected.fit(*small_faces.images(), epochs=3)
    check_same(net, expected)


@parametrize("patience", [0, 1, 100], fast=[1])
def test_the_best_weights_are_those_of_their_epoch(patience):
    def trained(*more):
        stopping = EarlyStopping(patience)
        net = make(max_epochs=9)
        net.update_learning_rate.set_value(np.float32(0.05))
        # From a momentum of 1 on, the loss grows and grows.
        growing = AdjustVariable("update_momentum", 0.5, 2)
        net.on_epoch_finished = [growing, stopping, *more]
        return net.fit(*small_faces.images()), stopping

    (net, ours), (expected, theirs) = trained(), trained(look)
    assert 1 <= ours.best_valid_epoch < 9
    assert (len(net.train_history_) < 9) == (patience < 100)
    assert ours.best_valid_epoch == theirs.best_valid_epoch
    np.testing.assert_equal(ours.best_weights, theirs.best_weights)
    check_same(net, expected)
    for each in (net, expected):  # the epoch that was too many has left no trace
        each.on_epoch_finished = []
        each.fit(*small_faces.images(), epochs=2)
    check_same(net, expected)


@parametrize(
    "error",
    [StopIteration, KeyboardInterrupt, ZeroDivisionError],
    fast=[KeyboardInterrupt],
)
def test_the_epoch_after_the_end_is_taken_back(error):
    def end(net, epoch):
        if epoch == 3:
            raise error

    def trained(*more):
        net = make(Recorder(end), *more)
        if error is ZeroDivisionError:
            with pytest.raises(error):
                net.fit(*small_faces.images())
        else:
            net.fit(*small_faces.images())
        assert len(net.train_history_) == 3
        return net

    check_same(trained(), trained(look))


def test_a_loss_that_is_not_finite_leaves_what_was_before_its_epoch():
    class Spoiler(AdjustVariable):
        """Sets a rate that is too large from the second epoch on."""

        def before_next_epoch(self, net, epoch):
            net.update_learning_rate.set_value(np.float32(1e30 if epoch > 1 else 0.01))
            return True

        def __call__(self, net, train_history):
            self.before_next_epoch(net, train_history[-1]["epoch"])

    def trained(*more):
        net = make()
        net.on_epoch_finished = [Spoiler("update_learning_rate"), *more]
        with pytest.raises(loop.DivergedError, match="it was 1e\\+30"):
            net.fit(*small_faces.images())
        return net

    net, expected = trained(), trained(look)
    check_same(net, expected)
    for each in (net, expected):
        assert all(
            np.isfinite(v.get_value()).all() for v in each.train_iter_.get_shared()
        )


class Interrupt(Callback):
    """Ends training, as Ctrl-C does."""

    epoch = 5

    def __call__(self, net, train_history):
        if len(train_history) == self.epoch:
            raise KeyboardInterrupt

    def before_next_epoch(self, net, epoch):
        return True

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def test_a_checkpoint_looks_when_it_has_something_to_save(
    events, monkeypatch, tmp_path
):
    monkeypatch.setattr(
        "kfkd.callbacks.checkpoint._PAUSE", 1000
    )  # for an interruption, that is
    path = tmp_path / "net.checkpoint"
    make(Interrupt(), Checkpoint(path, epochs=2)).fit(*small_faces.images())
    # Epochs 1, which is copied, 2 and 4 have ended when the ones after them start.
    assert events[:4] == ["start", "finish"] * 2
    assert events[4:8] == ["start", "start", "finish", "finish"]
    checkpoint = Checkpoint(path, resume=True)
    monkeypatch.setattr(Interrupt, "epoch", None)
    net = make(Interrupt(), checkpoint).fit(*small_faces.images())
    assert checkpoint.resumed == 4
    check_same(net, make(look).fit(*small_faces.images()))
