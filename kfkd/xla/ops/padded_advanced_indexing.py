"""Advanced indexing, by arrays and masks, where lengths vary."""

import jax.numpy as jnp
import numpy as np

from kfkd.xla.counts import Count, in_program
from kfkd.xla.dispatch import NotStatic, as_dtype
from kfkd.xla.ops.masks import SETTING, nonzero
from kfkd.xla.ops.padded_basic_indexing import checked, part, with_part
from kfkd.xla.padded import (
    all_counted,
    array_of,
    fitted,
    logical_shape,
    not_empty,
    padded,
    refuse_varying,
)
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.sizes import is_computed, is_one, same_length
from kfkd.xla.symbolic import Symbolic, same

__all__ = ["at_indices", "with_indices"]

_WHOLE = slice(None)


def _refuse(*values):
    refuse_varying(*values)
    raise NotStatic


def _without_masks(x, entries):
    """Return an index, an array or a slice, for each axis of *x*."""
    index, sizes = [], logical_shape(x)
    for entry in entries:
        if isinstance(entry, slice):
            index.append(entry)
        elif entry is None or array_of(entry).dtype.kind not in "biu":
            _refuse(x, *entries)
        elif array_of(entry).dtype.kind == "b":
            index += _positions(entry, sizes[len(index) : len(index) + entry.ndim])
        else:
            index.append(entry)
    return [*index, *[_WHOLE] * (len(sizes) - len(index))]


def _positions(mask, sizes):
    """Return the indices of what a mask chooses of axes of such sizes."""
    if not all(map(same_length, logical_shape(mask), sizes)):
        raise IndexError(f"a mask of {logical_shape(mask)} does not fit {sizes}")
    places, count = nonzero(jnp.asarray(all_counted(mask, False)))
    return [padded(place, {0: count}) for place in places]


def _broadcast(indices):
    """Return arrays that broadcast with each other, and the sizes of the result."""
    shapes = list(map(logical_shape, indices))
    arrays = [jnp.asarray(array_of(index)) for index in indices]
    ndim = max(map(len, shapes))
    sizes = []
    for axis in range(-ndim, 0):
        along = [i for i, s in enumerate(shapes) if len(s) >= -axis]
        wide = [i for i in along if not is_one(shapes[i][axis])]
        n = shapes[wide[0]][axis] if wide else 1
        if is_computed(n):
            n = Count(n.number, min(arrays[i].shape[axis] for i in wide))
        for i in wide:
            error = IndexError(f"indices of {len(shapes)} axes differ in shape")
            _check_equal(shapes[i][axis], n, error)
            arrays[i] = fitted(arrays[i], {arrays[i].ndim + axis: n})
        sizes.append(n)
    return arrays, sizes


def _check_equal(first, second, error):
    """Raise *error* unless two sizes are equal, after the call if they are computed."""
    if is_computed(first) or is_computed(second):
        runtime_assert(in_program(first) == in_program(second), error)
    elif not same(first, second):
        raise error


class _Places:
    """The entries of an array that advanced indices choose, by NumPy's rules.

    Attributes
    ----------
    shape : list
        The sizes of the array of chosen entries.
    """

    def __init__(self, x, index):
        chosen = [axis for axis, e in enumerate(index) if not isinstance(e, slice)]
        others = [axis for axis in range(x.ndim) if axis not in chosen]
        self.order = [*chosen, *others]
        self.sizes = logical_shape(x)
        arrays, self.chosen = _broadcast([index[axis] for axis in chosen])
        adjacent = chosen == list(range(chosen[0], chosen[-1] + 1))
        first = chosen[0] if adjacent else 0
        self.axes = range(first, first + len(self.chosen))
        rest = [self.sizes[axis] for axis in others]
        self.shape = [*rest[:first], *self.chosen, *rest[first:]]
        self.rooms = jnp.broadcast_shapes(*(array.shape for array in arrays))
        self.counts = self._counts()
        self.places = [
            checked(array, self.sizes[axis], self.counts)
            for axis, array in zip(chosen, arrays, strict=True)
        ]

    def _counts(self):
        """Return which of the chosen entries count."""
        counts = np.True_
        for axis, (n, room) in enumerate(zip(self.chosen, self.rooms, strict=True)):
            if is_computed(n) or isinstance(n, Symbolic):
                inside = jnp.arange(room) < in_program(n)
                following = range(1, len(self.rooms) - axis)
                counts = counts & jnp.expand_dims(inside, following)
        return counts

    def taken(self, array):
        """Return the chosen entries of an array."""
        array = jnp.transpose(array, self.order)
        array = not_empty(array, range(len(self.places)))
        found = array.at[tuple(self.places)].get(mode="clip")
        return padded(jnp.moveaxis(found, range(len(self.axes)), self.axes), self.shape)

    def written(self, op, array, y):
        """Return an array with the chosen entries set to *y*, or increased by it."""
        y = jnp.expand_dims(y, range(len(self.shape) - y.ndim))
        y = jnp.moveaxis(y, self.axes, range(len(self.axes)))
        array = jnp.transpose(array, self.order)
        rooms = [*self.rooms, *array.shape[len(self.places) :]]
        y = fitted(y, {i: n for i, n in enumerate(rooms) if y.shape[i] != 1})
        first, *places = self.places
        first = jnp.where(self.counts, first, len(array))  # where nothing is written
        target = array.at[(first, *places)]
        if op.set_instead_of_inc:
            write = target.set
        else:  # the sum of booleans is whether one of them is true
            write = target.max if array.dtype == bool else target.add
        new = jnp.transpose(write(y, mode="drop"), np.argsort(self.order))
        return padded(new, self.sizes)


def _slices_and_rest(index):
    """Return the slices of an index, None if they take all, and what they leave."""
    slices = [e if isinstance(e, slice) else _WHOLE for e in index]
    if all(entry == _WHOLE for entry in slices):
        return None, index
    return slices, [_WHOLE if isinstance(e, slice) else e for e in index]


def at_indices(x, entries):
    """Return the entries of *x* at indices."""
    index = _without_masks(x, entries)
    slices, rest = _slices_and_rest(index)
    if slices:
        x, index = part(x, slices), rest
    return _Places(x, index).taken(jnp.asarray(array_of(x)))


def with_indices(op, x, y, entries, pattern):
    """Return *x* with those entries set to *y*, or increased by it.

    Parameters
    ----------
    pattern : tuple of bool
        Along which axes *y* is broadcast.
    """
    index = _without_masks(x, entries)
    slices, rest = _slices_and_rest(index)
    if slices:
        inside = with_indices(op, part(x, slices), y, rest, pattern)
        return with_part(SETTING, x, inside, slices, [False] * x.ndim)
    places = _Places(x, index)
    shape = places.shape[len(places.shape) - y.ndim :]
    error = ValueError("what is written has another shape than what is indexed")
    for n, m, spread in zip(logical_shape(y), shape, pattern, strict=True):
        if not spread and not is_one(n):
            _check_equal(n, m, error)
    array = jnp.asarray(array_of(x))
    return places.written(op, array, as_dtype(array_of(y), array.dtype))
