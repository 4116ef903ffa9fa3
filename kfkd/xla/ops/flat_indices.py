"""Indices into flattened arrays: ``unravel_index`` and ``ravel_multi_index``."""

import jax.numpy as jnp
from theano.tensor import extra_ops

from kfkd.xla.dispatch import as_dtype, convert, is_static
from kfkd.xla.ops.elementwise import with_same_lengths
from kfkd.xla.padded import all_counted, array_of, lengths_of, padded
from kfkd.xla.runtime_checks import runtime_assert


@convert.register(extra_ops.UnravelIndex, takes_padded=True)
def convert_unravel_index(op, node, indices, dims):
    dims, rest = (as_dtype(array_of(v), "int64") for v in (dims, indices))
    lengths = lengths_of(indices)
    _check((rest >= 0) & (rest < jnp.prod(dims)), lengths, dims)
    found = {}
    for axis in _fastest_first(op.order, len(node.outputs)):
        found[axis] = padded(rest % dims[axis], lengths)
        rest = rest // dims[axis]
    return tuple(found[axis] for axis in sorted(found))


@convert.register(extra_ops.RavelMultiIndex, takes_padded=True)
def convert_ravel_multi_index(op, node, *inputs):
    *places, dims = inputs
    dims = as_dtype(array_of(dims), "int64")
    patterns = [v.type.broadcastable for v in node.inputs[:-1]]
    lengths, places = with_same_lengths(places, patterns)
    stride, found = 1, 0
    for axis in _fastest_first(op.order, len(places)):
        place, n = as_dtype(places[axis], "int64"), dims[axis]
        if op.mode == "raise":
            _check((place >= 0) & (place < n), lengths, dims)
        elif op.mode == "clip":
            place = jnp.clip(place, 0, n - 1)
        else:
            place = place % n
        found += stride * place
        stride *= n
    return padded(found, lengths)


def _fastest_first(order, ndim):
    """Return the axes in the order in which memory is gone through."""
    return range(ndim) if order == "F" else reversed(range(ndim))


def _check(inside, lengths, dims):
    """Raise unless all indices that count are inside."""
    known = f" {tuple(map(int, dims))}" if is_static(dims) else ""
    error = ValueError(f"an index is out of bounds for the shape{known}")
    runtime_assert(all_counted(padded(inside, lengths), True), error)
