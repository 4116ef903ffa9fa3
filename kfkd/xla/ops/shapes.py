"""Shapes: read, checked and changed; arrays joined and split."""

import contextlib
import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from theano.compile import ops
from theano.tensor import basic as tb
from theano.tensor import extra_ops
from theano.tensor import opt as topt
from theano.tensor.elemwise import DimShuffle

from kfkd.xla.counts import Count, SizeVector, in_program, number_of
from kfkd.xla.dispatch import (
    NotStatic,
    as_dtype,
    convert,
    dtype_of,
    is_static,
    sizes,
    specialize_on,
    static_value,
)
from kfkd.xla.lengths import room_for
from kfkd.xla.ops.reshape import flatten
from kfkd.xla.padded import (
    PaddedArray,
    all_counted,
    array_of,
    fitted,
    lengths_of,
    logical_shape,
    padded,
    part_of,
    refuse_varying,
)
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.sizes import is_computed, is_one, largest, same_length, sum_of_sizes
from kfkd.xla.symbolic import NotPaddable, Symbolic, compute


@convert.register(ops.DeepCopyOp, keeps_layout=True, takes_padded=True)
@convert.register(ops.ViewOp, keeps_layout=True, takes_padded=True)
@convert.register(extra_ops.CpuContiguous, keeps_layout=True, takes_padded=True)
def convert_copy_or_view(op, node, x):
    return x  # GradClip and its like are views, too


@convert.register(ops.Rebroadcast, takes_padded=True)
def convert_rebroadcast(op, node, x):
    shape = logical_shape(x)
    for axis, broadcast in op.axis.items():
        if broadcast and not same_length(shape[axis], 1):
            raise ValueError(
                f"Dimension {axis} of shape {shape} should be broadcastable, "
                "that is of size 1"
            )
    return x


@convert.register(ops.SpecifyShape)
def convert_specify_shape(op, node, x, shape):
    if tuple(x.shape) != sizes(shape):
        raise AssertionError(f"The shape is {x.shape}, specified was {sizes(shape)}")
    return x


@convert.register(ops.Shape, keeps_layout=True, takes_padded=True)
def convert_shape(op, node, x):
    sizes = logical_shape(x)
    if any(map(is_computed, sizes)):
        return SizeVector(sizes)
    return compute(lambda *sizes: np.stack(np.broadcast_arrays(*sizes), -1), *sizes)


@convert.register(ops.Shape_i, keeps_layout=True, takes_padded=True)
def convert_shape_i(op, node, x):
    size = logical_shape(x)[op.i]
    return np.asarray(size, "int64") if isinstance(size, int) else size


@convert.register(topt.MakeVector, takes_counts=True)
def convert_make_vector(op, node, *values):
    if op.dtype == "int64":
        return SizeVector(values)
    return jnp.stack([jnp.asarray(number_of(v), op.dtype) for v in values])


@convert.register(DimShuffle, takes_padded=True)
def convert_dimshuffle(op, node, value):
    shape = logical_shape(value)
    if not all(same_length(shape[axis], 1) for axis in op.drop):
        raise ValueError(f"Axes {op.drop} of {shape} cannot be dropped: not all are 1")
    x = fitted(array_of(value), dict.fromkeys(op.drop, 1))
    x = jnp.transpose(x, (*op.shuffle, *op.drop))
    x = jnp.squeeze(x, range(len(op.shuffle), x.ndim))
    x = jnp.expand_dims(x, op.augment)
    lengths = lengths_of(value)
    lengths = {i: lengths[a] for i, a in enumerate(op.new_order) if a in lengths}
    return padded(x, lengths)


def _are_sizes(vectors, dtype):
    """Return whether vectors are of sizes, and of numbers that are known."""
    known = all(isinstance(v, (SizeVector, Symbolic)) or is_static(v) for v in vectors)
    some = any(isinstance(v, SizeVector) for v in vectors)
    return known and some and dtype == "int64"


@convert.register(tb.Join, takes_padded=True, takes_counts=True)
def convert_join(op, node, axis, *values):
    dtype = dtype_of(node.outputs[0])
    if _are_sizes(values, dtype):
        return SizeVector(itertools.chain(*values))
    axis, *values = map(number_of, (axis, *values))
    (axis,) = sizes(axis)
    if not -values[0].ndim <= axis < values[0].ndim:
        raise np.exceptions.AxisError(axis, values[0].ndim)
    if any(isinstance(v, PaddedArray) for v in values):
        return _padded_join(axis % values[0].ndim, values, dtype)
    return jnp.concatenate([as_dtype(in_program(v), dtype) for v in values], axis)


def _padded_join(axis, values, dtype):
    shapes = list(map(logical_shape, values))
    lengths = shapes[0]
    for i, sizes_along in enumerate(zip(*shapes, strict=True)):
        if i != axis and not all(same_length(n, lengths[i]) for n in sizes_along):
            raise ValueError(f"Shapes {shapes} cannot be joined along axis {axis}")
    along = [shape[axis] for shape in shapes]
    others = {i: n for i, n in enumerate(lengths) if i != axis}
    arrays = [fitted(as_dtype(array_of(v), dtype), others) for v in values]
    if not all(isinstance(n, int) for n in along):
        joined = jnp.concatenate(arrays, axis)
        place = along[0]
        # What does not count of an array is written over by the next.
        for array, n in zip(arrays[1:], along[1:], strict=True):
            start = [0] * array.ndim
            start[axis] = in_program(place)
            joined = lax.dynamic_update_slice(joined, array, start)
            place = sum_of_sizes(place, n)
        lengths = [place if i == axis else n for i, n in enumerate(lengths)]
        return padded(joined, lengths)
    lengths = list(lengths)
    lengths[axis] = sum(along)
    return padded(jnp.concatenate(arrays, axis), lengths)


@convert.register(tb.Split, takes_padded=True, takes_counts=True)
def convert_split(op, node, x, axis, lengths):
    (axis,), x = sizes(axis), number_of(x)
    if isinstance(x, PaddedArray) or isinstance(lengths, (SizeVector, Symbolic)):
        return _padded_split(op, x, axis % x.ndim, lengths)
    lengths = sizes(lengths)
    if sum(lengths) != x.shape[axis] or len(lengths) != op.len_splits:
        raise ValueError(
            f"Dimension {axis} of {x.shape} cannot be split into {lengths}"
        )
    return tuple(jnp.split(x, np.cumsum(lengths)[:-1], axis))


def _padded_split(op, x, axis, lengths):
    if not (is_static(lengths) or isinstance(lengths, (SizeVector, Symbolic))):
        refuse_varying(x)
        raise NotStatic
    shape, place, parts = logical_shape(x), np.int64(0), []
    for i in range(len(lengths)):
        n = lengths[i]
        if isinstance(n, jax.Array):
            n = Count(n, largest(shape[axis]))
        elif not is_computed(n):
            n = compute(np.asarray, n)
        array = part_of(jnp.asarray(array_of(x)), axis, place, n)
        parts.append(padded(array, [*shape[:axis], n, *shape[axis + 1 :]]))
        place = sum_of_sizes(place, n)
    if not same_length(place, shape[axis]) or len(parts) != op.len_splits:
        raise ValueError(f"Dimension {axis} of {shape} cannot be split into {lengths}")
    return tuple(parts)


@convert.register(extra_ops.BroadcastTo)
def convert_broadcast_to(op, node, x, *shape):
    return jnp.broadcast_to(x, sizes(*shape))


@convert.register(tb.Tile)
def convert_tile(op, node, x, reps):
    return jnp.tile(x, sizes(reps))


@convert.register(extra_ops.RepeatOp, takes_padded=True)
def convert_repeat(op, node, x, repeats):
    x, axis = (flatten(x), 0) if op.axis is None else (x, op.axis % x.ndim)
    shape = logical_shape(x)
    (given,) = logical_shape(repeats) or [1]
    if not is_one(given) and not same_length(given, shape[axis]):
        raise ValueError(f"{given} repeats do not fit {shape[axis]} entries")
    # JAX adds them up in their own dtype.
    counts = array_of(repeats).astype("int64")
    if is_static(counts) and isinstance(shape[axis], int):
        return padded(jnp.repeat(array_of(x), counts, axis), lengths_of(x))
    room = specialize_on(_room_of_sum, repeats, for_all_lengths=True)
    if is_one(given):  # each is repeated as often
        room *= largest(shape[axis])
    array = fitted(array_of(x), {axis: shape[axis]})
    counts = fitted(jnp.reshape(counts, -1), {0: given})
    counts = jnp.broadcast_to(counts, array.shape[axis])
    inside = jnp.arange(len(counts)) < in_program(shape[axis])
    error = ValueError("repeats may not contain negative values")
    runtime_assert((counts >= 0) | ~inside, error)
    counts = jnp.where(inside, counts, 0)
    array = jnp.repeat(array, counts, axis, total_repeat_length=room)
    return padded(array, lengths_of(x) | {axis: jnp.sum(counts)})


def _room_of_sum(repeats):
    return room_for(np.sum(repeats, dtype="int64"))


@convert.register(topt.Assert, keeps_layout=True, takes_padded=True)
def convert_assert(op, node, x, *conditions):
    for condition in conditions:
        if isinstance(condition, (PaddedArray, Symbolic)):
            condition = all_counted(condition, True)
        # A condition on sizes is known before the call, and is checked then.
        with contextlib.suppress(NotPaddable, NotStatic):
            condition = static_value(condition, host_only=True)
        runtime_assert(condition, AssertionError(op.msg))
    return x


@convert.register(extra_ops.Bartlett)
def convert_bartlett(op, node, n):
    return np.bartlett(*sizes(n))
