"""Padded arrays: with room for more than counts, as XLA's arrays have fixed sizes.

The length of an axis may be a `Symbolic`, which the host knows before each call.  Or it
is computed, such as the number of rows that a mask chooses, or that a loop leaves when
it ends early.  What lies behind the length can be
anything.  What a function returns is cut after the call.

Only conversions that are registered with ``takes_padded`` see such arrays.  For the
others the length has to be known exactly.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from kfkd.xla.counts import Count, in_program
from kfkd.xla.sizes import is_computed, largest, same_length
from kfkd.xla.symbolic import NotPaddable, NotStatic, Symbolic

__all__ = [
    "PaddedArray",
    "all_counted",
    "array_of",
    "entries_at",
    "fitted",
    "lengths_of",
    "logical_shape",
    "not_empty",
    "only_counted",
    "padded",
    "part_of",
    "places_of",
    "refuse_computed",
    "refuse_padded",
    "refuse_varying",
    "unpad",
    "with_zeros",
    "within",
]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(eq=False)
class PaddedArray:
    """An array of which only a part counts.

    Attributes
    ----------
    array : jax.Array
    lengths : dict
        How many entries count along an axis, for those that are padded: a `Symbolic`,
        or a `Count`.
    """

    array: jax.Array
    lengths: dict

    @property
    def ndim(self):
        """The number of axes."""
        return self.array.ndim

    @property
    def dtype(self):
        """The dtype of the array."""
        return self.array.dtype


def padded(array, lengths):
    """Return an array with such lengths: a `PaddedArray` if some are not known.

    The lengths are a dict by axis, or a list of those of all axes.  An array of JAX's
    becomes a `Count`.
    """
    pairs = lengths.items() if isinstance(lengths, dict) else enumerate(lengths)
    lengths = {axis: _length(n, array.shape[axis]) for axis, n in pairs}
    array = fitted(array, lengths)
    lengths = {a: n for a, n in lengths.items() if not isinstance(n, int)}
    return PaddedArray(array, lengths) if lengths else array


def _length(n, room):
    if isinstance(n, jax.Array):
        return Count(n, room)
    return n if isinstance(n, (Count, Symbolic)) else int(n)


def array_of(value):
    """Return the array of a value that may be padded or symbolic."""
    return value.array if isinstance(value, PaddedArray) else in_program(value)


def lengths_of(value):
    """Return the lengths of the padded axes of a value, by axis."""
    return value.lengths if isinstance(value, PaddedArray) else {}


def logical_shape(value):
    """Return the sizes that count, of which some are not ints."""
    lengths = lengths_of(value)
    return [lengths.get(axis, n) for axis, n in enumerate(np.shape(array_of(value)))]


def places_of(value):
    """Return the places of the varying lengths that a value depends on."""
    found = [value, *lengths_of(value).values()]
    return sorted({p for v in found if isinstance(v, Symbolic) for p in v.places})


def fitted(array, lengths):
    """Return *array* with its axes cut or padded to the largest of given lengths."""
    for axis, n in lengths.items():
        room = largest(n)
        if array.shape[axis] > room:
            array = jax.lax.slice_in_dim(array, 0, room, axis=axis)
        elif array.shape[axis] < room:
            widths = [
                (0, room - size if a == axis else 0)
                for a, size in enumerate(array.shape)
            ]
            array = jnp.pad(array, widths)
    return array


def part_of(array, axis, start, count, step=1):
    """Return every *step*-th entry of an axis from one on, as many as *count*."""
    room, size = largest(count), array.shape[axis]
    if step == 1 and largest(start) + room <= size:
        return jax.lax.dynamic_slice_in_dim(array, in_program(start), room, axis)
    index = in_program(start) + step * jnp.arange(room)
    return entries_at(array, index, axis)


def entries_at(array, index, axis):
    """Return the entries at indices of an axis; what they are outside is no matter."""
    return jnp.take(not_empty(array, [axis]), index, axis, mode="clip")


def not_empty(array, axes):
    """Return *array* with an entry along *axes* that have none, for JAX to read."""
    return fitted(array, {axis: 1 for axis in axes if array.shape[axis] == 0})


def within(value, axis):
    """Return which entries along a padded axis count, for broadcasting."""
    counts = jnp.arange(value.array.shape[axis]) < in_program(value.lengths[axis])
    return jnp.expand_dims(counts, range(1, value.ndim - axis))


def only_counted(value, axis, other):
    """Return a value with *other* in place of what does not count along *axis*."""
    if axis not in lengths_of(value):
        return value
    array = jnp.where(within(value, axis), value.array, other)
    return PaddedArray(array, value.lengths)


def all_counted(value, other):
    """Return the array of a value, with *other* in place of all that does not count."""
    for axis in lengths_of(value):
        value = only_counted(value, axis, other)
    return array_of(value)


def with_zeros(values, axes):
    """Return arrays with zeros where nothing counts, and the lengths of *axes* by axis.

    The arrays have to be equally long along these axes, and no other may be padded.
    """
    lengths, arrays = {}, []
    for axis in axes:
        sizes = [logical_shape(value)[axis] for value in values]
        if all(isinstance(n, int) for n in sizes):
            continue
        lengths[axis] = next(n for n in sizes if not isinstance(n, int))
        if not all(same_length(n, lengths[axis]) for n in sizes):
            raise ValueError(f"The sizes {sizes} along axis {axis} differ")
    for value in values:
        for axis in lengths_of(value):
            if axis not in axes:
                refuse_padded(value, axis)
            value = only_counted(value, axis, 0)
        arrays.append(fitted(array_of(value), lengths))
    return arrays, lengths


def unpad(value, lengths=None):
    """Return a result of a program, a padded one without what does not count.

    Parameters
    ----------
    lengths : tuple of int, optional
        The varying lengths of the call.
    """
    if not isinstance(value, PaddedArray):
        return value
    index = [slice(None)] * value.ndim
    for axis, n in value.lengths.items():
        index[axis] = slice(int(n.number if is_computed(n) else n.at(lengths)))
    return value.array[tuple(index)]


def refuse_padded(value, axis):
    """Raise, so that the length of an axis is known instead, if it is padded."""
    length = lengths_of(value).get(axis)
    refuse_varying(length)
    if length is not None:
        raise NotStatic


def refuse_computed(*sizes):
    """Raise NotStatic if a size is computed; NotPaddable if another one varies."""
    if any(map(is_computed, sizes)):
        refuse_varying(*sizes)
        raise NotStatic


def refuse_varying(*values, also=()):
    """Raise NotPaddable if a value depends on lengths that vary.

    Parameters
    ----------
    also : sequence of variables
        As for `NotPaddable`.
    """
    places = sorted({p for value in values for p in places_of(value)})
    if places:
        raise NotPaddable(places, also)
