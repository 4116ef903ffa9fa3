"""Shapes: read, checked and changed; arrays made from sizes, joined and split."""

import contextlib

import jax.numpy as jnp
import numpy as np
from theano.compile import ops
from theano.tensor import basic as tb
from theano.tensor import extra_ops
from theano.tensor import opt as topt
from theano.tensor.elemwise import DimShuffle

from kfkd.xla.dispatch import (
    NotStatic,
    as_dtype,
    convert,
    dtype_of,
    is_static,
    sizes,
    static_value,
)
from kfkd.xla.padded import PaddedArray
from kfkd.xla.runtime_checks import runtime_assert

# Up to this size an array made from known numbers stays known, as shapes must.
_SMALL = 4096


@convert.register(ops.DeepCopyOp, keeps_layout=True, takes_padded=True)
@convert.register(ops.ViewOp, keeps_layout=True, takes_padded=True)
@convert.register(extra_ops.CpuContiguous, keeps_layout=True, takes_padded=True)
def convert_copy_or_view(op, node, x):
    return x  # GradClip and its like are views, too


@convert.register(ops.Rebroadcast)
def convert_rebroadcast(op, node, x):
    for axis, broadcast in op.axis.items():
        if broadcast and x.shape[axis] != 1:
            raise ValueError(
                f"Dimension {axis} of shape {x.shape} should be broadcastable, "
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
    if isinstance(x, PaddedArray):
        return jnp.stack([x.count, *x.array.shape[1:]])
    return np.asarray(x.shape, "int64")


@convert.register(ops.Shape_i, keeps_layout=True, takes_padded=True)
def convert_shape_i(op, node, x):
    if isinstance(x, PaddedArray):
        if op.i == 0:
            return x.count
        x = x.array
    return np.asarray(x.shape[op.i], "int64")


@convert.register(topt.MakeVector)
def convert_make_vector(op, node, *values):
    return jnp.stack([jnp.asarray(v, op.dtype) for v in values])


@convert.register(DimShuffle)
def convert_dimshuffle(op, node, x):
    x = jnp.transpose(x, (*op.shuffle, *op.drop))
    x = jnp.squeeze(x, range(len(op.shuffle), x.ndim))
    return jnp.expand_dims(x, op.augment)


@convert.register(tb.Reshape)
def convert_reshape(op, node, x, shape):
    shape = sizes(shape)
    if len(shape) != op.ndim:
        raise ValueError(f"Cannot reshape to {shape}: {op.ndim} sizes are wanted")
    return jnp.reshape(x, shape)


@convert.register(tb.Flatten)
def convert_flatten(op, node, x):
    return jnp.reshape(x, (*x.shape[: op.outdim - 1], -1))


@convert.register(tb.Alloc, no_constant_folding=True)
def convert_alloc(op, node, value, *shape):
    shape = sizes(*shape)
    module = np if is_static(value) and np.prod(shape) <= _SMALL else jnp
    return module.broadcast_to(value, shape)


@convert.register(tb.AllocEmpty, no_constant_folding=True)
def convert_alloc_empty(op, node, *shape):
    return jnp.zeros(sizes(*shape), op.dtype)


@convert.register(tb.ARange, no_constant_folding=True)
def convert_arange(op, node, start, stop, step):
    # By NumPy, as in Theano: how many floats there are is a matter of rounding.
    bounds = (static_value(v)[()] for v in (start, stop, step))
    values = np.arange(*bounds, dtype=op.dtype)
    return values if values.size <= _SMALL else jnp.asarray(values)


@convert.register(tb.Eye, takes_none=True, no_constant_folding=True)
@convert.register(tb.Tri, takes_none=True, no_constant_folding=True)
def convert_eye_or_tri(op, node, n, m, k):
    # The sizes may be None, as in NumPy's functions.
    make = jnp.eye if isinstance(op, tb.Eye) else jnp.tri
    return make(*sizes(n, n if m is None else m, k), dtype=op.dtype)


@convert.register(tb.Join)
def convert_join(op, node, axis, *values):
    dtype = dtype_of(node.outputs[0])
    (axis,) = sizes(axis)
    if not -values[0].ndim <= axis < values[0].ndim:
        raise np.exceptions.AxisError(axis, values[0].ndim)
    return jnp.concatenate([as_dtype(v, dtype) for v in values], axis)


@convert.register(tb.Split)
def convert_split(op, node, x, axis, lengths):
    (axis,), lengths = sizes(axis), sizes(lengths)
    if sum(lengths) != x.shape[axis] or len(lengths) != op.len_splits:
        raise ValueError(
            f"Dimension {axis} of {x.shape} cannot be split into {lengths}"
        )
    return tuple(jnp.split(x, np.cumsum(lengths)[:-1], axis))


@convert.register(extra_ops.BroadcastTo)
def convert_broadcast_to(op, node, x, *shape):
    return jnp.broadcast_to(x, sizes(*shape))


@convert.register(tb.Tile)
def convert_tile(op, node, x, reps):
    return jnp.tile(x, sizes(reps))


@convert.register(extra_ops.RepeatOp)
def convert_repeat(op, node, x, repeats):
    # JAX adds them up in their own dtype.
    return jnp.repeat(x, static_value(repeats).astype("int64"), op.axis)


@convert.register(topt.Assert, keeps_layout=True)
def convert_assert(op, node, x, *conditions):
    for condition in conditions:
        # A condition on sizes is known before the call, and is checked then.
        with contextlib.suppress(NotStatic):
            condition = static_value(condition, host_only=True)
        runtime_assert(condition, AssertionError(op.msg))
    return x


@convert.register(extra_ops.Bartlett)
def convert_bartlett(op, node, n):
    return np.bartlett(*sizes(n))


@convert.register(extra_ops.UnravelIndex)
def convert_unravel_index(op, node, indices, dims):
    dims, indices = sizes(dims), as_dtype(indices, "int64")
    error = ValueError(f"an index is out of bounds for the shape {dims}")
    inside = (indices >= 0) & (indices < np.prod(dims, dtype="int64"))
    runtime_assert(inside, error)
    if op.order == "F":
        return jnp.unravel_index(indices, dims[::-1])[::-1]
    return jnp.unravel_index(indices, dims)


@convert.register(extra_ops.RavelMultiIndex)
def convert_ravel_multi_index(op, node, *inputs):
    *places, dims = inputs
    places, dims, mode = [as_dtype(p, "int64") for p in places], sizes(dims), op.mode
    if mode == "raise":
        error = ValueError(f"an index is out of bounds for the shape {dims}")
        for place, n in zip(places, dims, strict=True):
            runtime_assert((place >= 0) & (place < n), error)
        mode = "clip"
    return jnp.ravel_multi_index(places, dims, mode=mode, order=op.order)
