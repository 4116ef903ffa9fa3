"""Products of vectors and matrices."""

import jax.numpy as jnp
from theano.tensor import basic as tb
from theano.tensor import blas

from kfkd.xla import formulations
from kfkd.xla.dispatch import as_dtype, convert, dtype_of
from kfkd.xla.layout import Transposed
from kfkd.xla.precision import operands


def _product(function, node):
    result = dtype_of(node.outputs[0])

    def product(x, y):
        x, y = operands(as_dtype(x, result), as_dtype(y, result))
        return function(x, y, preferred_element_type=result)

    return product


@convert.register(tb.Dot)
@convert.register(blas.Dot22)
def convert_dot(op, node):
    x, _ = node.inputs
    of_transpose = x.owner and getattr(x.owner.op, "new_order", None) == (1, 0)

    def dot(x, y, **options):
        # A product with a transpose may be the gradient of weights that are held so.
        if (
            of_transpose
            and y.ndim == 2
            and formulations.holds_transposed((len(x), y.shape[1]))
        ):
            return Transposed(jnp.dot(y.T, x.T, **options))
        return jnp.dot(x, y, **options)

    return _product(dot, node)


@convert.register(blas.BatchedDot)
def convert_batched_dot(op, node):
    x, y = node.inputs

    def batched_dot(a, b, **options):
        if a.shape[0] != b.shape[0]:
            raise ValueError(f"Batches of {a.shape[0]} and {b.shape[0]} do not match")
        a = a[:, None, :] if x.ndim == 2 else a
        b = b[:, :, None] if y.ndim == 2 else b
        product = jnp.matmul(a, b, **options)
        product = product[:, :, 0] if y.ndim == 2 else product
        return product[:, 0] if x.ndim == 2 else product

    return _product(batched_dot, node)


# Those of BLAS, which users may write themselves: Theano puts in none for this mode.


@convert.register(blas.Dot22Scalar)
def convert_dot22_scalar(op, node):
    product = _product(jnp.dot, node)
    return lambda x, y, scale: scale * product(x, y)


@convert.register(blas.Gemm)
def convert_gemm(op, node):
    product = _product(jnp.dot, node)
    return lambda z, a, x, y, b: _added(_scaled(b, z), a * product(x, y))


@convert.register(blas.Gemv)
def convert_gemv(op, node):
    product = _product(jnp.dot, node)
    return lambda y, alpha, a, x, beta: _added(_scaled(beta, y), alpha * product(a, x))


@convert.register(blas.Ger)
def convert_ger(op, node):
    return lambda a, alpha, x, y: _added(a, alpha * jnp.outer(x, y))


def _scaled(factor, x):
    # In BLAS, nothing is left of it for zero, not even NaN.
    return jnp.where(factor == 0, 0, factor * x)


def _added(x, y):
    if x.shape != y.shape:
        raise ValueError(f"Shapes {x.shape} and {y.shape} of a sum differ")
    return x + y
