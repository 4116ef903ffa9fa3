"""Taking parts of arrays, and setting or increasing them."""

import jax.numpy as jnp
import numpy as np
from theano.tensor import subtensor as ts
from theano.tensor.type_other import MakeSlice

from kfkd.xla.dispatch import as_dtype, convert, is_static, require, static


def _bound(value):
    """Return the bound of a slice, which must be known, as an int or None."""
    return None if value is None else int(static(value))


def _slice(entry):
    return slice(_bound(entry.start), _bound(entry.stop), _bound(entry.step))


def _index(entry, length):
    """Return an index along an axis of *length*, having it checked."""
    if isinstance(entry, slice):
        return _slice(entry)
    entry = entry if not is_static(entry) else np.asarray(entry)
    if entry.dtype.kind != "u":
        # JAX clamps what is out of range, and takes -1 only of signed numbers.
        require(entry >= -length, _out_of_bounds(length))
    require(entry < length, _out_of_bounds(length))
    return entry


def _out_of_bounds(length):
    return IndexError(f"an index is out of bounds for an axis of size {length}")


def _basic(op, x, values):
    """Return the index tuple of a node with an idx_list."""
    entries = ts.get_idx_list([x, *values], op.idx_list)
    return tuple(_index(e, n) for e, n in zip(entries, x.shape, strict=False))


def _advanced(x, entries):
    """Return the index tuple of advanced indexing; masks must be known."""
    lengths, index = list(x.shape), []
    for entry in entries:
        if entry is None:
            index.append(None)
        elif not isinstance(entry, slice) and entry.dtype.kind == "b":
            mask = static(entry)
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


def _written(op, x, index, y):
    reference = jnp.asarray(x).at[index]
    y = as_dtype(y, x.dtype)
    if op.set_instead_of_inc:
        return reference.set(y)
    # The sum of booleans is whether one of them is true.
    return reference.max(y) if x.dtype == bool else reference.add(y)


@convert.register(ts.Subtensor)
def _(op, node):
    return lambda x, *values: jnp.asarray(x)[_basic(op, x, values)]


@convert.register(ts.IncSubtensor)
def _(op, node):
    return lambda x, y, *values: _written(op, x, _basic(op, x, values), y)


@convert.register(ts.AdvancedSubtensor1)
def _(op, node):
    return lambda x, i: jnp.asarray(x)[_index(i, x.shape[0])]


@convert.register(ts.AdvancedIncSubtensor1)
def _(op, node):
    return lambda x, y, i: _written(op, x, _index(i, x.shape[0]), y)


@convert.register(ts.AdvancedSubtensor)
def _(op, node):
    return lambda x, *entries: jnp.asarray(x)[_advanced(x, entries)]


@convert.register(ts.AdvancedIncSubtensor)
def _(op, node):
    return lambda x, y, *entries: _written(op, x, _advanced(x, entries), y)


@convert.register(MakeSlice)
def _(op, node):
    return lambda start, stop, step: _slice(slice(start, stop, step))
