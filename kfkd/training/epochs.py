"""An epoch of training: on the device as a whole, or one batch after the other.

An epoch is run by one of two classes with the same results: `OnDevice`, where the data
lie on the device and one call runs through all batches, or `BatchWise`, which hands
over one batch after the other and serves every net.
"""

import collections
import contextlib
import pickle

import numpy as np
from nolearn.lasagne import BatchIterator
from nolearn.lasagne.base import _shuffle_arrays

from kfkd.arguments import check
from kfkd.errors import ArgumentError
from kfkd.process.signals import defer_keyboard_interrupt, raise_held_signal
from kfkd.stack.nolearn_batches import batches, is_plain
from kfkd.stack.nolearn_data import n_samples
from kfkd.training.batches import check_batch_of, explained
from kfkd.training.hooks import listed
from kfkd.training.targets import row_weights
from kfkd.xla.device import free_memory
from kfkd.xla.loop import BatchLoop, NoLoopError
from kfkd.xla.thunk import nonblocking

__all__ = ["BatchWise", "OnDevice", "choose"]

# Batches that may be handed over before the losses of the first of them are there.
_AHEAD = 4


def choose(net, train, valid, orders):
    """Return the way to run epochs: on the device, if that is possible."""
    try:
        return OnDevice(net, train, valid, orders)
    except NoLoopError:
        return BatchWise(net, train, valid, orders)


class BatchWise:
    """Epochs of one batch after the other, as nolearn has them.

    The next batch is prepared and handed over while the device computes.

    Parameters
    ----------
    net : NeuralNet
    train, valid : (X, y)
    orders : (int array, int array)
        The order of the samples of each, which shuffling changes.
    """

    overlaps = False  # whether `start` returns while the device computes

    def __init__(self, net, train, valid, orders):
        self.net, self.train, self.valid, self.orders = net, train, valid, orders

    def is_current(self):
        """Return whether the net can still be trained in this way."""
        return True  # nothing is kept that could change

    def tell(self):
        """Return nothing: iterators of all kinds cannot be turned back."""

    def seek(self, position):
        """Do nothing."""

    def start(self):
        """Train for an epoch and evaluate; return what `finish` takes."""
        net, custom = self.net, [[] for _ in self.net.custom_scores or ()]
        train = self._outputs(
            net.train_iter_,
            "batch_iterator_train",
            self.train,
            self.orders[0],
            listed(net.on_batch_finished),
        )

        def score(Xb, yb):
            y_prob = net.apply_batch_func(net.predict_iter_, Xb)
            y_prob = y_prob[0] if len(y_prob) == 1 else y_prob
            for (name, function), values in zip(net.custom_scores, custom, strict=True):
                values.append(_checked_score(name, function(yb, y_prob)))

        valid = self._outputs(
            net.eval_iter_,
            "batch_iterator_test",
            self.valid,
            self.orders[1],
            (),
            custom and score,
        )
        return train, valid, custom

    def finish(self, started):
        """Return weights and outputs of the batches of both sets, and the scores."""
        return started

    def _checked_batches(self, name, data, order):
        """Yield the batches of an epoch; ArgumentError if the first does not fit."""
        is_first = True
        for batch in _batches(getattr(self.net, name), data, order):
            if is_first:
                check_batch_of(name, self.net, batch)
                is_first = False
            yield batch

    def _outputs(self, function, iterator, data, order, callbacks, score=None):
        """Return weight and outputs of each batch of an iterator, given by its name."""
        net, found, ahead, n_rows = self.net, [], collections.deque(), 0
        batches = self._checked_batches(iterator, data, order)
        with nonblocking(function), contextlib.closing(batches):
            for Xb, yb in batches:
                raise_held_signal()
                with explained(iterator, Xb, yb):
                    outputs = net.apply_batch_func(function, Xb, yb)
                n_rows += n_samples(Xb)
                found.append((row_weights(net, Xb, yb).sum(), outputs))
                ahead.append(outputs)
                if len(ahead) > _AHEAD:
                    np.asarray(ahead.popleft()[0])
                for callback in callbacks:
                    callback(net, net.train_history_)
                if score:
                    score(Xb, yb)
        if n_samples(data[0]) and not n_rows:
            raise ArgumentError(f"{iterator} yields no batches, or empty ones")
        return [(weight, [np.asarray(v) for v in outputs]) for weight, outputs in found]


def _checked_score(name, value):
    """Return a number, or an array of them; ArgumentError for what has no average."""
    is_valid = np.asarray(value).dtype.kind in "fiubc"
    return check(f"custom score {name!r}", value, is_valid, "a number, or an array")


def _batches(iterator, data, order):
    """Return the iterator's batches of an epoch, and keep account of their order."""
    shuffle = is_plain(iterator) and iterator.shuffle
    if shuffle or _is_shuffled(order):
        # Copies, because an iterator shuffles in place, and the data stay as they are.
        data = [_taken(part, order) for part in data]
    if shuffle:
        before = np.random.RandomState()
        before.set_state(iterator.random.get_state())
        _shuffle_arrays([order], before)
    return batches(iterator, *data)


def _is_shuffled(order):
    return bool((np.diff(order) != 1).any())


def _taken(part, order):
    if isinstance(part, dict):
        return {name: values[order] for name, values in part.items()}
    return part[order]


class OnDevice:
    """Epochs of data that lie on the device, each run by two calls.

    Parameters are those of `BatchWise`.

    Raises
    ------
    NoLoopError
        If somebody has to look at each batch, or the data are too large, or batches
        are faster one by one on this device.
    """

    overlaps = True

    def __init__(self, net, train, valid, orders):
        if net.on_batch_finished or net.custom_scores:
            raise NoLoopError("a callback or score needs each batch")
        if type(net).apply_batch_func is not net._apply_batch_func:
            raise NoLoopError("the net has its own way to compute a batch")
        arrays = [*train, *valid]
        if not all(isinstance(array, np.ndarray) for array in arrays):
            raise NoLoopError("the data are not arrays")
        # Half of it is left to the programs.
        if sum(array.nbytes for array in arrays) > free_memory() / 2:
            raise NoLoopError("the data are too large for the device")
        self.net, self.asked = net, self._asked(net)
        self.train, self.valid = (
            _Batches(function, iterator, data, order, row_weights(net, *data))
            for function, iterator, data, order in (
                (net.train_iter_, net.batch_iterator_train, train, orders[0]),
                (net.eval_iter_, net.batch_iterator_test, valid, orders[1]),
            )
        )

    @staticmethod
    def _asked(net):
        """Return what a callback may change so that a new `OnDevice` is needed.

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
        """Return whether the net is as it was when this was made."""
        try:
            return self._asked(self.net) == self.asked
        except NoLoopError:
            return False

    def tell(self):
        """Return where the next epoch begins, in the random numbers and in the data."""
        return [part.tell() for part in (self.train, self.valid)]

    def seek(self, position):
        """Begin the next epoch where `tell` said."""
        for part, earlier in zip((self.train, self.valid), position, strict=True):
            part.seek(earlier)

    def start(self):
        """Hand an epoch over to the device; return what `finish` takes."""
        # The second call is handed over before the losses of the first are there.
        with defer_keyboard_interrupt():
            return self.train.start(), self.valid.start()

    def finish(self, started):
        """Wait for an epoch to end; return what `BatchWise.finish` does."""
        train, valid = started
        return self.train.outputs(train), self.valid.outputs(valid), []


def _state(iterator):
    """Return what a batch iterator is, but for its position in the random numbers."""
    passing = ("X", "y", "random")
    try:
        state = {k: v for k, v in vars(iterator).items() if k not in passing}
        return iterator, pickle.dumps(state)
    except Exception as error:  # pickle raises many things
        raise NoLoopError("the iterator holds what cannot be compared") from error


class _Batches:
    """Batches of data, (X, y), that lie on the device, as a batch iterator has them."""

    def __init__(self, function, iterator, data, order, weights):
        self.iterator, self.order, self.weights = iterator, order, weights
        kind = type(iterator)
        if not is_plain(iterator):
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
        self.ordered = iterator.shuffle or _is_shuffled(order)
        size = iterator.batch_size
        self.loop = BatchLoop(function, data, size, transform, key)
        n = len(data[0])
        self.sizes = [min(size, n - start) for start in range(0, n, size)]
        before = self.tell()
        self.loop.prepare(*self._drawn())
        self.seek(before)  # what that has drawn has not been used

    def tell(self):
        return self.iterator.random.get_state(), self.order.copy()

    def seek(self, position):
        random, self.order[:] = position
        self.iterator.random.set_state(random)

    def start(self):
        """Run through the batches; return their weights and outputs.

        The outputs may not be there yet.
        """
        drawn, order = self._drawn()
        weights = self.weights if order is None else self.weights[order]
        ends = np.cumsum(self.sizes, dtype=int)
        weights = [
            weights[end - n : end].sum()
            for n, end in zip(self.sizes, ends, strict=True)
        ]
        return weights, self.loop(drawn, order)

    def _drawn(self):
        """Draw for an epoch what the iterator would: what is changed, and the order."""
        if self.iterator.shuffle:  # in place, as it does with the arrays
            _shuffle_arrays([self.order], self.iterator.random)
        order = self.order if self.ordered else None
        drawn = None
        if self.draws and self.sizes:
            drawn = np.concatenate([self.iterator.draw(n) for n in self.sizes])
        return drawn, order

    def outputs(self, started):
        """Return the weight and the outputs of each batch."""
        weights, parts = started
        whole, rest = ([np.asarray(v) for v in part or ()] for part in parts)
        rows = list(zip(*whole, strict=True)) + ([tuple(rest)] if rest else [])
        return list(zip(weights, rows, strict=True))
