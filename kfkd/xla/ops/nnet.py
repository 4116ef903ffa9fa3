"""Softmax and the cross-entropies that Theano merges with it."""

import jax
import jax.numpy as jnp
from theano.tensor.nnet import blocksparse, nnet

from kfkd.xla.dispatch import as_dtype, convert, dtype_of, runtime_assert


@convert.register(nnet.Softmax)
def convert_softmax(op, node):
    return lambda x: jax.nn.softmax(x, axis=1)


@convert.register(nnet.LogSoftmax)
def convert_log_softmax(op, node):
    return lambda x: jax.nn.log_softmax(x, axis=1)


@convert.register(nnet.SoftmaxWithBias)
def convert_softmax_with_bias(op, node):
    return lambda x, b: jax.nn.softmax(x + b, axis=1)


@convert.register(nnet.SoftmaxGrad)
def convert_softmax_grad(op, node):
    def softmax_grad(dy, sm):
        product = dy * sm
        return product - jnp.sum(product, axis=1, keepdims=True) * sm

    return softmax_grad


def _check_classes(y, n):
    """Raise unless *y* is of classes from 0 to n - 1; JAX would clamp."""
    error = ValueError(
        f"a class in the targets is out of bounds: there are {n} classes"
    )
    if y.dtype.kind != "u":
        runtime_assert(y >= 0, error)
    runtime_assert(y < n, error)


def _pick(matrix, y):
    """Return the entry of each row in column *y*, as a vector."""
    _check_classes(y, matrix.shape[1])
    return jnp.take_along_axis(matrix, y[:, None].astype("int64"), axis=1)[:, 0]


def _one_hot(y, like):
    """Return a matrix like *like* with ones in columns *y*, else zeros."""
    _check_classes(y, like.shape[1])
    return jax.nn.one_hot(y, like.shape[1], dtype=like.dtype)


@convert.register(nnet.CrossentropySoftmaxArgmax1HotWithBias)
def convert_crossentropy_softmax_argmax_1hot_with_bias(op, node):
    loss, _, position = (dtype_of(v) for v in node.outputs)

    def crossentropy(x, b, y):
        logits = jax.nn.log_softmax(x + b, axis=1)
        return (
            as_dtype(-_pick(logits, y), loss),
            jnp.exp(logits),
            as_dtype(jnp.argmax(x + b, axis=1), position),
        )

    return crossentropy


@convert.register(nnet.CrossentropySoftmax1HotWithBiasDx)
def convert_crossentropy_softmax_1hot_with_bias_dx(op, node):
    def crossentropy_dx(dy, sm, y):
        return jnp.reshape(dy, (-1, 1)) * (sm - _one_hot(y, sm))

    return crossentropy_dx


@convert.register(nnet.CrossentropyCategorical1Hot)
def convert_crossentropy_categorical_1hot(op, node):
    return lambda coding, y: -jnp.log(_pick(coding, y))


@convert.register(nnet.CrossentropyCategorical1HotGrad)
def convert_crossentropy_categorical_1hot_grad(op, node):
    def crossentropy_grad(gradient, coding, y):
        one_hot = _one_hot(y, coding)
        return -one_hot * gradient[:, None] / jnp.where(one_hot == 1, coding, 1)

    return crossentropy_grad


def _prepended(value, matrix):
    column = jnp.full((len(matrix), 1), value, matrix.dtype)
    return jnp.concatenate([column, matrix], axis=1)


@convert.register(nnet.Prepend_scalar_constant_to_each_row)
def convert_prepend_scalar_constant_to_each_row(op, node):
    value = getattr(op.val, "data", op.val)
    return lambda matrix: _prepended(value, matrix)


@convert.register(nnet.Prepend_scalar_to_each_row)
def convert_prepend_scalar_to_each_row(op, node):
    return _prepended


@convert.register(blocksparse.SparseBlockGemv)
def convert_sparse_block_gemv(op, node):
    def sparse_block_gemv(o, w, h, rows, columns):
        # Of each example b: from its blocks i of h to its blocks j of o.
        chosen = _blocks(w, rows[:, :, None], columns[:, None, :])
        return o + jnp.einsum("bin,bijnm->bjm", h, chosen)

    return sparse_block_gemv


@convert.register(blocksparse.SparseBlockOuter)
def convert_sparse_block_outer(op, node):
    def sparse_block_outer(o, x, y, rows, columns, alpha):
        # As Theano's own evaluation, which leaves alpha out.
        rows, columns = rows[:, :, None], columns[:, None, :]
        _blocks(o, rows, columns)
        added = jnp.einsum("bin,bjm->bijnm", x, y)
        return jnp.asarray(o).at[rows, columns].add(added)

    return sparse_block_outer


def _blocks(w, rows, columns):
    for index, n in zip((rows, columns), w.shape, strict=False):
        error = IndexError(f"an index is out of bounds for {n} blocks")
        runtime_assert((index >= -n) & (index < n), error)
    return jnp.asarray(w)[rows, columns]
