"""nolearn's training loop, whose epochs run as fast as the device allows.

The loop, what it calls and what it writes into ``train_history_`` are those of
``nolearn.lasagne.NeuralNet.train_loop``; for the epochs see :mod:`kfkd.epochs`.
"""

import time

import numpy as np
from nolearn.lasagne import TrainSplit

from kfkd import epochs
from kfkd.data import DataError
from kfkd.epochs import listed
from kfkd.xla.storage import restore, snapshot

__all__ = ["DivergedError", "Run"]


class DivergedError(FloatingPointError):
    """A loss is not finite any more; the net has the weights from before that."""


class Run:
    """One training of a net.

    Parameters
    ----------
    net : kfkd.estimator.NeuralNet
        Initialized.
    X, y : arrays
        As for its ``fit``.
    n_epochs : int
        How many it is to last, unless a callback raises StopIteration.

    Attributes
    ----------
    data : (X, y)
    train, valid : (X, y)
        What ``net.train_split`` has made of the data.
    first, last : int
        The epoch after which it starts, and that with which it ends.
    orders : (int array, int array)
        The order in which the samples of each are, where they are shuffled.
    stopped : bool
        Whether a callback has ended it.
    """

    def __init__(self, net, X, y, n_epochs):
        self.net, self.data = net, (X, y)
        _check_length(net.train_split, X)
        X_train, X_valid, y_train, y_valid = net.train_split(X, y, net)
        self.train, self.valid = (X_train, y_train), (X_valid, y_valid)
        self.first = len(net.train_history_)
        self.last = self.first + n_epochs
        self.orders = tuple(np.arange(_length(X)) for X, _ in (self.train, self.valid))
        self.stopped = False

    def loop(self):
        """Train, from the epoch that the net's history has come to.

        Raises
        ------
        DivergedError
            If a loss is not finite.
        """
        net = self.net
        for callback in listed(net.on_training_started):
            callback(net, net.train_history_)
        way = self._choose()
        best = {
            name: min([row[name] for row in net.train_history_], default=np.inf)
            for name in ("train_loss", "valid_loss")
        }
        for _ in range(self.last - len(net.train_history_)):
            start = time.time()
            if not way.is_current():
                way = self._choose()
            good = snapshot(net.get_all_params())
            row = _summary(net, best, *way.run())
            if not self._is_finite(row):
                restore(net.get_all_params(), good)
                raise DivergedError(self._advice(row))
            net.train_history_.append(row | {"dur": time.time() - start})
            try:
                for callback in listed(net.on_epoch_finished):
                    callback(net, net.train_history_)
            except StopIteration:
                self.stopped = True
                break
        for callback in listed(net.on_training_finished):
            callback(net, net.train_history_)

    def _is_finite(self, row):
        losses = [row["train_loss"], row["valid_loss"]]
        return np.isfinite(losses if _length(self.valid[0]) else losses[:1]).all()

    def _advice(self, row):
        """Say what may have gone wrong."""
        rate = getattr(self.net, "update_learning_rate", None)
        rate = rate.get_value() if hasattr(rate, "get_value") else rate
        text = (
            f"In epoch {row['epoch']}, the loss has become {row['train_loss']} "
            f"(validation: {row['valid_loss']}). The net has the weights from before "
            "that epoch. Try a smaller update_learning_rate"
            + (f"; it was {rate:g}" if isinstance(rate, (float, np.ndarray)) else "")
        )
        for name, part in zip("Xy", self.data, strict=True):
            if isinstance(part, np.ndarray) and part.dtype.kind == "f":
                largest = np.abs(part).reshape(len(part), -1).max(axis=1)
                row, usual = largest.argmax(), np.median(largest)
                if largest[row] > 100 * usual:
                    text += (
                        f". Row {row} of {name} has values up to {largest[row]:g}, "
                        f"where {usual:g} is usual"
                    )
        return text

    def _choose(self):
        return epochs.choose(self.net, self.train, self.valid, self.orders)


def _check_length(split, X):
    """Complain if there are too few samples to set the share for validation aside."""
    share = getattr(split, "eval_size", None)
    if isinstance(split, TrainSplit) and share and _length(X) < round(1 / share):
        raise DataError(
            f"there are only {_length(X)} samples to train on; to set {share:g} of "
            f"them aside for validation, {round(1 / share)} are needed "
            "(train_split=TrainSplit(eval_size=0) does without)"
        )


def _length(X):
    return len(next(iter(X.values())) if isinstance(X, dict) else X)


def _summary(net, best, train, valid, custom):
    """Return the row of the history, but for the epoch's duration.

    Parameters
    ----------
    net : NeuralNet
    best : dict
        The lowest losses so far, which are brought up to date.
    train, valid : lists of (int, list)
        For each batch its size and the outputs of the function for it.
    custom : list of list of float
        For each of ``custom_scores`` its value for each batch of `valid`.
    """
    sizes = [n for n, _ in valid]
    train_loss, *scores_train = _averages(train)
    valid_loss, accuracy, *scores_valid = _averages(valid) or [np.nan, np.nan]
    for name, loss in (("train_loss", train_loss), ("valid_loss", valid_loss)):
        if loss < best[name]:
            best[name] = loss
    row = {
        "epoch": len(net.train_history_) + 1,
        "train_loss": train_loss,
        "train_loss_best": best["train_loss"] == train_loss,
        "valid_loss": valid_loss,
        "valid_loss_best": best["valid_loss"] == valid_loss if valid else np.nan,
        "valid_accuracy": accuracy,
    }
    names = [*(net.custom_scores or ()), *net.scores_train, *net.scores_valid]
    values = [np.average(value, weights=sizes) for value in custom]
    values += [*scores_train, *scores_valid]
    return row | {name: v for (name, _), v in zip(names, values, strict=False)}


def _averages(batches):
    """Return the mean of each output over batches, weighted by their sizes."""
    sizes = [n for n, _ in batches]
    columns = zip(*(outputs for _, outputs in batches), strict=True)
    return [
        np.average([np.mean(value) for value in column], weights=sizes)
        for column in columns
    ]
