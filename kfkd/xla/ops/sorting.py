"""Sorting, searching in sorted arrays, permutations, and unique values."""

import jax.numpy as jnp
import numpy as np
from theano.tensor import basic as tb
from theano.tensor import extra_ops
from theano.tensor.sort import ArgSortOp, SortOp, TopKOp

from kfkd.xla.counts import in_program
from kfkd.xla.dispatch import as_dtype, convert, sizes, specialize_on
from kfkd.xla.ops.elementwise import check_shapes
from kfkd.xla.padded import (
    all_counted,
    array_of,
    lengths_of,
    logical_shape,
    padded,
    within,
)
from kfkd.xla.runtime_checks import runtime_assert


@convert.register(SortOp, takes_padded=True)
def convert_sort(op, node, x, axis):
    (axis,) = sizes(axis)
    if axis % x.ndim not in lengths_of(x):
        return padded(jnp.sort(array_of(x), axis=axis), lengths_of(x))
    found = jnp.take_along_axis(x.array, _order(x, axis), axis=axis)
    return padded(found, x.lengths)


@convert.register(ArgSortOp, takes_padded=True)
def convert_argsort(op, node, x, axis):
    return padded(as_dtype(_order(x, sizes(axis)[0]), "int64"), lengths_of(x))


def _order(x, axis):
    """Return the order of entries along an axis: those that do not count come last."""
    array, axis = array_of(x), axis % x.ndim
    if axis not in lengths_of(x):
        return jnp.argsort(array, axis=axis)
    outside = jnp.broadcast_to(~within(x, axis), array.shape)
    return jnp.lexsort((array, outside), axis=axis)


@convert.register(TopKOp)
def convert_top_k(op, node, x, k):
    ((k,), n) = sizes(k), x.shape[op.axis]
    if not 0 < abs(k) <= n:
        raise ValueError(f"topk: of {n} values, k = {k} cannot be taken")
    order = jnp.argsort(x, axis=op.axis)
    # The largest, or the smallest for a negative number.
    taken = range(n)[-k:] if k > 0 else range(n)[:-k]
    order = jnp.take(order, jnp.arange(taken.start, taken.stop), axis=op.axis)
    found = []
    if op.return_values:
        found.append(jnp.take_along_axis(x, order, axis=op.axis))
    if op.return_indices:
        found.append(as_dtype(order, op.idx_dtype))
    return tuple(found)


@convert.register(extra_ops.SearchsortedOp, takes_padded=True)
def convert_searchsorted(op, node, x, v, sorter=None):
    if sorter is not None:
        x = padded(array_of(x)[array_of(sorter)], lengths_of(sorter))
    (count,) = logical_shape(x)
    x = all_counted(x, _last_of(x.dtype))
    found = as_dtype(jnp.searchsorted(x, array_of(v), side=op.side), "int64")
    return padded(jnp.minimum(found, in_program(count)), lengths_of(v))


def _last_of(dtype):
    """Return what NumPy sorts behind all numbers of a dtype."""
    if dtype.kind in "fc":
        return np.nan
    return dtype.kind == "b" or np.iinfo(dtype).max


@convert.register(tb.PermuteRowElements)
def convert_permute_row_elements(op, node, x, order, inverse):
    n = x.shape[-1]
    if order.shape[-1] != n:
        raise ValueError(f"Rows of {n} and permutations of {order.shape[-1]}")
    shapes = x.shape[:-1], order.shape[:-1]
    check_shapes(shapes, [v.type.broadcastable[:-1] for v in node.inputs[:2]])
    inside = (order >= -n) & (order < n)
    runtime_assert(inside, IndexError(f"a permutation is of numbers below {n}"))
    order = order % max(n, 1)
    if specialize_on(bool, inverse):
        order = jnp.argsort(order, axis=-1)
    shape = (*jnp.broadcast_shapes(*shapes), n)
    x, order = (jnp.broadcast_to(a, shape) for a in (x, order))
    return jnp.take_along_axis(x, order, axis=-1)


@convert.register(extra_ops.Unique)
def convert_unique(op, node, x):
    axis = op.axis and op.axis % node.inputs[0].ndim
    returned = op.return_index, op.return_inverse, op.return_counts
    if axis:  # only rows can be padded
        size = specialize_on(_number_of_unique, x, axis)
    else:
        size = x.size if axis is None else x.shape[0]
    values, first, inverse, counts = jnp.unique(
        x, True, True, True, axis=axis, size=size
    )
    count = jnp.sum(counts > 0)
    others = [
        padded(first, {0: count}),
        jnp.reshape(inverse, -1),
        padded(counts, {0: count}),
    ]
    others = [o for o, wanted in zip(others, returned, strict=True) if wanted]
    return values if axis else padded(values, {0: count}), *others


def _number_of_unique(x, axis):
    return np.unique(x, axis=axis).shape[axis]
