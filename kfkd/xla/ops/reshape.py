"""Reshaping, where sizes may be symbolic."""

import contextlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
from theano.tensor import basic as tb

from kfkd.xla.counts import Count, SizeVector, in_program, number_of
from kfkd.xla.dispatch import NotStatic, convert, sizes, specialize_on
from kfkd.xla.lengths import room_for
from kfkd.xla.padded import (
    array_of,
    entries_at,
    fitted,
    logical_shape,
    padded,
    refuse_computed,
)
from kfkd.xla.sizes import (
    are_identical,
    is_computed,
    is_known,
    is_one,
    largest,
    product_of_sizes,
    same_length,
)
from kfkd.xla.symbolic import NotPaddable, Symbolic, compute

__all__ = ["flatten", "reshaped"]


@convert.register(tb.Reshape, takes_padded=True, takes_counts=True)
def convert_reshape(op, node, x, shape):
    x = number_of(x)
    if isinstance(shape, SizeVector) and len(shape) == op.ndim:
        with contextlib.suppress(NotStatic):
            return _to_computed_shape(x, shape)
    if not isinstance(shape, Symbolic):
        shape = sizes(shape)
    if len(shape) != op.ndim:
        raise ValueError(f"Cannot reshape to {shape}: {op.ndim} sizes are wanted")
    return reshaped(x, [shape[i] for i in range(op.ndim)])


def _to_computed_shape(x, vector):
    """Return *x* in a shape of which some sizes may have no bounds yet."""
    shape = list(vector)
    unbounded = [i for i, n in enumerate(shape) if isinstance(n, jax.Array)]
    if unbounded and all(map(is_known, logical_shape(x))):
        raise NotStatic
    try:
        rooms = unbounded and specialize_on(
            _rooms_for, vector, host_only=True, for_all_lengths=True
        )
    except (NotPaddable, NotStatic):
        return _with_unbounded_size(x, shape, *unbounded)
    if rooms is None:
        raise NotStatic
    for i in unbounded:
        shape[i] = Count(shape[i], rooms[i])
    return reshaped(x, shape)


def _rooms_for(shape):
    """Return the room for each size, or None if one is -1."""
    return None if min(shape) < 0 else tuple(map(room_for, shape))


def _with_unbounded_size(x, shape, i, *others):
    """Return *x* in a shape whose size *i* follows from the others."""
    if others or any(is_known(n) and n == -1 for n in [*shape[:i], *shape[i + 1 :]]):
        raise NotStatic
    found = reshaped(x, [*shape[:i], -1, *shape[i + 1 :]])
    same_length(logical_shape(found)[i], Count(shape[i], sys.maxsize))
    return found


@convert.register(tb.Flatten, takes_padded=True)
def convert_flatten(op, node, x):
    return flatten(x, op.outdim)


def flatten(x, ndim=1):
    """Return *x* with its last axes flattened into one, so that there are *ndim*."""
    return reshaped(x, [*logical_shape(x)[: ndim - 1], -1])


def reshaped(x, shape):
    """Return *x* with the sizes of *shape*, of which one may be -1."""
    old = logical_shape(x)
    if all(is_known(n) for n in (*old, *shape)):
        return jnp.reshape(x, list(map(int, shape)))
    rest = [i for i, n in enumerate(shape) if is_known(n) and n == -1]
    left, wanted = _differing(old, [n for i, n in enumerate(shape) if i not in rest])
    if len(rest) > 1:
        raise ValueError(f"Cannot reshape to {shape}: only one size can be -1")
    if not rest and 0 in map(largest, old):  # nothing can have other sizes besides
        left, wanted = old, shape
    for i in rest:
        shape[i] = _quotient(left, wanted)
        wanted = [*wanted, shape[i]]
    if not same_length(product_of_sizes(left), product_of_sizes(wanted)):
        raise ValueError(f"Cannot reshape {old} to {shape}")
    array = array_of(x)
    for before, after in reversed(_groups(old, shape)):
        array = _regrouped(
            array, before, [old[i] for i in before], [shape[i] for i in after]
        )
    return padded(array, shape)


def _differing(old, new):
    """Return the sizes of two shapes without those that both have."""
    left, wanted = [n for n in old if not is_one(n)], []
    for n in new:
        i = next((i for i, m in enumerate(left) if are_identical(n, m)), None)
        if i is None:
            wanted.append(n)
        else:
            del left[i]
    return left, wanted


def _quotient(left, wanted):
    """Return the size that is left for -1."""
    if not any(map(is_computed, (*left, *wanted))):
        return compute(np.floor_divide, *map(product_of_sizes, (left, wanted)))
    refuse_computed(*wanted)
    divisor = product_of_sizes(wanted)
    if divisor == 1 and len(left) == 1:
        return left[0]
    if not is_known(divisor) or divisor < 1:
        raise NotStatic
    total = product_of_sizes(left)
    return Count(total.number // divisor, total.room // int(divisor))


def _groups(old, new):
    """Return ranges of axes of two shapes that hold the same elements, in order.

    As many elements as a whole they have in this call, maybe not in others.
    """
    groups, i, j = [], 0, 0
    while i < len(old) or j < len(new):
        start, begin = i, j
        i, j = min(i + 1, len(old)), min(j + 1, len(new))
        while True:
            n, m = product_of_sizes(old[start:i]), product_of_sizes(new[begin:j])
            ended = i == len(old) and j == len(new)
            if ended or are_identical(n, m):
                break
            if j == len(new) or (i < len(old) and largest(n) < largest(m)):
                i += 1
            else:
                j += 1
        groups.append((range(start, i), range(begin, j)))
    return groups


def _regrouped(array, axes, old, new):
    """Return *array* with *axes*, of sizes *old*, replaced by axes of sizes *new*."""
    if len(old) == len(new) == 1:
        return array
    before, after = array.shape[: axes.start], array.shape[axes.stop :]
    inside = array.shape[axes.start : axes.stop]
    rooms = [largest(n) for n in new]
    flat = jnp.reshape(array, (*before, int(np.prod(inside)), *after))
    if _only_first_varies(old) and _only_first_varies(new):
        # What counts is at the beginning.
        flat = fitted(flat, {axes.start: int(np.prod(rooms))})
    else:
        places = _places(inside, old, rooms, new)
        flat = entries_at(flat, jnp.ravel(places), axes.start)
    return jnp.reshape(flat, (*before, *rooms, *after))


def _only_first_varies(shape):
    return all(map(is_known, shape[1:]))


def _places(inside, old, rooms, new):
    """Return where the entries of axes of sizes *new* are among those of *inside*."""
    place = jnp.zeros((), "int64")
    for axis in range(len(new)):
        stride = in_program(product_of_sizes(new[axis + 1 :]))
        index = jnp.arange(rooms[axis])
        place = place + jnp.expand_dims(index, range(1, len(new) - axis)) * stride
    found = jnp.zeros((), "int64")
    for axis in range(len(old)):
        stride = jnp.maximum(in_program(product_of_sizes(old[axis + 1 :])), 1)
        found = found + place // stride * int(np.prod(inside[axis + 1 :]))
        place = place % stride
    return found
