"""Products of vectors and matrices."""

import functools

import jax
import jax.numpy as jnp
from theano.tensor import basic as tb
from theano.tensor import blas

from kfkd.xla import formulations
from kfkd.xla.dispatch import NotStatic, as_dtype, convert, dtype_of
from kfkd.xla.layout import Transposed, in_loop
from kfkd.xla.padded import (
    PaddedArray,
    array_of,
    fitted,
    lengths_of,
    logical_shape,
    only_counted,
    padded,
)
from kfkd.xla.precision import operands
from kfkd.xla.sizes import largest, same_length


def _product(function, node, x, y):
    """Return a product in the dtype of the node's output and the precision in use."""
    result = dtype_of(node.outputs[0])
    x, y = operands(as_dtype(x, result), as_dtype(y, result))
    return function(x, y, preferred_element_type=result)


@convert.register(tb.Dot, takes_padded=True)
@convert.register(blas.Dot22, takes_padded=True)
def convert_dot(op, node, x, y):
    if isinstance(x, PaddedArray) or isinstance(y, PaddedArray):
        return _padded_dot(node, x, y)
    source = node.inputs[0].owner
    of_transpose = source and getattr(source.op, "new_order", None) == (1, 0)
    shape = (*x.shape[:-1], *y.shape[1:])
    # The product of a transpose may be the gradient of weights that are held so.
    if of_transpose and in_loop() and formulations.holds_transposed(shape):
        return Transposed(_product(jnp.dot, node, y.T, x.T))
    return _product(jnp.dot, node, x, y)


def _padded_dot(node, x, y):
    if x.ndim == y.ndim == 0:  # which has nothing to be padded
        raise NotStatic
    summed = max(y.ndim - 2, 0)
    x, y = _summed(x, x.ndim - 1, y, summed)
    lengths = [*logical_shape(x)[:-1], *_without(logical_shape(y), summed)]
    return padded(_product(jnp.dot, node, array_of(x), array_of(y)), lengths)


def _summed(x, x_axis, y, y_axis):
    """Return *x* and *y* with zeros where axes that are summed over do not count."""
    n, m = logical_shape(x)[x_axis], logical_shape(y)[y_axis]
    if not same_length(n, m):
        raise ValueError("Shapes of a product do not match")
    room = min(largest(n), largest(m))
    return _fitted(x, x_axis, room), _fitted(y, y_axis, room)


def _fitted(value, axis, room):
    array = fitted(array_of(only_counted(value, axis, 0)), {axis: room})
    return padded(array, {a: n for a, n in lengths_of(value).items() if a != axis})


def _without(sizes, axis):
    return [n for i, n in enumerate(sizes) if i != axis]


@convert.register(blas.BatchedDot, takes_padded=True)
def convert_batched_dot(op, node, x, y):
    n, m = logical_shape(x)[0], logical_shape(y)[0]
    if not same_length(n, m):
        raise ValueError(f"Batches of {n} and {m} do not match")
    if y.ndim > 1 and x.ndim > 1:
        x, y = _summed(x, x.ndim - 1, y, max(y.ndim - 2, 1))
    y_array = fitted(array_of(y), {0: n})

    def batched_dot(x, y, **options):
        return jax.vmap(functools.partial(jnp.dot, **options))(x, y)

    rest = _without(logical_shape(y)[1:], max(y.ndim - 3, 0))
    lengths = [*logical_shape(x)[:-1], *rest]
    return padded(_product(batched_dot, node, array_of(x), y_array), lengths)


# The functions of BLAS: only users' programs have them, not Theano's rewrites here.


@convert.register(blas.Dot22Scalar)
def convert_dot22_scalar(op, node, x, y, scale):
    return scale * _product(jnp.dot, node, x, y)


@convert.register(blas.Gemm)
def convert_gemm(op, node, z, a, x, y, b):
    return _added(_scaled(b, z), a * _product(jnp.dot, node, x, y))


@convert.register(blas.Gemv)
def convert_gemv(op, node, y, alpha, a, x, beta):
    return _added(_scaled(beta, y), alpha * _product(jnp.dot, node, a, x))


@convert.register(blas.Ger)
def convert_ger(op, node, a, alpha, x, y):
    return _added(a, alpha * jnp.outer(x, y))


def _scaled(factor, x):
    # In BLAS, zero times NaN is zero here.
    return jnp.where(factor == 0, 0, factor * x)


def _added(x, y):
    if x.shape != y.shape:
        raise ValueError(f"Shapes {x.shape} and {y.shape} of a sum differ")
    return x + y
