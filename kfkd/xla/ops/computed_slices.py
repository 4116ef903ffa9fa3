"""Parts of arrays at indices that are computed, as in ``states[:i]`` within a loop.

How many entries a slice chooses is computed, too: they are a `PaddedArray`.  Axes are
indexed one by one.
"""

import contextlib

import jax.numpy as jnp

from kfkd.xla.counts import in_program
from kfkd.xla.dispatch import (
    NotStatic,
    as_dtype,
    is_static,
    specialize_on,
    static_value,
)
from kfkd.xla.lengths import room_for
from kfkd.xla.ops.masks import SETTING, write_at
from kfkd.xla.ops.padded_basic_indexing import checked
from kfkd.xla.padded import (
    array_of,
    entries_at,
    fitted,
    lengths_of,
    logical_shape,
    padded,
)
from kfkd.xla.sizes import is_known, is_one, same_length
from kfkd.xla.symbolic import NotPaddable

__all__ = ["part_taken", "part_written"]

_FEW = 256  # Of so many rows, a slice has room for all.


def _bounds(entry):
    """Return the numbers that an index of one axis consists of."""
    if isinstance(entry, slice):
        return [b for b in (entry.start, entry.stop, entry.step) if b is not None]
    return [entry]


def _indexed(entries):
    """Return the axes of which not all is chosen, or the first."""
    return [axis for axis, entry in enumerate(entries) if _bounds(entry)] or [0]


def _moved(value, source, destination):
    """Return a value, maybe padded, with an axis moved."""
    order = list(range(value.ndim))
    order.insert(destination, order.pop(source))
    lengths = {order.index(axis): n for axis, n in lengths_of(value).items()}
    return padded(jnp.transpose(array_of(value), order), lengths)


def _room_of_slice(start, stop, step, length):
    """Return the room for the entries that a slice takes of an axis."""
    bounds = (None if b is None else int(b) for b in (start, stop, step))
    return min(room_for(len(range(length)[slice(*bounds)])), int(length))


def _rows(entry, x):
    """Return the rows that a slice chooses, with room for more, and their number."""
    size, room = logical_shape(x)[0], len(array_of(x))
    step = 1 if entry.step is None else int(static_value(entry.step))
    if room > _FEW and is_known(size):
        with contextlib.suppress(NotPaddable, NotStatic):
            room = specialize_on(
                _room_of_slice,
                entry.start,
                entry.stop,
                step,
                size,
                host_only=True,
                for_all_lengths=True,
            )
    n = in_program(size)

    def bound(value, default):
        if value is None:
            return default
        value = in_program(value)
        value = jnp.where(value < 0, value + n, value)
        return jnp.clip(value, *((0, n) if step > 0 else (-1, n - 1)))

    start = bound(entry.start, 0 if step > 0 else n - 1)
    stop = bound(entry.stop, n if step > 0 else -1)
    count = jnp.maximum(-((start - stop) // step), 0)
    return start + step * jnp.arange(room), count


def part_taken(x, entries):
    """Return a part of *x*, which may be padded."""
    for axis in reversed(_indexed(entries)):
        x = _taken_along(x, axis, entries[axis])
    return x


def _taken_along(x, axis, entry):
    """Return the entry, or those of a slice, along an axis of *x*."""
    rows = _moved(x, axis, 0)
    array, lengths = array_of(rows), dict(lengths_of(rows))
    length = lengths.pop(0, None)
    if not isinstance(entry, slice):
        found = array[checked(entry, logical_shape(rows)[0])]
        return padded(found, {a - 1: n for a, n in lengths.items()})
    if length is None and all(map(is_static, _bounds(entry))):
        parts = entry.start, entry.stop, entry.step
        known = slice(*(None if part is None else int(part) for part in parts))
        return _moved(padded(array[known], lengths), 0, axis)
    places, count = _rows(entry, rows)
    found = entries_at(array, places, 0)
    return _moved(padded(found, {0: count, **lengths}), 0, axis)


def part_written(op, x, y, entries, pattern):
    """Return *x* with a part of it set to *y*, or increased by it.

    Parameters
    ----------
    pattern : tuple of bool
        Along which axes *y* is broadcast.
    """
    first, *others = _indexed(entries)
    entry = entries[first]
    if not others:
        return _written_along(op, x, y, first, entry, pattern)
    part = _taken_along(x, first, entry)
    rest = [slice(None)] if isinstance(entry, slice) else []
    rest = [*entries[:first], *rest, *entries[first + 1 :]]
    part = part_written(op, part, y, rest, pattern)
    return _written_along(SETTING, x, part, first, entry, [False] * part.ndim)


def _written_along(op, x, y, axis, entry, pattern):
    """Return *x* with what is at an index along an axis set to *y*, or increased."""
    rows = _moved(x, axis, 0)
    array, sizes = jnp.asarray(array_of(rows)), logical_shape(rows)
    if isinstance(entry, slice):
        place, count = _rows(entry, rows)
        place = jnp.where(jnp.arange(len(place)) < count, place, len(array))
        missing = range(x.ndim - y.ndim)
        lengths = {a + len(missing): n for a, n in lengths_of(y).items()}
        y = padded(jnp.expand_dims(array_of(y), missing), lengths)
        y, pattern = _moved(y, axis, 0), [*[True] * len(missing), *pattern]
        pattern = [pattern[axis], *pattern[:axis], *pattern[axis + 1 :]]
        wanted = [padded(place, {0: count}).lengths[0], *sizes[1:]]
    else:
        place, wanted = checked(entry, sizes[0]), sizes[1:]
        wanted = wanted[len(wanted) - y.ndim :]
    spread = [p or is_one(n) for p, n in zip(pattern, logical_shape(y), strict=True)]
    fitting = {a: n for a, n in enumerate(wanted) if not spread[a]}
    if not all(same_length(logical_shape(y)[a], n) for a, n in fitting.items()):
        raise ValueError(f"{logical_shape(y)} does not fit what it is written to")
    given = as_dtype(fitted(jnp.asarray(array_of(y)), fitting), array.dtype)
    new = write_at(op, array, place, given, mode="drop")
    return _moved(padded(new, lengths_of(rows)), 0, axis)
