"""Reshaping, where sizes may be symbolic."""

import contextlib
import math

import jax.numpy as jnp
import numpy as np
from theano.tensor import basic as tb

from kfkd.xla.counts import SizeVector, number_of
from kfkd.xla.dispatch import NotStatic, convert, is_static, sizes
from kfkd.xla.padded import (
    PaddedArray,
    array_of,
    fitted,
    is_computed,
    logical_shape,
    padded,
    places_of,
    refuse_varying,
)
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.symbolic import Symbolic, always, compute, in_program, largest, same

__all__ = ["flatten"]


@convert.register(tb.Reshape, takes_padded=True, takes_counts=True)
def convert_reshape(op, node, x, shape):
    x = number_of(x)
    if isinstance(shape, SizeVector) and shape.is_bounded and not places_of(x):
        with contextlib.suppress(NotStatic):
            return _with_computed_rows(array_of(x), logical_shape(x), shape)
    if not isinstance(shape, Symbolic) and not places_of(x):
        shape = sizes(shape)
        if len(shape) != op.ndim:
            raise ValueError(f"Cannot reshape to {shape}: {op.ndim} sizes are wanted")
        return _reshaped(x, list(shape))
    if not isinstance(shape, Symbolic) and not is_static(shape):
        refuse_varying(x)
    return _reshaped(x, [shape[i] for i in range(op.ndim)])


@convert.register(tb.Flatten, takes_padded=True)
def convert_flatten(op, node, x):
    return flatten(x, op.outdim)


def flatten(x, ndim=1):
    """Return *x* with its last axes flattened into one, so that there are *ndim*."""
    return _reshaped(x, [*logical_shape(x)[: ndim - 1], -1])


def _product(numbers):
    total = np.asarray(1)
    for n in numbers:
        total = compute(np.multiply, total, n)
    return total


def _reshaped(x, shape):
    """Return *x* with the sizes of *shape*, of which one may be -1."""
    old = logical_shape(x)
    if not any(map(places_of, (x, *shape))):
        if isinstance(x, PaddedArray):
            if shape[0] != -1:
                raise NotStatic
            return _with_computed_rows(x.array, old, list(map(int, shape)))
        return jnp.reshape(x, shape)
    if any(map(is_computed, old)):
        refuse_varying(x, *shape)
        raise NotStatic
    rest = [i for i, n in enumerate(shape) if not isinstance(n, Symbolic) and n == -1]
    for i in rest:
        others = _product(n for j, n in enumerate(shape) if j != i)
        shape[i] = compute(np.floor_divide, _product(old), others)
    if not same(_product(old), _product(shape)):
        raise ValueError(f"Cannot reshape {old} to {shape}")
    array = array_of(x)
    for before, after in reversed(_groups(old, shape)):
        array = _regrouped(
            array, before, [old[i] for i in before], [shape[i] for i in after]
        )
    return padded(array, shape)


def _with_computed_rows(array, old, new):
    """Return an array, of which the first size alone is computed, in another shape."""
    if not old or any(map(is_computed, (*old[1:], *new[1:]))):
        raise NotStatic
    before, after = math.prod(old[1:]), math.prod(map(int, new[1:]))
    if after < 0 and number_of(new[0]) is number_of(old[0]):
        return padded(jnp.reshape(array, (-1, *map(int, new[1:]))), {0: old[0]})
    if before < 1 or after < 1:
        raise NotStatic
    total = in_program(old[0]) * before
    count = number_of(new[0])
    if not is_computed(new[0]) and count == -1:
        count = total // after
    error = ValueError(f"Cannot reshape rows of {old[1:]} to rows of {new[1:]}")
    runtime_assert(jnp.equal(count * after, total), error)
    room = -(-largest(old[0]) * before // after)
    array = fitted(jnp.reshape(array, -1), {0: room * after})
    array = jnp.reshape(array, (room, *map(int, new[1:])))
    return padded(array, {0: jnp.asarray(count)})


def _groups(old, new):
    """Return ranges of axes of two shapes that hold the same elements, in order.

    As many elements as a whole they have in this call, maybe not in others.
    """
    groups, i, j = [], 0, 0
    while i < len(old) or j < len(new):
        start, begin = i, j
        i, j = min(i + 1, len(old)), min(j + 1, len(new))
        while True:
            n, m = _product(old[start:i]), _product(new[begin:j])
            ended = i == len(old) and j == len(new)
            if ended or always(compute(np.equal, n, m)):
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
        flat = jnp.take(flat, jnp.ravel(places), axis=axes.start, mode="clip")
    return jnp.reshape(flat, (*before, *rooms, *after))


def _only_first_varies(shape):
    return not any(isinstance(n, Symbolic) for n in shape[1:])


def _places(inside, old, rooms, new):
    """Return where the entries of axes of sizes *new* are among those of *inside*."""
    place = jnp.zeros((), "int64")
    for axis in range(len(new)):
        stride = in_program(_product(new[axis + 1 :]))
        index = jnp.arange(rooms[axis])
        place = place + jnp.expand_dims(index, range(1, len(new) - axis)) * stride
    found = jnp.zeros((), "int64")
    for axis in range(len(old)):
        stride = jnp.maximum(in_program(_product(old[axis + 1 :])), 1)
        found = found + place // stride * int(np.prod(inside[axis + 1 :]))
        place = place % stride
    return found
