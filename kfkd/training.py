"""nolearn's training loop, with whole epochs on the device where that is possible.

The loop, what it calls and what it writes into ``train_history_`` are those of
``nolearn.lasagne.NeuralNet.train_loop``.  An epoch is run by one of two classes with
the same results: `OnDevice`, where the data lie on the device and one call runs
through all batches, or `BatchWise`, which hands over one batch after the other and
serves every net.
"""

import collections
import pickle
import time

import numpy as np
from nolearn.lasagne import BatchIterator
from nolearn.lasagne.base import _shuffle_arrays

from kfkd._signals import ctrl_c_held_back
from kfkd.xla.device import free_memory
from kfkd.xla.loop import BatchLoop, NoLoopError, unread

__all__ = ["BatchWise", "OnDevice", "run"]

# Batches that may be handed over before the losses of the first of them are there.
_AHEAD = 4


def run(net, X, y, epochs):
    """Train for a number of epochs, or until a callback raises StopIteration.

    Parameters
    ----------
    net : kfkd.estimator.NeuralNet
        Initialized.
    X, y : arrays
        As for its ``fit``.
    epochs : int
    """
    X_train, X_valid, y_train, y_valid = net.train_split(X, y, net)
    data = (X_train, y_train), (X_valid, y_valid)
    for callback in _listed(net.on_training_started):
        callback(net, net.train_history_)
    way = _choose(net, *data)
    best = {
        name: min([row[name] for row in net.train_history_], default=np.inf)
        for name in ("train_loss", "valid_loss")
    }
    for _ in range(epochs):
        start = time.time()
        if not way.is_current():
            way = _choose(net, *data)
        row = _summary(net, best, *way.run())
        net.train_history_.append(row | {"dur": time.time() - start})
        try:
            for callback in _listed(net.on_epoch_finished):
                callback(net, net.train_history_)
        except StopIteration:
            break
    for callback in _listed(net.on_training_finished):
        callback(net, net.train_history_)


def _choose(net, train, valid):
    """Return the way to run epochs: on the device, if that is possible."""
    try:
        return OnDevice(net, train, valid)
    except NoLoopError:
        return BatchWise(net, train, valid)


def _listed(callbacks):
    return callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]


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


class BatchWise:
    """Epochs of one batch after the other, as nolearn has them.

    The next batch is prepared and handed over while the device computes.

    Parameters
    ----------
    net : NeuralNet
    train, valid : (X, y)
    """

    def __init__(self, net, train, valid):
        self.net, self.train, self.valid = net, train, valid

    def is_current(self):
        """Tell whether this is still the way: nothing is kept that could change."""
        return True

    def run(self):
        """Train for an epoch and evaluate; return what `_summary` takes."""
        net, custom = self.net, [[] for _ in self.net.custom_scores or ()]
        train = self._outputs(
            net.train_iter_,
            net.batch_iterator_train(*self.train),
            _listed(net.on_batch_finished),
        )

        def score(Xb, yb):
            y_prob = net.apply_batch_func(net.predict_iter_, Xb)
            y_prob = y_prob[0] if len(y_prob) == 1 else y_prob
            for (_, function), values in zip(net.custom_scores, custom, strict=True):
                values.append(function(yb, y_prob))

        valid = self._outputs(
            net.eval_iter_, net.batch_iterator_test(*self.valid), (), custom and score
        )
        return train, valid, custom

    def _outputs(self, function, batches, callbacks, score=None):
        """Return the size and the outputs of each batch."""
        net, found, ahead = self.net, [], collections.deque()
        with unread(function):
            for Xb, yb in batches:
                outputs = net.apply_batch_func(function, Xb, yb)
                size = len(next(iter(Xb.values())) if isinstance(Xb, dict) else Xb)
                found.append((size, outputs))
                ahead.append(outputs)
                if len(ahead) > _AHEAD:
                    np.asarray(ahead.popleft()[0])
                for callback in callbacks:
                    callback(net, net.train_history_)
                if score:
                    score(Xb, yb)
        return [(size, [np.asarray(v) for v in outputs]) for size, outputs in found]


class OnDevice:
    """Epochs of data that lie on the device, each run by two calls.

    Parameters
    ----------
    net : NeuralNet
    train, valid : (X, y)

    Raises
    ------
    NoLoopError
        If somebody has to look at each batch, or the data are too large, or batches
        are faster one by one on this device.
    """

    def __init__(self, net, train, valid):
        if net.on_batch_finished or net.custom_scores:
            raise NoLoopError("somebody wants to see each batch")
        if type(net).apply_batch_func is not net._apply_batch_func:
            raise NoLoopError("the net has its own way to compute a batch")
        arrays = [*train, *valid]
        if not all(isinstance(array, np.ndarray) for array in arrays):
            raise NoLoopError("the data are no arrays")
        # Half of it is left to the programs.
        if sum(array.nbytes for array in arrays) > free_memory() / 2:
            raise NoLoopError("the data are too large for the device")
        self.net, self.asked = net, self._asked(net)
        self.train = _Batches(net.train_iter_, net.batch_iterator_train, train)
        self.valid = _Batches(net.eval_iter_, net.batch_iterator_test, valid)

    @staticmethod
    def _asked(net):
        """Return what a callback may change, so that epochs are to be run in a new way.

        Such as the size of a batch, which can grow from epoch to epoch.
        """
        return (
            net.train_iter_,
            net.eval_iter_,
            bool(net.on_batch_finished or net.custom_scores),
            _state(net.batch_iterator_train),
            _state(net.batch_iterator_test),
        )

    def is_current(self):
        """Tell whether the net still asks for what it did when this was made."""
        try:
            return self._asked(self.net) == self.asked
        except NoLoopError:
            return False

    def run(self):
        """Train for an epoch and evaluate; return what `_summary` takes."""
        # The second call is handed over before the losses of the first are there.
        with ctrl_c_held_back():
            train, valid = self.train.start(), self.valid.start()
        return self.train.outputs(train), self.valid.outputs(valid), []


def _state(iterator):
    """Return what a batch iterator is, but for its position in the random numbers.

    Raises
    ------
    NoLoopError
        If it holds what cannot be compared.
    """
    passing = ("X", "y", "random")
    try:
        state = {k: v for k, v in vars(iterator).items() if k not in passing}
        return iterator, pickle.dumps(state)
    except Exception as error:  # pickle raises many things
        raise NoLoopError("the iterator holds what cannot be compared") from error


class _Batches:
    """What a batch iterator makes of data that lie on the device.

    Parameters
    ----------
    function : theano.compile.function.types.Function
    iterator : nolearn.lasagne.BatchIterator
    data : (X, y)
    """

    def __init__(self, function, iterator, data):
        self.iterator, self.length = iterator, len(data[0])
        kind = type(iterator)
        if (
            kind.__call__ is not BatchIterator.__call__
            or kind.__iter__ is not BatchIterator.__iter__
        ):
            raise NoLoopError("the iterator makes batches of its own")
        if not {"batch_size", "shuffle", "random"} <= vars(iterator).keys():
            raise NoLoopError("the iterator lacks what BatchIterator has")
        transform = key = None
        if kind.transform is not BatchIterator.transform:
            # The class that says how a batch is transformed must say it for both.
            owner = next(c for c in kind.__mro__ if "transform" in vars(c))
            if "apply" not in vars(owner) or "draw" not in vars(owner):
                raise NoLoopError("the iterator transforms batches in its own way")
            transform = iterator.apply
            key = kind, _state(iterator)[1]
        self.draws = transform is not None
        size = iterator.batch_size
        self.loop = BatchLoop(function, data, size, transform, key)
        self.sizes = [
            min(size, self.length - start) for start in range(0, self.length, size)
        ]
        before = iterator.random.get_state()
        self._begin()
        self.loop.prepare(*self._drawn())
        # What that has drawn has not been used.
        iterator.random.set_state(before)
        self._begin()

    def _begin(self):
        self.order = np.arange(self.length) if self.iterator.shuffle else None

    def start(self):
        """Run through the batches; return their outputs, which may not be there yet."""
        return self.loop(*self._drawn())

    def _drawn(self):
        """Draw for an epoch what the iterator would: what is changed, and the order."""
        if self.order is not None:  # in place, as it does with the arrays
            _shuffle_arrays([self.order], self.iterator.random)
        drawn = None
        if self.draws and self.sizes:
            drawn = np.concatenate([self.iterator.draw(n) for n in self.sizes])
        return drawn, self.order

    def outputs(self, started):
        """Return the size and the outputs of each batch."""
        whole, rest = ([np.asarray(v) for v in part or ()] for part in started)
        rows = list(zip(*whole, strict=True)) + ([tuple(rest)] if rest else [])
        return list(zip(self.sizes, rows, strict=True))
