"""Batches of nolearn's iterators, of data that stay as they are.

An iterator may shuffle what it is given, change batches in place, and keep the data on
itself.  nolearn hands it the caller's arrays, and several threads the same iterator.
"""

import copy
import functools
import threading
import weakref

import numpy as np
from sklearn.utils.multiclass import type_of_target

__all__ = [
    "batches",
    "batches_in_order",
    "is_plain",
    "keeps_shapes",
    "n_samples",
    "patch_batches",
]

_BatchIterator = None  # nolearn's, once it is patched
_locks = weakref.WeakKeyDictionary()
_lock_of_others = threading.RLock()


def _lock_of(iterator):
    """Return the lock that a thread holds while it takes batches of an iterator."""
    try:
        return _locks.setdefault(iterator, threading.RLock())
    except TypeError:  # not hashable, or without weak references
        return _lock_of_others


def n_samples(X):
    """Return the number of samples in an array, or in a dict of arrays."""
    return len(next(iter(X.values())) if isinstance(X, dict) else X)


def _own(values):
    """Return a copy in memory of an array, or of a sequence of another kind."""
    return np.array(values) if isinstance(values, np.ndarray) else copy.copy(values)


def _each(function, data):
    """Apply a function to an array, or to those in a dict."""
    if isinstance(data, dict):
        return {name: function(values) for name, values in data.items()}
    return function(data)


def _copied(data):
    """Return data that an iterator may write to.

    Files that are mapped into memory are as their owner has opened them: there may be
    no room for a copy.
    """
    return _each(
        lambda v: v.copy() if type(v) is np.ndarray else v,  # None, or a memmap
        data,
    )


def _are_labels(y):
    return type_of_target(y) in ("binary", "multiclass")


def is_plain(iterator):
    """Return whether the batches are taken and shuffled as nolearn does it."""
    kind, plain = type(iterator), _BatchIterator
    return (
        isinstance(iterator, plain)
        and kind.__call__ is plain.__call__
        and kind.__iter__ is plain.__iter__
    )


def keeps_shapes(iterator):
    """Return whether batches surely have the shapes of the data."""
    kind = type(iterator)
    as_given = kind.transform is _BatchIterator.transform or hasattr(kind, "apply")
    return is_plain(iterator) and as_given


def batches(iterator, X, y):
    """Yield an iterator's batches of an epoch; data are shuffled if it shuffles."""
    if not is_plain(iterator):  # it may change them itself
        X, y = _copied(X), _copied(y)
    with _lock_of(iterator):
        yield from iterator(X, y)


def batches_in_order(iterator, X):
    """Yield an iterator's batches of *X* in the order of its rows, to predict them."""
    kind, plain = type(iterator), _BatchIterator
    if is_plain(iterator) and kind.transform is plain.transform:
        for start in range(0, n_samples(X), iterator.batch_size):
            rows = slice(start, start + iterator.batch_size)
            yield _each(lambda v: v[rows], X)  # noqa: B023  (called at once)
        return
    if not is_plain(iterator):
        X = _copied(X)
    with _lock_of(iterator):
        if not isinstance(iterator, plain) or kind.__call__ is not plain.__call__:
            yield from (Xb for Xb, _ in iterator(X))
            return
        before = vars(iterator).copy()
        iterator.X, iterator.y = X, None  # as __call__ does, without shuffling
        try:
            yield from (Xb for Xb, _ in iterator)
        finally:
            for name in ("X", "y"):
                if name in before:
                    setattr(iterator, name, before[name])
                else:
                    delattr(iterator, name)


def patch_batches(nolearn):
    """Patch iterators, splits and nets so that they leave the caller's data alone.

    A batch is a copy where it may be changed, a shuffled split is one of copies, and
    predictions are in the order of the rows whatever the iterator does in training.
    """
    global _BatchIterator
    NeuralNet, TrainSplit = nolearn.lasagne.NeuralNet, nolearn.lasagne.TrainSplit
    _BatchIterator = plain = nolearn.lasagne.BatchIterator
    iterate, transform = plain.__iter__, plain.transform
    split, train_loop = TrainSplit.__call__, NeuralNet.train_loop

    @functools.wraps(iterate)
    def iterate_over_copies(self):
        if type(self).transform is transform:
            yield from iterate(self)
            return
        size = self.batch_size
        for start in range(0, self.n_samples, size):
            rows = slice(start, start + size)
            Xb, yb = (
                None if v is None else _each(lambda a: _own(a[rows]), v)  # noqa: B023
                for v in (self.X, self.y)
            )
            yield self.transform(Xb, yb)

    @functools.wraps(split)
    def split_copies(self, X, y, net):
        if self.shuffle:
            X, y = _each(_own, X), _each(_own, y)
        if (
            self.eval_size
            and self.stratify
            and not net.regression
            and not _are_labels(y)
        ):
            self = copy.copy(self)
            self.stratify = False  # which takes labels
        return split(self, X, y, net)

    @functools.wraps(train_loop)
    def train_on_copies(self, X, y, epochs=None):
        iterator = self.batch_iterator_train
        if not is_plain(iterator) or iterator.shuffle:
            X, y = _copied(X), _copied(y)
        return train_loop(self, X, y, epochs)

    def predict_proba(self, X):
        outputs = [
            self.apply_batch_func(self.predict_iter_, Xb)
            for Xb in batches_in_order(self.batch_iterator_test, X)
        ]
        found = tuple(np.vstack(parts) for parts in zip(*outputs, strict=True))
        return found if len(found) > 1 else found[0]

    def get_output(self, layer, X):
        layer = self.layers_[layer] if isinstance(layer, str) else layer
        functions = vars(self).setdefault("_get_output_fn_cache", {})
        if layer not in functions:
            x = self.layers_[0].input_var.type()
            output = nolearn.lasagne.base.get_output(layer, x)
            functions[layer] = nolearn.lasagne.base.theano.function(
                [x], output, allow_input_downcast=True
            )
        found = map(functions[layer], batches_in_order(self.batch_iterator_test, X))
        return np.vstack(list(found))

    plain.__iter__ = iterate_over_copies
    TrainSplit.__call__ = split_copies
    NeuralNet.train_loop = train_on_copies
    NeuralNet.predict_proba = predict_proba
    NeuralNet.get_output = get_output
