"""Basic indexing, by slices and numbers, where lengths vary."""

import functools

import jax.numpy as jnp
import numpy as np

from kfkd.xla.counts import in_program
from kfkd.xla.dispatch import NotStatic, as_dtype, is_static, static_value
from kfkd.xla.ops.masks import out_of_bounds
from kfkd.xla.padded import (
    array_of,
    entries_at,
    fitted,
    logical_shape,
    padded,
    part_of,
    places_of,
    refuse_varying,
)
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.sizes import is_computed, is_one, same_length
from kfkd.xla.symbolic import Symbolic, always, compute, decide

__all__ = ["checked", "part", "varies", "with_part"]


def _bounds(entry):
    return (
        (entry.start, entry.stop, entry.step) if isinstance(entry, slice) else (entry,)
    )


def varies(x, entries):
    """Return whether something of an indexed array depends on lengths that vary."""
    values = [x, *(bound for entry in entries for bound in _bounds(entry))]
    return any(map(places_of, values))


def _known(bound):
    return (
        bound if isinstance(bound, Symbolic) or bound is None else static_value(bound)
    )


def _clipped(bound, n, step):
    bound = np.where(bound < 0, bound + n, bound)
    return np.clip(bound, 0, n) if step > 0 else np.clip(bound, -1, n - 1)


class _Extent:
    """What a slice takes of an axis of *n* entries.

    Attributes
    ----------
    start, count : int or Symbolic
    step : int
    """

    def __init__(self, entry, n):
        start, stop, step = _bounds(entry)
        self.step = 1 if step is None else int(static_value(step))
        start, stop = map(_known, (start, stop))
        clipped = functools.partial(_clipped, step=self.step)
        forwards = self.step > 0
        if start is not None:
            self.start = compute(clipped, start, n)
        else:
            self.start = np.int64(0) if forwards else compute(lambda n: n - 1, n)
        if stop is not None:
            stop = compute(clipped, stop, n)
        else:
            stop = compute(np.asarray, n) if forwards else np.int64(-1)
        self.count = compute(self._count, self.start, stop)
        self.whole = (
            forwards and self.step == 1 and always(compute(np.equal, self.count, n))
        )

    def _count(self, start, stop):
        return np.maximum(-((start - stop) // self.step), 0)

    def source(self, room):
        """Return which entry of the part is at each of *room* places, and if any is."""
        steps = jnp.arange(room) - in_program(self.start)
        place = steps // self.step
        inside = (steps % self.step == 0) & (place >= 0)
        return place, inside & (place < in_program(self.count))


def _row(entry, n):
    """Return an index of an axis of *n* entries from its beginning, checked."""
    if is_static(entry) or isinstance(entry, Symbolic):
        inside = compute(lambda i, n: (i >= -n) & (i < n), entry, n)
        if not decide(inside):
            raise out_of_bounds(n)
        return in_program(compute(lambda i, n: np.where(i < 0, i + n, i), entry, n))
    return checked(entry, n)


def checked(index, n, counts=True):
    """Return indices that are computed from the beginning, checked where they count."""
    error = out_of_bounds(n)
    index, n = jnp.asarray(in_program(index)), in_program(n)
    if index.dtype.kind == "u":
        index = index.astype("int64")
    runtime_assert(~jnp.asarray(counts) | (index >= -n) & (index < n), error)
    return jnp.where(index < 0, index + n, index)


def _refuse(*values):
    refuse_varying(*values)
    raise NotStatic


def _split(x, entries):
    """Return the extents of slices, by axis, and an index for what is known."""
    sizes, extents, index = logical_shape(x), {}, []
    if any(map(is_computed, sizes)):
        _refuse(x, *(b for entry in entries for b in _bounds(entry)))
    for axis, entry in enumerate(entries):
        n = sizes[axis]
        if not isinstance(entry, slice):
            index.append(_row(entry, n))
            continue
        extents[axis] = _Extent(entry, n)
        known = isinstance(n, int) and all(map(is_static, _bounds(entry)))
        if known:
            bounds = (None if b is None else int(b) for b in _bounds(entry))
            index.append(slice(*bounds))
        else:
            index.append(slice(None))
        extents[axis].known = known
    return extents, tuple(index)


def part(x, entries):
    """Return the part of an array that slices and numbers take."""
    extents, index = _split(x, entries)
    array, sizes = jnp.asarray(array_of(x)), []
    for axis, extent in extents.items():
        if not extent.known and not extent.whole:
            array = part_of(array, axis, extent.start, extent.count, extent.step)
        sizes.append(extent.count)
    return padded(array[index], [*sizes, *logical_shape(x)[len(entries) :]])


def with_part(op, x, y, entries, pattern):
    """Return *x* with a part set to *y*, or increased by it.

    Parameters
    ----------
    pattern : tuple of bool
        Along which axes *y* is broadcast.
    """
    extents, index = _split(x, entries)
    array = jnp.asarray(array_of(x))
    window, sizes = array[index], logical_shape(x)
    extents |= dict.fromkeys(range(len(entries), len(sizes)))
    inside, given = np.True_, as_dtype(array_of(y), array.dtype)
    first = len(extents) - y.ndim  # axes that y lacks
    for i, (axis, extent) in enumerate(extents.items()):
        n = sizes[axis] if extent is None else extent.count
        own = i - first
        spread = own < 0 or pattern[own] or is_one(logical_shape(y)[own])
        if not spread and not same_length(logical_shape(y)[own], n):
            raise ValueError(f"{logical_shape(y)} does not fit the part of an array")
        if extent is None or extent.known or extent.whole:
            if not spread:
                given = fitted(given, {own: n})
            continue
        place, here = extent.source(window.shape[i])
        inside = inside & jnp.expand_dims(here, range(1, window.ndim - i))
        if not spread:
            given = entries_at(given, place, own)
    if not op.set_instead_of_inc:
        given = window | given if array.dtype == bool else window + given
    new = jnp.where(inside, given, window)
    if all(entry == slice(None) for entry in map(_plain, index)):
        return padded(new, sizes)
    return padded(array.at[index].set(new), sizes)


def _plain(entry):
    return entry if isinstance(entry, slice) else None
