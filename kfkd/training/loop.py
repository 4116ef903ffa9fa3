"""Training loop with overlapping epochs.

The loop, what it calls and what it writes into ``train_history_`` are those of
``nolearn.lasagne.NeuralNet.train_loop``; for the epochs see
:mod:`kfkd.training.epochs`.

Unless a callback needs to look in between, the device gets an epoch before the host has
the losses of the one before it, so that the device never waits.  How a callback says
that it does not: see :mod:`kfkd.callbacks.base`.
"""

import contextlib
import time

import numpy as np
from nolearn.lasagne import TrainSplit

from kfkd.errors import DataError, DivergedError
from kfkd.messages import count
from kfkd.process.signals import defer_keyboard_interrupt, raise_held_signal
from kfkd.stack.nolearn_data import n_samples
from kfkd.training import epochs
from kfkd.training.compiled import trained_variables
from kfkd.training.divergence import explain
from kfkd.training.hooks import listed
from kfkd.training.split import split
from kfkd.xla.shared_variables import restore, snapshot

__all__ = ["TrainingLoop"]


def _runs_last(callback):
    return bool(getattr(callback, "runs_last", False))


class TrainingLoop:
    """The training of a net: its epochs, and the callbacks that go with them.

    Parameters
    ----------
    net : kfkd.estimator.NeuralNet
        Initialized.
    X, y : arrays
        As for its ``fit``.
    n_epochs : int
        How many epochs it lasts, unless a callback raises StopIteration.
    printers, callbacks : sequence of callables
        Called before those in ``net.on_epoch_finished``.

    Attributes
    ----------
    data, train, valid : (X, y)
        All data, and what ``net.train_split`` has made of them.
    first, last : int
        How many epochs have been trained when it starts, and when it ends.
    orders : (int array, int array)
        The order of the samples of `train` and `valid`, which shuffling changes.
    stopped : bool
        Whether a callback has ended it.
    """

    def __init__(self, net, X, y, n_epochs, printers=(), callbacks=()):
        self.net, self.data = net, (X, y)
        self._printers, self._further_callbacks = printers, callbacks
        _check_length(net.train_split, X)
        self.train, self.valid = split(net, X, y)
        self.first = len(net.train_history_)
        self.last = self.first + n_epochs
        self.orders = tuple(
            np.arange(n_samples(X)) for X, _ in (self.train, self.valid)
        )
        self.stopped = False
        self._next = None  # the epoch that was started before its turn
        self._started = []  # callbacks

    @property
    def callbacks(self):
        """The callbacks after an epoch, in the order of their calls."""
        callbacks = [
            *self._printers,
            *self._further_callbacks,
            *listed(self.net.on_epoch_finished),
        ]
        # One with hooks that stands in several lists looks at each epoch once.
        unique = {
            id(c) if hasattr(c, "set_loop") else place: c
            for place, c in enumerate(callbacks)
        }
        return sorted(
            unique.values(), key=lambda c: bool(getattr(c, "runs_last", False))
        )

    def run(self):
        """Train, and call the hooks; a DivergedError if a loss is not finite."""
        try:
            self._start_callbacks()
            self._run_epochs()
        except StopIteration:  # from a hook at the start or the end
            self.stopped = True
        finally:
            with (
                defer_keyboard_interrupt(),  # which would leave what they save undone
                contextlib.ExitStack() as stack,  # calls all, if one raises, too
            ):
                for callback in reversed(self._started):
                    stack.callback(self._call_hook, callback, "set_loop", None)
                    stack.callback(self._finish_callback, callback)

    def _start_callbacks(self):
        """Tell callbacks that training starts, also those that are added later."""
        # Printers start last, as others may resume an earlier training.
        for callback in sorted(self.callbacks, key=lambda c: c in self._printers):
            if not any(callback is started for started in self._started):
                self._call_hook(callback, "set_loop", self)
                self._started.append(callback)
                self._call_hook(callback, "on_training_started", *self._arguments)

    def _finish_callback(self, callback):
        with contextlib.suppress(StopIteration):
            self._call_hook(callback, "on_training_finished", *self._arguments)

    @property
    def _arguments(self):
        """The arguments of callbacks."""
        return self.net, self.net.train_history_

    def _call_hook(self, callback, hook, *args):
        method = getattr(callback, hook, None)
        if method is not None:
            method(*args)

    def _run_epochs(self):
        """Train from the epoch that the net's history has come to."""
        for callback in listed(self.net.on_training_started):
            callback(*self._arguments)
        self._way = self._choose()
        history = self.net.train_history_
        self._best = {
            name: _lowest([row.get(name, np.nan) for row in history])
            for name in ("train_loss", "valid_loss")
        }
        self._ended = time.time()
        for number in range(len(history) + 1, self.last + 1):
            self._start_callbacks()
            try:
                raise_held_signal()
                epoch, self._next = self._next or self._start(), None
                if self._can_overlap(number):
                    with defer_keyboard_interrupt():
                        self._next = self._start()
                self._finish(epoch)
            except BaseException as error:
                with defer_keyboard_interrupt():
                    self._rollback()
                if not isinstance(error, StopIteration):
                    raise
                self.stopped = True
                break
        for callback in listed(self.net.on_training_finished):
            callback(*self._arguments)

    def snapshot(self, variables):
        """Return copies of the values that variables have after the latest epoch.

        That is the last of the history, even if the next is under way.
        """
        before = self._next.before if self._next else {}
        others = [variable for variable in variables if variable not in before]
        values = before | dict(zip(others, snapshot(others), strict=True))
        return [values[variable] for variable in variables]

    def _can_overlap(self, number):
        """Return whether the next epoch can start before this one has ended.

        If so, the callbacks have changed what they change after this one.
        """
        callbacks = self.callbacks
        return (
            self._way.overlaps
            and number < self.last
            and all(getattr(c, "supports_overlap", False) for c in callbacks)
            and all(c.before_next_epoch(self.net, number) for c in callbacks)
        )

    def _start(self):
        self.net.initialize()  # a callback may have changed a parameter
        if not self._way.is_current():
            self._way = self._choose()
        return _Epoch(self.net, self._way)

    def _finish(self, epoch):
        """Wait for an epoch to end, add it to the history and call the callbacks."""
        row = _summary(self.net, self._best, *epoch.way.finish(epoch.started))
        losses = [row["train_loss"]]
        if n_samples(self.valid[0]):
            losses.append(row["valid_loss"])
        if not np.isfinite(losses).all():
            message = explain(self.net, self.data, row)  # before the rate is restored
            self._rollback()
            epoch.rollback()
            raise DivergedError(message)
        now = time.time()
        duration = now - max(epoch.time, self._ended)
        self._ended = now
        self.net.train_history_.append(row | {"dur": duration})
        for callback in self.callbacks:
            callback(*self._arguments)

    def _rollback(self):
        """Undo the epoch that was started before its turn."""
        if self._next is not None:
            self._next.rollback()
            self._next = None

    def _choose(self):
        return epochs.choose(self.net, self.train, self.valid, self.orders)


class _Epoch:
    """An epoch that has been started, and the state from before, to be restored.

    `started` is what ``way.finish`` takes, `before` maps the shared variables to copies
    of the values that they had.
    """

    def __init__(self, net, way):
        self.way, self.time = way, time.time()
        variables = trained_variables(net)
        self.before = dict(zip(variables, snapshot(variables), strict=True))
        self._position = way.tell()
        self.started = way.start()

    def rollback(self):
        """Restore what was before; batches that were drawn one by one stay drawn."""
        restore(self.before, self.before.values())
        self.way.seek(self._position)


def _check_length(split, X):
    """Raise DataError for too few samples to set the share for validation aside."""
    share = getattr(split, "eval_size", None)
    if isinstance(split, TrainSplit) and share and n_samples(X) < round(1 / share):
        raise DataError(
            f"X has only {count(n_samples(X), 'sample')} to train on; to set {share:g} "
            f"of them aside for validation, {round(1 / share)} are needed "
            "(train_split=TrainSplit(eval_size=0) does without)"
        )


def _lowest(losses):
    """Return the lowest of losses, of which some may be nan."""
    return min((loss for loss in losses if not np.isnan(loss)), default=np.inf)


def _summary(net, best, train, valid, custom):
    """Return the row of the history, but for the epoch's duration.

    `best` holds the lowest losses so far, and is updated.  `train` and `valid` hold for
    each batch its weight and the outputs of the function, `custom` for each of the
    net's ``custom_scores`` its values for the batches of `valid`.
    """
    weights = [weight for weight, _ in valid]
    train_loss, *scores_train = _averages(train)
    valid_loss, accuracy, *scores_valid = _averages(valid) or [np.nan, np.nan]
    for name, loss in (("train_loss", train_loss), ("valid_loss", valid_loss)):
        if loss < best[name]:
            best[name] = loss
    row = {
        "epoch": len(net.train_history_) + 1,
        "train_loss": train_loss,
        "train_loss_best": bool(best["train_loss"] == train_loss),
        "valid_loss": valid_loss,
        "valid_loss_best": bool(best["valid_loss"] == valid_loss) if valid else np.nan,
        "valid_accuracy": accuracy,
    }
    names = [*(net.custom_scores or ()), *net.scores_train, *net.scores_valid]
    values = [
        np.average(value, axis=0, weights=weights) if weights else np.nan
        for value in custom
    ]
    values += [*scores_train, *scores_valid]
    return row | {name: v for (name, _), v in zip(names, values, strict=False)}


def _averages(batches):
    """Return the weighted mean of each output over batches."""
    batches = [(weight, outputs) for weight, outputs in batches if weight]
    weights = [weight for weight, _ in batches]
    columns = zip(*(outputs for _, outputs in batches), strict=True)
    return [
        np.average([np.mean(value) for value in column], weights=weights)
        for column in columns
    ]
