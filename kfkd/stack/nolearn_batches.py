"""Batches of nolearn's iterators, of data that stay as they are.

An iterator may shuffle what it is given, change batches in place, and keep the data on
itself.  nolearn hands it the caller's arrays, and several threads the same iterator.
"""

import functools
import weakref
from contextlib import closing

import numpy as np

from kfkd.errors import ArgumentError
from kfkd.process.forks import fork_safe_rlock
from kfkd.stack.nolearn_data import copied, each, n_samples, own_copy, without_tables

__all__ = [
    "batches",
    "batches_in_order",
    "input_layers",
    "is_plain",
    "joined",
    "keeps_shapes",
    "makes_batches",
    "patch_batches",
]

_BatchIterator = _InputLayer = None  # nolearn's, once it is patched
_locks = weakref.WeakKeyDictionary()
_lock_of_others = fork_safe_rlock()


def _lock_of(iterator):
    """Return the lock that a thread holds while it takes batches of an iterator."""
    try:
        return _locks.setdefault(iterator, fork_safe_rlock())
    except TypeError:  # not hashable, or without weak references
        return _lock_of_others


def makes_batches(net):
    """Return whether a net's iterators may make batches, and targets, of their own."""
    iterators = (net.batch_iterator_train, net.batch_iterator_test)
    return not all(map(keeps_shapes, iterators))


def input_layers(layers):
    """Return the input layers of ``net.layers_`` by the names that are keys of X."""
    return {
        layer.name or name: layer
        for name, layer in layers.items()
        if isinstance(layer, _InputLayer)
    }


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
    return is_plain(iterator) and (
        kind.transform is _BatchIterator.transform or hasattr(kind, "apply")
    )


def _calls_as_nolearn(iterator):
    """Return whether an iterator is handed data, and shuffles them, as nolearn's is."""
    own = _BatchIterator.__call__
    return isinstance(iterator, _BatchIterator) and type(iterator).__call__ is own


def batches_in_order(iterator, X):
    """Yield an iterator's batches of *X* in the order of its rows, to predict them.

    They are those of a copy, as the iterator itself may be in use.  What it changes on
    itself, but for its data, it keeps.
    """
    kind, plain = type(iterator), _BatchIterator
    if is_plain(iterator) and kind.transform is plain.transform:
        for start in range(0, n_samples(X), iterator.batch_size):
            rows = slice(start, start + iterator.batch_size)
            yield each(lambda v: v[rows], X)  # noqa: B023  (called at once)
        return
    own, before = _shallow_copy(iterator), dict(getattr(iterator, "__dict__", {}))
    X = X if is_plain(iterator) else copied(X)
    if _calls_as_nolearn(iterator):
        own.X, own.y = X, None
        found = own
    else:
        found = own(X)
    yield from (Xb for Xb, _ in found)
    if own is not iterator and before:
        after = {k: v for k, v in vars(own).items() if before.get(k) is not v}
        vars(iterator).update({k: v for k, v in after.items() if k not in ("X", "y")})


def _shallow_copy(iterator):
    """Return another iterator with the same attributes; a function is itself."""
    try:
        own = object.__new__(type(iterator))
    except TypeError:  # of a class in C
        return iterator
    getattr(own, "__dict__", {}).update(getattr(iterator, "__dict__", {}))
    for cls in type(iterator).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            if hasattr(iterator, name) and name not in ("__dict__", "__weakref__"):
                setattr(own, name, getattr(iterator, name))
    return own


def batches(iterator, X, y=None):
    """Yield an iterator's batches of an epoch; data are shuffled if it shuffles.

    Each is taken while no other thread takes one of this iterator.
    """
    lock = _lock_of(iterator)
    if not _calls_as_nolearn(iterator):
        X, y = copied(X), copied(y)  # which it may change
        with lock:  # what it keeps between two batches is not known
            yield from iterator(X, y)
        return
    if iterator.shuffle and not is_plain(iterator):
        X, y = copied(X), copied(y)
    with lock:
        steps = iter(iterator(X, y))
        own = iterator.X, iterator.y
    while True:
        with lock:
            iterator.X, iterator.y = own
            try:
                batch = next(steps)
            except StopIteration:
                return
            finally:
                own = iterator.X, iterator.y
        yield batch


def joined(outputs):
    """Return what is computed batch by batch as one array, or one for each output."""
    found = tuple(np.concatenate(parts) for parts in zip(*outputs, strict=True))
    return found if len(found) > 1 else found[0]


def patch_batches(nolearn):
    """Patch iterators and nets so that they leave the caller's data alone.

    A batch is a copy where it may be changed, and predictions are in the order of the
    rows whatever the iterator does in training.
    """
    global _BatchIterator, _InputLayer
    _InputLayer = nolearn.lasagne.base.InputLayer
    NeuralNet = nolearn.lasagne.NeuralNet
    _BatchIterator = plain = nolearn.lasagne.BatchIterator
    call, iterate, transform = plain.__call__, plain.__iter__, plain.transform
    train_loop = NeuralNet.train_loop

    @functools.wraps(call)
    def call_and_copy(self, X, y=None):
        call(self, X, y)
        if type(self).__iter__ is not plain.__iter__:  # it may change them
            self.X, self.y = copied(self.X), copied(self.y)
        return self

    @functools.wraps(iterate)
    def iterate_over_copies(self):
        if type(self).transform is transform:
            yield from iterate(self)
            return
        size = self.batch_size
        for start in range(0, self.n_samples, size):
            rows = slice(start, start + size)
            Xb, yb = (
                None if v is None else each(lambda a: own_copy(a[rows]), v)  # noqa: B023
                for v in (self.X, self.y)
            )
            yield self.transform(Xb, yb)

    @functools.wraps(train_loop)
    def train_on_copies(self, X, y, epochs=None):
        split_off = getattr(self.train_split, "eval_size", True)
        if self.custom_scores and not split_off:
            raise ArgumentError(
                "custom_scores are computed of samples for validation, of which "
                f"train_split, TrainSplit({split_off}), sets none aside"
            )
        iterator = self.batch_iterator_train
        if not _calls_as_nolearn(iterator) or iterator.shuffle:
            X, y = copied(X), copied(y)
        return train_loop(self, X, y, epochs)

    def predict_proba(self, X):
        X = without_tables(X)
        with closing(batches_in_order(self.batch_iterator_test, X)) as parts:
            return joined(
                [self.apply_batch_func(self.predict_iter_, Xb) for Xb in parts]
            )

    def get_output(self, layer, X):
        layer = self.layers_[layer] if isinstance(layer, str) else layer
        functions = vars(self).setdefault("_get_output_fn_cache", {})
        inputs = input_layers(self.layers_)
        if layer not in functions:
            x = {part: part.input_var.type(key) for key, part in inputs.items()}
            output = nolearn.lasagne.base.get_output(layer, x)
            options = dict(allow_input_downcast=True, on_unused_input="ignore")
            theano = nolearn.lasagne.base.theano
            functions[layer] = theano.function([*x.values()], output, **options)
        found, X = [], without_tables(X)
        with closing(batches_in_order(self.batch_iterator_test, X)) as parts:
            for Xb in parts:
                found.append([self.apply_batch_func(functions[layer], Xb)])
        return joined(found)

    plain.__call__ = call_and_copy
    plain.__iter__ = iterate_over_copies
    NeuralNet.train_loop = train_on_copies
    NeuralNet.predict_proba = predict_proba
    NeuralNet.get_output = get_output
