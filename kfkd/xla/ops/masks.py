"""Rows that computed masks and positions choose; their number is computed, too.

They are a `PaddedArray` with room for all there may be.
"""

import jax.numpy as jnp
from theano.tensor import basic as tb

from kfkd.xla.dispatch import NotStatic, as_dtype, convert, runtime_assert
from kfkd.xla.padded import PaddedArray

__all__ = ["out_of_bounds", "selected", "write_at", "write_selected"]


def _nonzero(x):
    """Return the indices of what is not zero along each axis, and their number."""
    return jnp.nonzero(x, size=x.size), jnp.count_nonzero(x)


@convert.register(tb.Nonzero)
def convert_nonzero(op, node, x):
    places, count = _nonzero(jnp.asarray(x))
    return tuple(PaddedArray(p, count) for p in places)


def _places(x, entries):
    """Return indices into the first axes of *x*, and how many of them count.

    The others are out of bounds, where JAX can be told to read and write nothing.
    """
    entries = list(entries)
    while entries and isinstance(entries[-1], slice) and entries[-1] == slice(None):
        entries.pop()
    first, *others = entries
    if all(isinstance(e, PaddedArray) for e in entries):
        for other in others:
            runtime_assert(other.count == first.count, _mismatch())
        count, room = first.count, min(len(e.array) for e in entries)
        places = [e.array[:room] for e in entries]
    elif not others and hasattr(first, "dtype") and first.dtype == bool:
        if first.shape != x.shape[: first.ndim]:
            raise IndexError(
                f"a mask of shape {first.shape} does not fit an array of {x.shape}"
            )
        places, count = _nonzero(first)
    else:
        raise NotStatic
    counts, found = jnp.arange(len(places[0])) < count, []
    for place, n in zip(places, x.shape, strict=False):
        inside = (place >= -n) & (place < n)
        runtime_assert(inside | ~counts, out_of_bounds(n))
        found.append(jnp.where(counts, jnp.where(place < 0, place + n, place), n))
    return tuple(found), count


def out_of_bounds(length):
    """Return the error about an index of an axis of *length*."""
    return IndexError(f"an index is out of bounds for an axis of size {length}")


def _mismatch():
    return ValueError("what is chosen has another number of rows than what it is for")


def selected(x, entries):
    """Return the rows that masks or positions choose of *x*."""
    places, count = _places(x, entries)
    return PaddedArray(x.at[places].get(mode="fill", fill_value=0), count)


def write_at(op, x, index, y, mode=None):
    """Return *x* with the entries at *index* set to *y*, or increased by it."""
    if op.set_instead_of_inc:
        return x.at[index].set(y, mode=mode)
    # The sum of booleans is whether one of them is true.
    increase = x.at[index].max if x.dtype == bool else x.at[index].add
    return increase(y, mode=mode)


def write_selected(op, x, y, entries):
    """Return *x* with those rows set to *y*, or increased by it."""
    places, count = _places(x, entries)
    if isinstance(y, PaddedArray):
        runtime_assert(y.count == count, _mismatch())
        y = y.array
    elif y.ndim > x.ndim - len(places) and len(y) != 1:
        runtime_assert(len(y) == count, _mismatch())
    if y.ndim > x.ndim - len(places) and len(y) != 1:
        room = min(len(y), len(places[0]))
        y, places = y[:room], tuple(place[:room] for place in places)
    return write_at(op, x, places, as_dtype(y, x.dtype), mode="drop")
