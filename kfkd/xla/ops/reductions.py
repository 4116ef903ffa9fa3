"""Reductions over axes, positions of maxima, and cumulative sums."""

import jax.numpy as jnp
import numpy as np
from theano import scalar as ts
from theano.tensor import basic as tb
from theano.tensor import elemwise as te
from theano.tensor import extra_ops

from kfkd.xla.dispatch import as_dtype, convert, dtype_of
from kfkd.xla.layout import ChannelsLast, to_logical
from kfkd.xla.padded import PaddedArray
from kfkd.xla.runtime_checks import runtime_assert

_REDUCTIONS = {
    ts.Add: jnp.sum,
    ts.AND: jnp.bitwise_and.reduce,
    ts.Mul: jnp.prod,
    ts.OR: jnp.bitwise_or.reduce,
    ts.ScalarMaximum: jnp.max,
    ts.ScalarMinimum: jnp.min,
    ts.XOR: jnp.bitwise_xor.reduce,
}

# A row of these changes nothing.
_NEUTRAL = {ts.Add: 0, ts.AND: -1, ts.Mul: 1, ts.OR: 0, ts.XOR: 0}


@convert.register(te.CAReduce, factory=True, keeps_layout=True, takes_padded=True)
def convert_careduce(op, node):
    reduce = _REDUCTIONS.get(type(op.scalar_op))
    if reduce is None:
        raise NotImplementedError(f"the reduction by {op.scalar_op} has no conversion")
    axes = tuple(range(node.inputs[0].ndim) if op.axis is None else op.axis)
    result = dtype_of(node.outputs[0])
    accumulator = getattr(op, "acc_dtype", None) or result

    def careduce(x):
        if isinstance(x, PaddedArray):
            if 0 not in axes:
                return PaddedArray(careduce(x.array), x.count)
            x = _only_counted(op.scalar_op, x)
        physical_axes = axes
        # The result has no layout if at most the channels are left, as of a bias.
        if isinstance(x, ChannelsLast) and set(axes) >= {0, 2, 3}:
            x, physical_axes = x.array, tuple(x.order.index(a) for a in axes)
        x = as_dtype(to_logical(x), accumulator)
        return as_dtype(reduce(x, axis=physical_axes), result)

    return careduce


def _only_counted(scalar_op, x):
    """Return a `PaddedArray`'s array with neutral rows for those that do not count."""
    array, kind = x.array, type(scalar_op)
    if kind in _NEUTRAL:
        neutral = np.asarray(_NEUTRAL[kind]).astype(array.dtype)
    else:
        runtime_assert(x.count > 0, ValueError(f"there is no {scalar_op} of no rows"))
        neutral = array[:1]
    counts = jnp.arange(array.shape[0]) < x.count
    return jnp.where(jnp.expand_dims(counts, range(1, array.ndim)), array, neutral)


@convert.register(tb.Mean)  # which says of itself that it adds
def convert_mean(op, node, x):
    return jnp.mean(x, op.axis, dtype="float64")


@convert.register(te.ProdWithoutZeros)
def convert_prod_without_zeros(op, node, x):
    result = dtype_of(node.outputs[0])
    x = as_dtype(x, op.acc_dtype or result)
    return as_dtype(jnp.prod(jnp.where(x == 0, 1, x), op.axis), result)


def _flat_axes(x, axes):
    """Return *x* with *axes* flattened into one, the last."""
    axes = range(x.ndim) if axes is None else axes
    kept = [a for a in range(x.ndim) if a not in axes]
    shape = [x.shape[a] for a in kept]
    size = int(np.prod([x.shape[a] for a in axes]))
    return jnp.reshape(jnp.transpose(x, (*kept, *axes)), (*shape, size))


@convert.register(tb.MaxAndArgmax)
def convert_max_and_argmax(op, node, x):
    flat = _flat_axes(x, op.axis)
    return jnp.max(flat, -1), as_dtype(jnp.argmax(flat, -1), "int64")


@convert.register(tb.Argmax)
def convert_argmax(op, node, x):
    return as_dtype(jnp.argmax(_flat_axes(x, op.axis), -1), "int64")


@convert.register(extra_ops.CumOp)
def convert_cumulative(op, node, x):
    accumulate = jnp.cumsum if op.mode == "add" else jnp.cumprod
    return accumulate(x, axis=op.axis, dtype=dtype_of(node.outputs[0]))


@convert.register(extra_ops.DiffOp)
def convert_diff(op, node, x):
    return jnp.diff(x, op.n, op.axis)
