"""Hooks of callbacks: each is called, whatever the others do."""

import json
import threading
from unittest.mock import Mock

import numpy as np
import pytest
from nolearn.lasagne import BatchIterator

from kfkd.callbacks import Callback, Checkpoint, EarlyStopping
from kfkd.errors import ArgumentError, StateError
from kfkd.training.hooks import listed
from tests.helpers.small_nets import classifier, labelled, regressor, rows

X, Y = rows()


class Seen(Callback):
    """Notes which hooks are called."""

    def __init__(self):
        self.calls = []

    def on_training_started(self, net, train_history):
        self.calls.append("started")

    def __call__(self, net, train_history):
        self.calls.append(len(train_history))

    def on_training_finished(self, net, train_history):
        self.calls.append("finished")


class Fails(Callback):
    def on_training_finished(self, net, train_history):
        raise RuntimeError("in the end")


def stop_after(epochs):
    def stop(net, train_history):
        if len(train_history) >= epochs:
            raise StopIteration

    return stop


def test_an_error_in_one_hook_at_the_end_leaves_the_others_their_turn(tmp_path):
    def interrupt(net, train_history):
        if len(train_history) == 2:
            raise KeyboardInterrupt

    checkpoint, seen = Checkpoint(tmp_path / "net.checkpoint"), Seen()
    net = regressor(on_epoch_finished=[Fails(), seen, interrupt])
    with pytest.raises(RuntimeError, match="in the end"):
        net.fit(X, Y, checkpoint=checkpoint)
    assert seen.calls == ["started", 1, 2, "finished"]
    assert seen.loop is None
    assert checkpoint.path.exists()


def test_one_that_stands_in_two_lists_sees_each_epoch_once():
    seen, stop = Seen(), EarlyStopping(patience=2)
    net = regressor(on_epoch_finished=[seen, stop, seen], max_epochs=60)
    net.update_learning_rate = 1e-9  # from which nothing gets better
    net.on_epoch_finished.append(stop_improving)
    net.fit(X, Y, callbacks=[seen, stop])
    assert seen.calls == ["started", *range(1, len(net.train_history_) + 1), "finished"]
    assert len(net.train_history_) < 10


def stop_improving(net, train_history):
    """Make each later epoch the worst."""
    rate = -0.05 if len(train_history) > 1 else net.update_learning_rate
    net.update_learning_rate = rate


def test_a_function_that_stands_there_twice_is_called_twice():
    calls = []

    def note(net, train_history):
        calls.append(len(train_history))

    regressor(on_epoch_finished=[note, note], max_epochs=2).fit(X, Y)
    assert calls == [1, 1, 2, 2]


def test_one_callback_in_two_trainings_at_once_is_an_error():
    stop, inside, leave = EarlyStopping(), threading.Event(), threading.Event()

    def wait(net, train_history):
        inside.set()
        leave.wait(60)

    first = regressor(on_epoch_finished=[stop, wait])
    thread = threading.Thread(target=first.fit, args=(X, Y))
    thread.start()
    inside.wait(60)
    try:
        with pytest.raises(StateError, match=r"^The EarlyStopping is in another tr"):
            regressor(on_epoch_finished=[stop]).fit(X, Y)
    finally:
        leave.set()
        thread.join()
    assert stop.best_valid_epoch == 3
    regressor(on_epoch_finished=[stop]).fit(X, Y)  # one after the other is fine


def test_one_that_is_added_while_training_is_told():
    late = Seen()

    def add(net, train_history):
        if len(train_history) == 2:
            net.on_epoch_finished.append(late)

    regressor(on_epoch_finished=[add], max_epochs=4).fit(X, Y)
    assert late.calls == ["started", 3, 4, "finished"]


@pytest.mark.parametrize(
    ("hook", "epochs"),
    [("on_training_started", 0), ("on_batch_finished", 0), ("on_training_finished", 3)],
)
def test_stop_iteration_of_other_hooks_ends_the_training_alone(hook, epochs):
    seen = Seen()
    net = regressor(on_epoch_finished=[seen], **{hook: [stop_after(0)]})
    assert list(net.fit(part, Y) for part in [X]) == [net]  # noqa: C400
    assert len(net.train_history_) == epochs
    assert seen.calls == ["started", *range(1, epochs + 1), "finished"]


class Stops(Callback):
    def on_training_started(self, net, train_history):
        raise StopIteration

    def on_training_finished(self, net, train_history):
        raise StopIteration


def test_stop_iteration_of_a_callbacks_hooks():
    net = regressor(on_epoch_finished=[Stops()]).fit(X, Y)
    assert net.train_history_ == []


@pytest.mark.parametrize("make", [regressor, classifier])
def test_a_history_can_be_written_as_json(make):
    data = rows() if make is regressor else labelled()
    net = make(scores_valid=[("mean", lambda p, y: p[0].mean())]).fit(*data)
    assert json.loads(json.dumps(net.train_history_)) == net.train_history_


def test_scores_may_be_arrays():
    scores = [("off", lambda y, p: abs(y - p).mean(axis=0))]
    net = regressor(custom_scores=scores, batch_iterator_test=None)
    net.batch_iterator_test = type(net.batch_iterator_train)(5)
    net.fit(X, Y)
    _, X_valid, _, y_valid = net.train_split(X, Y, net)
    off = abs(y_valid - net.predict(X_valid)).mean(axis=0)
    np.testing.assert_allclose(net.train_history_[-1]["off"], off, atol=1e-5)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            dict(custom_scores=["dur"]),
            "a name in custom_scores is 'dur'; it must",
        ),
        (dict(custom_scores=["a", "a"]), "a name in custom_scores is 'a'; it must be"),
        (
            dict(custom_scores=["a"], scores_valid=["a"]),
            "a name in scores_valid is 'a'; .* the history has a, dur, epoch",
        ),
    ],
)
def test_two_scores_cannot_have_one_name(names, message):
    scores = {k: [(name, lambda a, b: 1.0) for name in v] for k, v in names.items()}
    with pytest.raises(ArgumentError, match=message):
        regressor(**scores).fit(X, Y)


@pytest.mark.parametrize("name", ["scores_train", "scores_valid"])
def test_an_error_in_a_score_names_it(name):
    def score(p, y):
        return p.sum()  # of a list

    with pytest.raises(ArgumentError, match=r"score 's' raises AttributeError: 'list'"):
        regressor(**{name: [("s", score)]}).fit(X, Y)


@pytest.mark.parametrize("name", ["update", "objective", "objective_loss_function"])
def test_an_error_in_a_function_is_its_own(name):
    def fails(*args, **kwargs):
        raise AttributeError("mine")

    with pytest.raises(AttributeError, match=r"^mine$"):
        regressor(**{name: fails}).fit(X, Y)


def test_a_score_of_both_sets_has_the_value_of_validation(capsys):
    def mean(p, y):
        return y.mean()

    net = regressor(scores_train=[("m", mean)], scores_valid=[("m", mean)], verbose=1)
    net.fit(X, Y)
    _, _, _, y_valid = net.train_split(X, Y, net)
    assert net.train_history_[-1]["m"] == pytest.approx(y_valid.mean(), abs=1e-6)
    assert " m\n" in capsys.readouterr().out  # the last column of the table


@pytest.mark.parametrize("scores", [lambda y, p: 1.0, [lambda y, p: 1.0], ["one"]])
def test_scores_are_pairs(scores):
    with pytest.raises(ArgumentError, match=r"^custom_scores is .* of pairs \(name"):
        regressor(custom_scores=scores).fit(X, Y)


class WithEmpty(BatchIterator):
    """Yields a batch of no rows first."""

    def __iter__(self):
        yield self.X[:0], None if self.y is None else self.y[:0]
        yield from super().__iter__()


def test_a_batch_of_no_rows_does_not_count():
    net = regressor(batch_iterator_test=WithEmpty(5)).seed(0).fit(X, Y)
    expected = regressor(batch_iterator_test=BatchIterator(5)).seed(0).fit(X, Y)
    losses = [[row["valid_loss"] for row in n.train_history_] for n in (net, expected)]
    assert losses[0] == pytest.approx(losses[1])
    np.testing.assert_allclose(net.predict(X), expected.predict(X), atol=1e-6)


def test_callbacks_may_have_any_attribute():
    callbacks = [Mock(), Mock()]
    regressor(on_epoch_finished=callbacks).fit(X, Y)
    assert [callback.call_count for callback in callbacks] == [3, 3]


def test_none_is_no_callback():
    assert listed(None) == []
    net = regressor()
    net.on_epoch_finished = net.on_batch_finished = None
    assert len(net.fit(X, Y, callbacks=None).train_history_) == 3
