"""Rows of slices whose bounds are computed, as in ``states[:i]`` within a loop.

How many rows there are is computed, too: they are a `PaddedArray`.
"""

import jax.numpy as jnp

from kfkd.xla.dispatch import NotStatic, as_dtype, is_static, static_value
from kfkd.xla.ops.masks import write_at
from kfkd.xla.padded import (
    PaddedArray,
    array_of,
    fitted,
    is_one,
    lengths_of,
    logical_shape,
    padded,
)
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.symbolic import in_program

__all__ = ["row_taken", "rows_taken", "rows_written"]


def _rows(entry, x):
    """Return the rows that a slice chooses, with room for all, and their number."""
    n, room = in_program(logical_shape(x)[0]), len(array_of(x))
    step = 1 if entry.step is None else int(static_value(entry.step))

    def bound(value, default):
        if value is None:
            return default
        value = jnp.where(value < 0, value + n, value)
        return jnp.clip(value, *((0, n) if step > 0 else (-1, n - 1)))

    start = bound(entry.start, 0 if step > 0 else n - 1)
    stop = bound(entry.stop, n if step > 0 else -1)
    count = jnp.maximum(-((start - stop) // step), 0)
    return start + step * jnp.arange(room), count


def _others(x, entries):
    """Return the index of the other axes, and the lengths of the rows."""
    index = tuple(entries)
    lengths = {axis: n for axis, n in lengths_of(x).items() if axis > 0}
    whole = all(isinstance(e, slice) and e == slice(None) for e in index)
    if not whole and (lengths or not all(map(is_static, index))):
        raise NotStatic
    return index, lengths


def row_taken(x, row, rest):
    """Return a row of a `PaddedArray`; *rest* is the index of the other axes."""
    rest, lengths = _others(x, rest)
    n = in_program(logical_shape(x)[0])
    row = jnp.where(row < 0, row + n, row)
    error = IndexError("an index is out of bounds for what a loop has left")
    runtime_assert((row >= 0) & (row < n), error)
    found = x.array[(row, *rest)]
    return padded(found, {axis - 1: m for axis, m in lengths.items()})


def rows_taken(x, entry, rest):
    """Return the rows of a slice; *rest* is the index of the other axes."""
    rest, lengths = _others(x, rest)
    rows, count = _rows(entry, x)
    found = jnp.asarray(array_of(x)).at[rows].get(mode="clip")
    return PaddedArray(found[(slice(None), *rest)], {0: count, **lengths})


def rows_written(op, x, y, entry, rest, pattern):
    """Return *x* with those rows set to *y*, or increased by it.

    Parameters
    ----------
    pattern : tuple of bool
        Along which axes *y* is broadcast.
    """
    rest, _ = _others(x, rest)
    rows, count = _rows(entry, x)
    array = jnp.asarray(array_of(x))
    rows = jnp.where(jnp.arange(len(array)) < count, rows, len(array))
    shape = array[(slice(None), *rest)].shape
    given = as_dtype(array_of(y), array.dtype)
    if y.ndim == len(shape) and not pattern[0]:
        n = logical_shape(y)[0]
        if not is_one(n):
            error = ValueError("as many rows are wanted as a slice chooses")
            runtime_assert(in_program(n) == count, error)
            given = fitted(given, {0: len(array)})
    wanted = dict(enumerate(shape[len(shape) - y.ndim :]))
    given = fitted(given, {a: n for a, n in wanted.items() if a in lengths_of(y) and a})
    new = write_at(op, array, (rows, *rest), given, mode="drop")
    return PaddedArray(new, lengths_of(x)) if lengths_of(x) else new
