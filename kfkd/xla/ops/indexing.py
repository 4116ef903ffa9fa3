"""Indexing: parts of arrays are taken, set or increased."""

import contextlib

import jax.numpy as jnp
import numpy as np
from jax import lax
from theano.tensor import subtensor as ts
from theano.tensor.type_other import MakeSlice

from kfkd.xla.counts import SizeVector, number_of
from kfkd.xla.dispatch import (
    NotStatic,
    as_dtype,
    convert,
    is_static,
    specialize_on,
    static_value,
)
from kfkd.xla.ops.computed_slices import part_taken, part_written
from kfkd.xla.ops.masks import out_of_bounds, selected, write_at, write_selected
from kfkd.xla.ops.padded_advanced_indexing import at_indices, with_indices
from kfkd.xla.ops.padded_basic_indexing import part, varies, with_part
from kfkd.xla.padded import PaddedArray
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.symbolic import NotPaddable


def _bounds(entry):
    return entry.start, entry.stop, entry.step


def _static_slice(entry):
    return slice(*(None if b is None else int(static_value(b)) for b in _bounds(entry)))


def _index(entry, length):
    """Return an index along an axis of *length*, checked to be in bounds."""
    if isinstance(entry, slice):
        part = _static_slice(entry)
        # One entry at most is taken; older releases of JAX want steps that are int32.
        if part.step and abs(part.step) > length > 0:
            step = length if part.step > 0 else -length
            return slice(part.start, part.stop, step)
        return part
    entry = np.asarray(entry) if is_static(entry) else entry
    if length == 0 and entry.size:
        raise out_of_bounds(0)
    if entry.dtype.kind != "u":
        # JAX clamps what is out of range, and takes -1 only of signed numbers.
        runtime_assert(entry >= -length, out_of_bounds(length))
    runtime_assert(entry < length, out_of_bounds(length))
    return entry


def _count(start, stop, step, length):
    """Return how many entries a slice takes of an axis of *length*, and its step."""
    bounds = (None if b is None else int(b) for b in (start, stop, step))
    found = range(length)[slice(*bounds)]
    return len(found), found.step


def _moving(entry, length):
    """Return the start and size of a slice's window, and the slice within it.

    The program is specialized on the number of entries, not on where they are.
    """
    start, stop, step = _bounds(entry)
    count, step = specialize_on(
        _count,
        start,
        stop,
        step,
        length,
        host_only=True,
        places=[] if is_static(stop) else [start],
    )
    size = (count - 1) * abs(step) + 1 if count else 0
    first = 0 if step > 0 else length - 1
    start = jnp.asarray(first if entry.start is None else entry.start, "int64")
    start = jnp.where(start < 0, start + length, start)
    start = jnp.clip(start, 0, length if step > 0 else length - 1)
    return start if step > 0 else start - (size - 1), size, slice(None, None, step)


class _Part:
    """The part of an array that a node with an idx_list takes or writes."""

    def __init__(self, op, x, values):
        self.x = jnp.asarray(x)
        self.begin, self.shape = [np.int64(0)] * x.ndim, list(x.shape)
        self.moves, index = False, []
        for i, entry in enumerate(ts.get_idx_list([x, *values], op.idx_list)):
            if isinstance(entry, slice) and not all(map(is_static, _bounds(entry))):
                self.begin[i], self.shape[i], entry = _moving(entry, x.shape[i])
                self.moves = True
            index.append(_index(entry, x.shape[i]))
        self.index = tuple(index)

    def _window(self):
        if not self.moves:
            return self.x
        return lax.dynamic_slice(self.x, self.begin, self.shape)

    def taken(self):
        return self._window()[self.index]

    def written(self, op, y):
        window = _written(op, self._window(), self.index, y)
        if not self.moves:
            return window
        return lax.dynamic_update_slice(self.x, window, self.begin)


def _advanced(x, entries, host_only=False):
    """Return the index tuple of advanced indexing; `host_only` as of `static_value`."""
    lengths, index = list(x.shape), []
    if any(isinstance(entry, PaddedArray) for entry in entries):
        raise NotStatic
    for entry in entries:
        if entry is None:
            index.append(None)
        elif not isinstance(entry, slice) and entry.dtype.kind == "b":
            mask = static_value(entry, host_only)
            if mask.shape != tuple(lengths[: mask.ndim]):
                raise IndexError(
                    f"a mask of shape {mask.shape} does not fit dimensions of shape "
                    f"{tuple(lengths[: mask.ndim])}"
                )
            index.append(mask)
            del lengths[: mask.ndim]
        else:
            index.append(_index(entry, lengths.pop(0)))
    return tuple(index)


def _block(x, index):
    """Return start, shape and reversed axes of the block of *x* that an index selects.

    Return None if the index does not select a block.
    """
    if not all(isinstance(entry, slice) for entry in index):
        return None
    index = (*index, *[slice(None)] * (x.ndim - len(index)))
    found = [range(n)[entry] for n, entry in zip(x.shape, index, strict=True)]
    if not all(found) or any(abs(f.step) != 1 for f in found):
        return None
    axes = [axis for axis, f in enumerate(found) if f.step < 0]
    return [min(f) for f in found], [len(f) for f in found], axes


def _written(op, x, index, y):
    x, y = jnp.asarray(x), as_dtype(y, x.dtype)
    block = _block(x, index)
    if block:
        # Not a scatter: those of constants take XLA's compiler long, and it ends the
        # process when one over all of an array is reversed.
        start, shape, axes = block
        y = jnp.flip(jnp.broadcast_to(y, shape), axes)
        if not op.set_instead_of_inc:
            old = lax.dynamic_slice(x, start, shape)
            y = old | y if x.dtype == bool else old + y
        return y if y.shape == x.shape else lax.dynamic_update_slice(x, y, start)
    return write_at(op, x, index, y)


def _of_sizes(sizes, entry):
    """Return one of the sizes of a vector, or some of them."""
    if isinstance(entry, slice):
        known = (None if b is None else int(b) for b in _bounds(entry))
        return SizeVector(sizes[slice(*known)])
    i, n = int(entry), len(sizes)
    if not -n <= i < n:
        raise out_of_bounds(n)
    return sizes[i]


@convert.register(ts.Subtensor, takes_padded=True, takes_counts=True)
def convert_subtensor(op, node, x, *values):
    values = list(map(number_of, values))
    entries = ts.get_idx_list([x, *values], op.idx_list)
    if isinstance(x, SizeVector):
        if all(map(is_static, values)):
            return _of_sizes(x, *entries)
        x = number_of(x)
    if isinstance(x, PaddedArray) and not varies(x, entries):
        return part_taken(x, entries)
    try:
        if varies(x, entries):
            return part(x, entries)
        return _Part(op, x, values).taken()
    except (NotPaddable, NotStatic) as error:
        with contextlib.suppress(NotStatic):
            return part_taken(x, entries)
        raise error from None


@convert.register(ts.IncSubtensor, takes_padded=True)
def convert_inc_subtensor(op, node, x, y, *values):
    entries = ts.get_idx_list([x, *values], op.idx_list)
    pattern = node.inputs[1].type.broadcastable
    try:
        if varies(x, entries) or varies(y, []):
            return with_part(op, x, y, entries, pattern)
        if not isinstance(x, PaddedArray) and not isinstance(y, PaddedArray):
            return _Part(op, x, values).written(op, y)
        return part_written(op, x, y, entries, pattern)
    except (NotPaddable, NotStatic) as error:
        with contextlib.suppress(NotStatic):
            return part_written(op, x, y, entries, pattern)
        raise error from None


@convert.register(ts.AdvancedSubtensor1, takes_padded=True)
@convert.register(ts.AdvancedSubtensor, takes_padded=True)
def convert_advanced_subtensor(op, node, x, *entries):
    if isinstance(x, PaddedArray) or varies(x, entries):
        return at_indices(x, entries)
    x = jnp.asarray(x)
    with contextlib.suppress(NotStatic):
        return x[_advanced(x, entries, host_only=True)]
    with contextlib.suppress(NotStatic):
        return selected(x, entries)
    if any(isinstance(entry, PaddedArray) for entry in entries):
        return at_indices(x, entries)
    return x[_advanced(x, entries)]


@convert.register(ts.AdvancedIncSubtensor1, takes_padded=True)
@convert.register(ts.AdvancedIncSubtensor, takes_padded=True)
def convert_advanced_inc_subtensor(op, node, x, y, *entries):
    pattern = node.inputs[1].type.broadcastable
    if isinstance(x, PaddedArray) or varies(x, entries) or varies(y, []):
        return with_indices(op, x, y, entries, pattern)
    if isinstance(y, PaddedArray):
        with contextlib.suppress(NotStatic):
            return write_selected(op, jnp.asarray(x), y, entries)
        return with_indices(op, x, y, entries, pattern)
    with contextlib.suppress(NotStatic):
        return _written(op, x, _advanced(x, entries, host_only=True), y)
    with contextlib.suppress(NotStatic):
        return write_selected(op, jnp.asarray(x), y, entries)
    if any(isinstance(entry, PaddedArray) for entry in entries):
        return with_indices(op, x, y, entries, pattern)
    return _written(op, x, _advanced(x, entries), y)


@convert.register(MakeSlice)
def convert_make_slice(op, node, start, stop, step):
    return _static_slice(slice(start, stop, step))
