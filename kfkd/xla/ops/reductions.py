"""Reductions over axes, positions of maxima, and cumulative sums."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from theano import scalar as ts
from theano.tensor import basic as tb
from theano.tensor import elemwise as te
from theano.tensor import extra_ops

from kfkd.xla.counts import SizeVector, in_program, number_of
from kfkd.xla.dispatch import as_dtype, convert, dtype_of
from kfkd.xla.layout import ChannelsLast, to_logical
from kfkd.xla.ops.reshape import flatten
from kfkd.xla.padded import (
    PaddedArray,
    array_of,
    lengths_of,
    logical_shape,
    only_counted,
    padded,
    refuse_computed,
)
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.sizes import size_less
from kfkd.xla.symbolic import Symbolic, compute, decide

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


@convert.register(
    te.CAReduce,
    factory=True,
    keeps_layout=True,
    takes_padded=True,
    takes_counts=True,
)
def convert_careduce(op, node):
    reduce = _REDUCTIONS.get(type(op.scalar_op))
    if reduce is None:
        raise NotImplementedError(f"the reduction by {op.scalar_op} has no conversion")
    axes = tuple(range(node.inputs[0].ndim) if op.axis is None else op.axis)
    result = dtype_of(node.outputs[0])
    accumulator = getattr(op, "acc_dtype", None) or result

    def careduce(x):
        if isinstance(x, SizeVector) and type(op.scalar_op) is ts.Mul:
            return x.product()
        x = number_of(x)
        if isinstance(x, PaddedArray):
            counted = _only_counted(op.scalar_op, x, axes)
            return padded(careduce(counted), _kept_lengths(x, axes))
        physical_axes = axes
        # The result has no layout if at most the channels are left, as of a bias.
        if isinstance(x, ChannelsLast) and set(axes) >= {0, 2, 3}:
            x, physical_axes = x.array, tuple(x.order.index(a) for a in axes)
        x = as_dtype(to_logical(x), accumulator)
        return as_dtype(reduce(x, axis=physical_axes), result)

    return careduce


def _kept_lengths(x, axes):
    """Return the lengths of a padded array that are left when *axes* are reduced."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    return {kept.index(a): n for a, n in lengths_of(x).items() if a in kept}


def _only_counted(scalar_op, x, axes):
    """Return an array with neutral entries for those that do not count along *axes*."""
    kind = type(scalar_op)
    for axis in axes:
        if axis not in lengths_of(x):
            continue
        if kind in _NEUTRAL:
            neutral = np.asarray(_NEUTRAL[kind]).astype(x.dtype)
        else:
            error = ValueError(f"there is no {scalar_op or 'argmax'} of no rows")
            positive = _is_positive(x.lengths[axis])
            runtime_assert(positive, error)
            neutral = lax.slice_in_dim(x.array, 0, 1, axis=axis)
        x = only_counted(x, axis, neutral)
    return array_of(x)


def _is_positive(length):
    if isinstance(length, Symbolic):
        return np.asarray(decide(compute(np.greater, length, 0)))
    return in_program(length) > 0


@convert.register(tb.Mean)  # which says of itself that it adds
def convert_mean(op, node, x):
    return jnp.mean(x, op.axis, dtype="float64")


@convert.register(te.ProdWithoutZeros, takes_padded=True)
def convert_prod_without_zeros(op, node, x):
    axes = _all_axes(x, op.axis)
    lengths = _kept_lengths(x, axes)
    result = dtype_of(node.outputs[0])
    x = as_dtype(_only_counted(ts.mul, x, axes), op.acc_dtype or result)
    return padded(as_dtype(jnp.prod(jnp.where(x == 0, 1, x), axes), result), lengths)


def _all_axes(x, axes):
    return tuple(range(x.ndim)) if axes is None else tuple(axes)


def _flat_axes(x, axes):
    """Return *x* with *axes* flattened into one, the last."""
    kept = [a for a in range(x.ndim) if a not in axes]
    shape = [x.shape[a] for a in kept]
    size = int(np.prod([x.shape[a] for a in axes]))
    return jnp.reshape(jnp.transpose(x, (*kept, *axes)), (*shape, size))


@convert.register(tb.MaxAndArgmax, takes_padded=True)
def convert_max_and_argmax(op, node, x):
    axes = _all_axes(x, op.axis)
    most = jnp.max(_flat_axes(_only_counted(None, x, axes), axes), -1)
    return padded(most, _kept_lengths(x, axes)), _argmax(x, axes)


@convert.register(tb.Argmax, takes_padded=True)
def convert_argmax(op, node, x):
    return _argmax(x, _all_axes(x, op.axis))


def _argmax(x, axes):
    """Return the place of the largest among those that count of *axes*, flattened."""
    counted = _only_counted(None, x, axes)
    place = as_dtype(jnp.argmax(_flat_axes(counted, axes), -1), "int64")
    if any(axis in lengths_of(x) for axis in axes[1:]):
        place = _among_counted(place, counted.shape, logical_shape(x), axes)
    return padded(place, _kept_lengths(x, axes))


def _among_counted(place, shape, sizes, axes):
    """Return places among all entries of *axes* as places among those that count."""
    refuse_computed(*(sizes[axis] for axis in axes[1:]))
    found, stride = 0, np.int64(1)
    for axis in axes[:0:-1]:
        found = found + place % shape[axis] * in_program(stride)
        place = place // shape[axis]
        stride = compute(np.multiply, stride, sizes[axis])
    return found + place * in_program(stride)


@convert.register(extra_ops.CumOp, takes_padded=True)
def convert_cumulative(op, node, x):
    if op.axis is None:
        x = flatten(x)
    accumulate = jnp.cumsum if op.mode == "add" else jnp.cumprod
    dtype = dtype_of(node.outputs[0])
    found = accumulate(array_of(x), axis=op.axis or 0, dtype=dtype)
    return padded(found, lengths_of(x))


@convert.register(extra_ops.DiffOp, takes_padded=True)
def convert_diff(op, node, x):
    sizes, axis = logical_shape(x), op.axis % x.ndim
    sizes[axis] = size_less(sizes[axis], op.n)
    return padded(jnp.diff(array_of(x), op.n, op.axis), sizes)
