"""Softmax and the cross-entropies that Theano merges with it."""

import jax
import jax.numpy as jnp
from theano.tensor.nnet import blocksparse, nnet

from kfkd.xla.dispatch import as_dtype, convert, dtype_of
from kfkd.xla.runtime_checks import runtime_assert


@convert.register(nnet.Softmax)
def convert_softmax(op, node, x):
    return jax.nn.softmax(x, axis=1)


@convert.register(nnet.LogSoftmax)
def convert_log_softmax(op, node, x):
    return jax.nn.log_softmax(x, axis=1)


@convert.register(nnet.SoftmaxWithBias)
def convert_softmax_with_bias(op, node, x, b):
    return jax.nn.softmax(x + b, axis=1)


@convert.register(nnet.SoftmaxGrad)
def convert_softmax_grad(op, node, dy, sm):
    product = dy * sm
    return product - jnp.sum(product, axis=1, keepdims=True) * sm


def _check_classes(y, n):
    """Raise unless *y* is of classes from 0 to n - 1; JAX would clamp."""
    error = f"a class in the targets is out of bounds: there are {n} classes"
    runtime_assert((y >= 0) & (y < n), ValueError(error))


def _pick(matrix, y):
    """Return the entry of each row in column *y*, as a vector."""
    _check_classes(y, matrix.shape[1])
    return jnp.take_along_axis(matrix, y[:, None].astype("int64"), axis=1)[:, 0]


def _one_hot(y, like):
    """Return a matrix like *like* with ones in columns *y*, else zeros."""
    _check_classes(y, like.shape[1])
    return jax.nn.one_hot(y, like.shape[1], dtype=like.dtype)


@convert.register(nnet.CrossentropySoftmaxArgmax1HotWithBias)
def convert_crossentropy_softmax_argmax_1hot_with_bias(op, node, x, b, y):
    log_probabilities = jax.nn.log_softmax(x + b, axis=1)
    loss, most_probable = -_pick(log_probabilities, y), jnp.argmax(x + b, axis=1)
    outputs = loss, jnp.exp(log_probabilities), most_probable
    return tuple(map(as_dtype, outputs, map(dtype_of, node.outputs)))


@convert.register(nnet.CrossentropySoftmax1HotWithBiasDx)
def convert_crossentropy_softmax_1hot_with_bias_dx(op, node, dy, sm, y):
    return jnp.reshape(dy, (-1, 1)) * (sm - _one_hot(y, sm))


@convert.register(nnet.CrossentropyCategorical1Hot)
def convert_crossentropy_categorical_1hot(op, node, coding, y):
    return -jnp.log(_pick(coding, y))


@convert.register(nnet.CrossentropyCategorical1HotGrad)
def convert_crossentropy_categorical_1hot_grad(op, node, gradient, coding, y):
    one_hot = _one_hot(y, coding)
    return -one_hot * gradient[:, None] / jnp.where(one_hot == 1, coding, 1)


def _prepended(value, matrix):
    return jnp.pad(matrix, ((0, 0), (1, 0)), constant_values=value)


@convert.register(nnet.Prepend_scalar_constant_to_each_row)
def convert_prepend_scalar_constant_to_each_row(op, node, matrix):
    return _prepended(getattr(op.val, "data", op.val), matrix)


@convert.register(nnet.Prepend_scalar_to_each_row)
def convert_prepend_scalar_to_each_row(op, node, value, matrix):
    return _prepended(value, matrix)


@convert.register(blocksparse.SparseBlockGemv)
def convert_sparse_block_gemv(op, node, o, w, h, rows, columns):
    # Of each example b: from its blocks i of h to its blocks j of o.
    chosen = _blocks(w, rows[:, :, None], columns[:, None, :])
    return o + jnp.einsum("bin,bijnm->bjm", h, chosen)


@convert.register(blocksparse.SparseBlockOuter)
def convert_sparse_block_outer(op, node, o, x, y, rows, columns, alpha):
    # As Theano's own evaluation, which leaves alpha out.
    rows, columns = rows[:, :, None], columns[:, None, :]
    _blocks(o, rows, columns)
    added = jnp.einsum("bin,bjm->bijnm", x, y)
    return jnp.asarray(o).at[rows, columns].add(added)


def _blocks(w, rows, columns):
    for index, n in zip((rows, columns), w.shape, strict=False):
        error = IndexError(f"an index is out of bounds for {n} blocks")
        runtime_assert((index >= -n) & (index < n), error)
    return jnp.asarray(w)[rows, columns]
