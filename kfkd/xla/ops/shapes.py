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
    runtime_assert,
    sizes,
    static_value,
)
from kfkd.xla.padded import PaddedArray

# Up to this size an array made from known numbers stays known, as shapes must.
_SMALL = 4096


@convert.register(ops.DeepCopyOp, keeps_layout=True, takes_padded=True)
@convert.register(ops.ViewOp, keeps_layout=True, takes_padded=True)
@convert.register(extra_ops.CpuContiguous, keeps_layout=True, takes_padded=True)
def convert_copy_or_view(op, node):
    return lambda x: x  # GradClip and its like are views, too


@convert.register(ops.Rebroadcast)
def convert_rebroadcast(op, node):
    def rebroadcast(x):
        for axis, broadcast in op.axis.items():
            if broadcast and x.shape[axis] != 1:
                raise ValueError(
                    f"Dimension {axis} of shape {x.shape} should be broadcastable, "
                    "that is of size 1"
                )
        return x

    return rebroadcast


@convert.register(ops.SpecifyShape)
def convert_specify_shape(op, node):
    def specify_shape(x, shape):
        if tuple(x.shape) != sizes(shape):
            raise AssertionError(
                f"The shape is {x.shape}, specified was {sizes(shape)}"
            )
        return x

    return specify_shape


@convert.register(ops.Shape, keeps_layout=True, takes_padded=True)
def convert_shape(op, node):
    def shape(x):
        if isinstance(x, PaddedArray):
            return jnp.stack([x.count, *x.array.shape[1:]])
        return np.asarray(x.shape, "int64")

    return shape


@convert.register(ops.Shape_i, keeps_layout=True, takes_padded=True)
def convert_shape_i(op, node):
    def shape_i(x):
        if isinstance(x, PaddedArray):
            if op.i == 0:
                return x.count
            x = x.array
        return np.asarray(x.shape[op.i], "int64")

    return shape_i


@convert.register(topt.MakeVector)
def convert_make_vector(op, node):
    return lambda *values: jnp.stack([jnp.asarray(v, op.dtype) for v in values])


@convert.register(DimShuffle)
def convert_dimshuffle(op, node):
    order = (*op.shuffle, *op.drop)

    def dimshuffle(x):
        x = jnp.transpose(x, order)
        kept = x.shape[: len(op.shuffle)]
        if any(n != 1 for n in x.shape[len(op.shuffle) :]):
            raise ValueError(
                f"Only dimensions of size 1 can be dropped, not those of {x.shape}"
            )
        x = jnp.reshape(x, kept)
        return jnp.expand_dims(x, tuple(op.augment)) if op.augment else x

    return dimshuffle


@convert.register(tb.Reshape)
def convert_reshape(op, node):
    def reshape(x, shape):
        shape = sizes(shape)
        if len(shape) != op.ndim:
            raise ValueError(f"Cannot reshape to {shape}: {op.ndim} sizes are wanted")
        return jnp.reshape(x, shape)

    return reshape


@convert.register(tb.Flatten)
def convert_flatten(op, node):
    return lambda x: jnp.reshape(x, (*x.shape[: op.outdim - 1], -1))


@convert.register(tb.Alloc, no_constant_folding=True)
def convert_alloc(op, node):
    def alloc(value, *shape):
        shape = sizes(*shape)
        module = np if is_static(value) and np.prod(shape) <= _SMALL else jnp
        return module.broadcast_to(value, shape)

    return alloc


@convert.register(tb.AllocEmpty, no_constant_folding=True)
def convert_alloc_empty(op, node):
    return lambda *shape: jnp.zeros(sizes(*shape), op.dtype)


@convert.register(tb.ARange, no_constant_folding=True)
def convert_arange(op, node):
    def arange(start, stop, step):
        # By NumPy, as in Theano: how many floats there are is a matter of rounding.
        bounds = (static_value(v)[()] for v in (start, stop, step))
        values = np.arange(*bounds, dtype=op.dtype)
        return values if values.size <= _SMALL else jnp.asarray(values)

    return arange


@convert.register(tb.Eye, takes_none=True, no_constant_folding=True)
@convert.register(tb.Tri, takes_none=True, no_constant_folding=True)
def convert_eye_or_tri(op, node):
    # The sizes may be None, as in NumPy's functions.
    make = jnp.eye if isinstance(op, tb.Eye) else jnp.tri

    def diagonals(n, m, k):
        return make(*sizes(n, n if m is None else m, k), dtype=op.dtype)

    return diagonals


@convert.register(tb.Join)
def convert_join(op, node):
    dtype = dtype_of(node.outputs[0])

    def join(axis, *values):
        (axis,) = sizes(axis)
        if not -values[0].ndim <= axis < values[0].ndim:
            raise np.exceptions.AxisError(axis, values[0].ndim)
        return jnp.concatenate([as_dtype(v, dtype) for v in values], axis)

    return join


@convert.register(tb.Split)
def convert_split(op, node):
    def split(x, axis, lengths):
        (axis,), lengths = sizes(axis), sizes(lengths)
        if sum(lengths) != x.shape[axis] or len(lengths) != op.len_splits:
            raise ValueError(
                f"Dimension {axis} of {x.shape} cannot be split into {lengths}"
            )
        return tuple(jnp.split(x, np.cumsum(lengths)[:-1], axis))

    return split


@convert.register(extra_ops.BroadcastTo)
def convert_broadcast_to(op, node):
    return lambda x, *shape: jnp.broadcast_to(x, sizes(*shape))


@convert.register(tb.Tile)
def convert_tile(op, node):
    return lambda x, reps: jnp.tile(x, sizes(reps))


@convert.register(extra_ops.RepeatOp)
def convert_repeat(op, node):
    def repeat(x, repeats):
        # JAX adds them up in their own dtype.
        return jnp.repeat(x, static_value(repeats).astype("int64"), op.axis)

    return repeat


@convert.register(topt.Assert, keeps_layout=True)
def convert_assert(op, node):
    def check(x, *conditions):
        for condition in conditions:
            # One on sizes is known before the call, and nothing to check after it.
            with contextlib.suppress(NotStatic):
                condition = static_value(condition, host_only=True)
            runtime_assert(condition, AssertionError(op.msg))
        return x

    return check


@convert.register(extra_ops.Bartlett)
def convert_bartlett(op, node):
    return lambda n: np.bartlett(*sizes(n))


@convert.register(extra_ops.UnravelIndex)
def convert_unravel_index(op, node):
    def unravel_index(indices, dims):
        dims, rest, found = sizes(dims), as_dtype(indices, "int64"), []
        inside = (rest >= 0) & (rest < np.prod(dims, dtype="int64"))
        runtime_assert(
            inside, ValueError(f"an index is out of bounds for the shape {dims}")
        )
        for n in reversed(dims) if op.order == "C" else dims:
            rest, place = rest // max(n, 1), rest % max(n, 1)
            found.append(place)
        return tuple(found[::-1] if op.order == "C" else found)

    return unravel_index


@convert.register(extra_ops.RavelMultiIndex)
def convert_ravel_multi_index(op, node):
    def ravel_multi_index(*inputs):
        *places, dims = inputs
        dims, flat, stride = sizes(dims), 0, 1
        pairs = list(zip(places, dims, strict=True))
        for place, n in reversed(pairs) if op.order == "C" else pairs:
            place = as_dtype(place, "int64")
            if op.mode == "raise":
                error = ValueError(f"an index is out of bounds for the shape {dims}")
                runtime_assert((place >= 0) & (place < n), error)
            elif op.mode == "wrap":
                place = place % n
            else:
                place = jnp.clip(place, 0, n - 1)
            flat, stride = flat + stride * place, stride * n
        return flat

    return ravel_multi_index
