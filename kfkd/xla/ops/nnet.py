"""Softmax and the cross-entropies that Theano merges with it."""

import jax
import jax.numpy as jnp
import numpy as np
from theano.tensor.nnet import blocksparse, nnet

from kfkd.xla.counts import in_program
from kfkd.xla.dispatch import as_dtype, convert, dtype_of
from kfkd.xla.padded import (
    PaddedArray,
    array_of,
    fitted,
    lengths_of,
    logical_shape,
    only_counted,
    padded,
)
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.sizes import same_length


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
    """Return the sum of a matrix and a vector, as `_rows_counted` does."""
    _check_same(logical_shape(x)[1], logical_shape(b)[0])
    total = PaddedArray(array_of(x) + array_of(b), lengths_of(x))
    return _rows_counted(total, -jnp.inf)


@convert.register(nnet.SoftmaxWithBias, takes_padded=True)
def convert_softmax_with_bias(op, node, x, b):
    x, lengths = _with_bias(x, b)
    return padded(jax.nn.softmax(x, axis=1), lengths)


@convert.register(nnet.SoftmaxGrad, takes_padded=True)
def convert_softmax_grad(op, node, dy, sm):
    for sizes in zip(logical_shape(dy), logical_shape(sm), strict=True):
        _check_same(*sizes)
    wanted = dict(enumerate(logical_shape(sm)))
    (dy, _), (sm, lengths) = _rows_counted(dy, 0), _rows_counted(sm, 0)
    dy = fitted(dy, wanted)
    product = dy * sm
    result = product - jnp.sum(product, axis=1, keepdims=True) * sm
    return padded(result, lengths)


def _check_same(*sizes):
    """Raise ValueError unless sizes are equal."""
    if not all(same_length(n, sizes[0]) for n in sizes):
        raise ValueError(f"Sizes differ: {sizes}")


def _checked_classes(y, matrix):
    """Return the class of each row, checked to be a column; JAX would clamp."""
    rows, n = logical_shape(matrix)
    _check_same(logical_shape(y)[0], rows)
    y = fitted(array_of(y), {0: rows})
    counts = (
        np.True_ if isinstance(rows, int) else jnp.arange(len(y)) < in_program(rows)
    )
    known = f": there are {n} classes" if isinstance(n, int) else ""
    error = ValueError(f"a class in the targets is out of bounds{known}")
    runtime_assert(~counts | (y >= 0) & (y < in_program(n)), error)
    return y.astype("int64")


def _pick(matrix, y):
    """Return the entry of each row in column *y*, as a vector."""
    y = _checked_classes(y, matrix)
    return jnp.take_along_axis(array_of(matrix), y[:, None], axis=1)[:, 0]


def _one_hot(y, like):
    """Return a matrix like *like* with ones in columns *y*, else zeros."""
    y = _checked_classes(y, like)
    return jax.nn.one_hot(y, array_of(like).shape[1], dtype=like.dtype)


def _by_row(vector, like):
    """Return a vector as a column, to multiply the rows of *like* with."""
    rows = logical_shape(like)[0]
    _check_same(logical_shape(vector)[0], rows)
    return fitted(array_of(vector), {0: rows})[:, None]


@convert.register(nnet.CrossentropySoftmaxArgmax1HotWithBias, takes_padded=True)
def convert_crossentropy_softmax_argmax_1hot_with_bias(op, node, x, b, y):
    x, lengths = _with_bias(x, b)
    log_probabilities = jax.nn.log_softmax(x, axis=1)
    loss = -_pick(PaddedArray(log_probabilities, lengths), y)
    outputs = loss, jnp.exp(log_probabilities), jnp.argmax(x, axis=1)
    outputs = map(as_dtype, outputs, map(dtype_of, node.outputs))
    rows = _of_rows(lengths)
    return tuple(map(padded, outputs, (rows, lengths, rows)))


def _of_rows(lengths):
    return {axis: n for axis, n in lengths.items() if axis == 0}


@convert.register(nnet.CrossentropySoftmax1HotWithBiasDx, takes_padded=True)
def convert_crossentropy_softmax_1hot_with_bias_dx(op, node, dy, sm, y):
    difference = array_of(sm) - _one_hot(y, sm)
    one = array_of(dy).size == 1 and not lengths_of(dy)  # for all rows
    factor = jnp.reshape(array_of(dy), (1, 1)) if one else _by_row(dy, sm)
    return padded(factor * difference, lengths_of(sm))


@convert.register(nnet.CrossentropyCategorical1Hot, takes_padded=True)
def convert_crossentropy_categorical_1hot(op, node, coding, y):
    return padded(-jnp.log(_pick(coding, y)), _of_rows(lengths_of(coding)))


@convert.register(nnet.CrossentropyCategorical1HotGrad, takes_padded=True)
def convert_crossentropy_categorical_1hot_grad(op, node, gradient, coding, y):
    one_hot, factor = _one_hot(y, coding), _by_row(gradient, coding)
    divisor = jnp.where(one_hot == 1, array_of(coding), 1)
    return padded(-one_hot * factor / divisor, lengths_of(coding))


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
