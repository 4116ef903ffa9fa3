"""Sorting, searching in what is sorted, and which values there are."""

import jax.numpy as jnp
from theano.tensor import extra_ops
from theano.tensor.sort import ArgSortOp, SortOp, TopKOp

from kfkd.xla.dispatch import as_dtype, convert, sizes
from kfkd.xla.prefix import Prefix


@convert.register(SortOp)
def _(op, node):
    return lambda x, axis: jnp.sort(x, axis=sizes(axis)[0])


@convert.register(ArgSortOp)
def _(op, node):
    return lambda x, axis: as_dtype(jnp.argsort(x, axis=sizes(axis)[0]), "int64")


@convert.register(TopKOp)
def _(op, node):
    def top_k(x, k):
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

    return top_k


@convert.register(extra_ops.SearchsortedOp)
def _(op, node):
    def searchsorted(x, v, sorter=None):
        x = x if sorter is None else x[sorter]
        return as_dtype(jnp.searchsorted(x, v, side=op.side), "int64")

    return searchsorted


@convert.register(extra_ops.Unique)
def _(op, node):
    if op.axis not in (None, 0) and op.axis + node.inputs[0].ndim != 0:
        raise NotImplementedError("Unique has no conversion but for the first axis")
    returned = op.return_index, op.return_inverse, op.return_counts

    def unique(x):
        size = x.size if op.axis is None else x.shape[0]
        values, first, inverse, counts = jnp.unique(
            x, True, True, True, axis=op.axis, size=size
        )
        count = jnp.sum(counts > 0)
        others = [Prefix(first, count), jnp.reshape(inverse, -1), Prefix(counts, count)]
        others = [o for o, wanted in zip(others, returned, strict=True) if wanted]
        return Prefix(values, count), *others

    return unique
