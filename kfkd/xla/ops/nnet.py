"""Softmax and the cross-entropies that Theano merges with it."""

import jax
import jax.numpy as jnp
import numpy as np
from theano.tensor.nnet import blocksparse, nnet

from kfkd.xla.dispatch import NotStatic, as_dtype, convert, dtype_of
from kfkd.xla.padded import (
    array_of,
    lengths_of,
    only_counted,
    padded,
    refuse_padded,
    refuse_varying,
    same_length,
    within,
)
from kfkd.xla.runtime_checks import runtime_assert


def _rows_counted(x, other):
    """Return a matrix with *other* in columns that do not count, and its lengths."""
    return array_of(only_counted(x, 1, other)), lengths_of(x)


@convert.register(nnet.Softmax, takes_padded=True)
def convert_softmax(op, node, x):
    x, lengths = _rows_counted(x, -jnp.inf)
    return padded(jax.nn.softmax(x, axis=1), lengths)


@convert.register(nnet.LogSoftmax, takes_padded=True)
def convert_log_softmax(op, node, x):
    x, lengths = _rows_counted(x, -jnp.inf)
    return padded(jax.nn.log_softmax(x, axis=1), lengths)


def _with_bias(x, b):
    """Return the sum of a matrix, whose rows may be padded, and a vector."""
    for v, axis in ((x, 1), (b, 0)):
        refuse_padded(v, axis)
    return array_of(x) + b, lengths_of(x)


@convert.register(nnet.SoftmaxWithBias, takes_padded=True)
def convert_softmax_with_bias(op, node, x, b):
    x, lengths = _with_bias(x, b)
    return padded(jax.nn.softmax(x, axis=1), lengths)


@convert.register(nnet.SoftmaxGrad, takes_padded=True)
def convert_softmax_grad(op, node, dy, sm):
    (dy, lengths), (sm, others) = _rows_counted(dy, 0), _rows_counted(sm, 0)
    _check_lengths(lengths, others)
    product = dy * sm
    result = product - jnp.sum(product, axis=1, keepdims=True) * sm
    return padded(result, lengths)


def _check_lengths(*lengths):
    """Raise unless padded arrays have the same lengths, by axis."""
    for other in lengths[1:]:
        if set(other) != set(lengths[0]):
            refuse_varying(*(n for found in lengths for n in found.values()))
            raise NotStatic
        for axis, n in other.items():
            if not same_length(n, lengths[0][axis]):
                raise ValueError("Shapes differ")


def _check_classes(y, n, counts=True):
    """Raise unless *y* is of classes from 0 to n - 1; JAX would clamp."""
    error = f"a class in the targets is out of bounds: there are {n} classes"
    runtime_assert(~counts | (y >= 0) & (y < n), ValueError(error))


def _pick(matrix, y, counts=True):
    """Return the entry of each row in column *y*, as a vector."""
    _check_classes(y, matrix.shape[1], counts)
    return jnp.take_along_axis(matrix, y[:, None].astype("int64"), axis=1)[:, 0]


def _one_hot(y, like, counts=True):
    """Return a matrix like *like* with ones in columns *y*, else zeros."""
    _check_classes(y, like.shape[1], counts)
    return jax.nn.one_hot(y, like.shape[1], dtype=like.dtype)


def _counts(y):
    """Return which entries of a vector count."""
    return within(y, 0) if lengths_of(y) else np.True_


@convert.register(nnet.CrossentropySoftmaxArgmax1HotWithBias, takes_padded=True)
def convert_crossentropy_softmax_argmax_1hot_with_bias(op, node, x, b, y):
    x, lengths = _with_bias(x, b)
    _check_lengths(lengths, lengths_of(y))
    log_probabilities = jax.nn.log_softmax(x, axis=1)
    loss = -_pick(log_probabilities, array_of(y), _counts(y))
    outputs = loss, jnp.exp(log_probabilities), jnp.argmax(x, axis=1)
    outputs = map(as_dtype, outputs, map(dtype_of, node.outputs))
    return tuple(padded(output, lengths) for output in outputs)


@convert.register(nnet.CrossentropySoftmax1HotWithBiasDx, takes_padded=True)
def convert_crossentropy_softmax_1hot_with_bias_dx(op, node, dy, sm, y):
    refuse_padded(sm, 1)
    rows = lengths_of(sm)
    one = array_of(dy).size == 1 and not lengths_of(dy)  # for all rows
    _check_lengths(rows, lengths_of(y), rows if one else lengths_of(dy))
    one_hot = _one_hot(array_of(y), array_of(sm), _counts(y))
    return padded(jnp.reshape(array_of(dy), (-1, 1)) * (array_of(sm) - one_hot), rows)


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
