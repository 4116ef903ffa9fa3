"""Arrays that are made from sizes, which may be symbolic or computed."""

import jax.numpy as jnp
import numpy as np
from theano.tensor import basic as tb

from kfkd.xla.counts import in_program, number_of
from kfkd.xla.dispatch import (
    as_dtype,
    convert,
    is_static,
    static_value,
)
from kfkd.xla.lengths import size_of
from kfkd.xla.padded import PaddedArray, array_of, fitted, logical_shape, padded
from kfkd.xla.sizes import is_computed, is_known, largest, same_length
from kfkd.xla.symbolic import Symbolic, compute

# Up to this size an array made from known numbers stays known, as shapes must.
_SMALL = 4096

_TRAITS = {"no_constant_folding": True, "takes_padded": True, "takes_counts": True}


@convert.register(tb.Alloc, **_TRAITS)
def convert_alloc(op, node, value, *shape):
    value = number_of(value)
    shape = list(map(size_of, shape))
    if isinstance(value, PaddedArray) or not all(map(is_known, shape)):
        return _padded_alloc(node, value, shape)
    module = np if is_static(value) and np.prod(shape) <= _SMALL else jnp
    return module.broadcast_to(value, shape)


def _padded_alloc(node, value, shape):
    pattern = node.inputs[0].type.broadcastable
    inner = dict(enumerate(shape[len(shape) - len(pattern) :]))
    own = {axis: n for axis, n in inner.items() if not pattern[axis]}
    for axis, n in own.items():
        size = logical_shape(value)[axis]
        if not same_length(size, n):
            raise ValueError(f"A value of {size} does not fit an array of {n}")
    value = fitted(jnp.asarray(array_of(value)), own)
    return padded(jnp.broadcast_to(value, list(map(largest, shape))), shape)


@convert.register(tb.AllocEmpty, **_TRAITS)
def convert_alloc_empty(op, node, *shape):
    shape = list(map(size_of, shape))
    return padded(jnp.zeros(list(map(largest, shape)), op.dtype), shape)


@convert.register(tb.ARange, **_TRAITS)
def convert_arange(op, node, start, stop, step):
    known = is_static(start) and is_static(step)
    if known and np.dtype(op.dtype).kind in "iu":
        stop = size_of(stop)
    if known and is_computed(stop) and step > 0:
        values = np.arange(start, stop.room, step, op.dtype)
        count = jnp.maximum(-((start - stop.number) // step), 0)
        return padded(jnp.asarray(values), [count])
    if any(isinstance(v, Symbolic) for v in (start, stop, step)):
        return _padded_arange(op, *map(number_of, (start, stop, step)))
    # By NumPy, as in Theano: how many floats there are is a matter of rounding.
    bounds = (static_value(v)[()] for v in (start, stop, step))
    values = np.arange(*bounds, dtype=op.dtype)
    return values if values.size <= _SMALL else jnp.asarray(values)


def _padded_arange(op, start, stop, step):
    bounds = [
        v if isinstance(v, Symbolic) else static_value(v) for v in (start, stop, step)
    ]
    count = compute(_number_of, *bounds)
    start, step = (as_dtype(in_program(v), op.dtype) for v in (start, step))
    values = start + step * jnp.arange(largest(count), dtype=op.dtype)
    return padded(values, [count])


def _number_of(start, stop, step):
    """Return how many numbers there are, of floats as NumPy counts them."""
    if any(v.dtype.kind == "f" for v in (start, stop, step)):
        return np.maximum(np.ceil((stop - start) / step), 0).astype("int64")
    return np.maximum(-((start - stop) // step), 0)


@convert.register(tb.Eye, takes_none=True, **_TRAITS)
@convert.register(tb.Tri, takes_none=True, **_TRAITS)
def convert_eye_or_tri(op, node, n, m, k):
    # The sizes may be None, as in NumPy's functions.
    shape = [size_of(n), size_of(n if m is None else m)]
    rows, columns = jnp.indices(list(map(largest, shape)), sparse=True)
    k = size_of(k)
    compare = jnp.equal if isinstance(op, tb.Eye) else jnp.less_equal
    return padded(as_dtype(compare(columns - rows, in_program(k)), op.dtype), shape)
