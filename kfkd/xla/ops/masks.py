"""Reading and writing rows at computed masks and positions.

How many rows there are is computed, too: they are a `PaddedArray`, with room for as
many as there may be.
"""

import types

import jax.numpy as jnp
from theano.tensor import basic as tb

from kfkd.xla.counts import in_program
from kfkd.xla.dispatch import NotStatic, as_dtype, convert
from kfkd.xla.padded import (
    PaddedArray,
    all_counted,
    not_empty,
    padded,
)
from kfkd.xla.runtime_checks import runtime_assert

__all__ = [
    "SETTING",
    "nonzero",
    "out_of_bounds",
    "selected",
    "write_at",
    "write_selected",
]


SETTING = types.SimpleNamespace(set_instead_of_inc=True)  # in place of an operation


def nonzero(x):
    """Return the indices of what is not zero along each axis, and their number."""
    return jnp.nonzero(x, size=x.size), jnp.count_nonzero(x)


@convert.register(tb.Nonzero, takes_padded=True)
def convert_nonzero(op, node, x):
    places, count = nonzero(jnp.asarray(all_counted(x, 0)))
    return tuple(padded(p, {0: count}) for p in places)


def _places(x, entries):
    """Return indices into the first axes of *x*, and how many of them are used.

    The rest are out of bounds, where JAX can be told to read and write nothing.
    """
    entries = list(entries)
    while entries and isinstance(entries[-1], slice) and entries[-1] == slice(None):
        entries.pop()
    first, *others = entries
    if all(isinstance(e, PaddedArray) and e.ndim == 1 for e in entries):
        for other in others:
            runtime_assert(
                in_program(other.lengths[0]) == in_program(first.lengths[0]),
                _mismatch(),
            )
        count = in_program(first.lengths[0])
        room = min(len(e.array) for e in entries)
        places = [e.array[:room] for e in entries]
    elif not others and hasattr(first, "dtype") and first.dtype == bool:
        if first.shape != x.shape[: first.ndim]:
            raise IndexError(
                f"a mask of shape {first.shape} does not fit an array of {x.shape}"
            )
        places, count = nonzero(first)
    else:
        raise NotStatic
    used, found = jnp.arange(len(places[0])) < count, []
    for place, n in zip(places, x.shape, strict=False):
        inside = (place >= -n) & (place < n)
        runtime_assert(inside | ~used, out_of_bounds(n))
        found.append(jnp.where(used, jnp.where(place < 0, place + n, place), n))
    return tuple(found), count


def out_of_bounds(length):
    """Return the error about an index of an axis of *length*."""
    known = f" for an axis of size {length}" if isinstance(length, int) else ""
    return IndexError(f"an index is out of bounds{known}")


def _mismatch():
    return ValueError(
        "shape mismatch: a mask chooses more or fewer rows than are given"
    )


def selected(x, entries):
    """Return the rows that masks or positions choose of *x*."""
    places, count = _places(x, entries)
    x = not_empty(x, range(len(places)))
    return padded(x.at[places].get(mode="fill", fill_value=0), {0: count})


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
    given = None
    if isinstance(y, PaddedArray):
        if set(y.lengths) != {0}:
            raise NotStatic
        given, y = in_program(y.lengths[0]), y.array
    by_row = y.ndim > x.ndim - len(places) and len(y) != 1  # else it is broadcast
    if by_row and given is None:
        given = len(y)
    if given is not None:
        runtime_assert(given == count, _mismatch())
    if by_row:
        room = min(len(y), len(places[0]))
        y, places = y[:room], tuple(place[:room] for place in places)
    return write_at(op, x, places, as_dtype(y, x.dtype), mode="drop")
