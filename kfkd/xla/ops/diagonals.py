"""Diagonals of matrices: extracted, turned into matrices, filled.

Stripes of diagonals for ``conv3d2d`` are here as well.
"""

import jax.numpy as jnp
import numpy as np
from theano.tensor import basic as tb
from theano.tensor import extra_ops, nlinalg
from theano.tensor.nnet import conv3d2d

from kfkd.xla.dispatch import convert, sizes
from kfkd.xla.padded import (
    array_of,
    lengths_of,
    logical_shape,
    padded,
    refuse_computed,
    refuse_padded,
)
from kfkd.xla.symbolic import compute


@convert.register(tb.ExtractDiag, takes_padded=True)
def convert_extract_diag(op, node, x):
    axes = [axis % x.ndim for axis in (op.axis1, op.axis2)]
    others = [n for axis, n in enumerate(logical_shape(x)) if axis not in axes]
    sides = [logical_shape(x)[axis] for axis in axes]
    refuse_computed(*sides)
    count = compute(lambda n, m: _length_of_diagonal(n, m, op.offset), *sides)
    return padded(jnp.diagonal(array_of(x), op.offset, *axes), [*others, count])


def _length_of_diagonal(rows, columns, offset):
    return np.maximum(np.minimum(rows + min(offset, 0), columns - max(offset, 0)), 0)


@convert.register(tb.AllocDiag, takes_padded=True)
def convert_alloc_diag(op, node, x):
    matrix_of = jnp.vectorize(lambda d: jnp.diag(d, op.offset), signature="(n)->(m,m)")
    *sizes, n = logical_shape(x)
    refuse_computed(n)
    axes = sorted((op.axis1, op.axis2))
    for axis in axes:
        sizes.insert(axis, compute(lambda n: n + abs(op.offset), n))
    return padded(jnp.moveaxis(matrix_of(array_of(x)), (-2, -1), axes), sizes)


@convert.register(nlinalg.AllocDiag, takes_padded=True)
def convert_matrix_alloc_diag(op, node, x):
    n = logical_shape(x)[0]
    refuse_computed(n)
    return padded(jnp.diag(array_of(x)), [n, n])


@convert.register(extra_ops.FillDiagonal, takes_padded=True)
def convert_fill_diagonal(op, node, x, value):
    if x.ndim > 2:  # all axes have to be equally long
        for axis in lengths_of(x):
            refuse_padded(x, axis)
    filled = jnp.fill_diagonal(array_of(x), array_of(value), inplace=False)
    return padded(filled, lengths_of(x))


@convert.register(extra_ops.FillDiagonalOffset, takes_padded=True)
def convert_fill_diagonal_offset(op, node, x, value, offset):
    rows, columns = np.indices(array_of(x).shape, sparse=True)
    fills = columns - rows == array_of(offset)
    return padded(jnp.where(fills, array_of(value), array_of(x)), lengths_of(x))


def _stripe(shape, axes):
    """Return the indices of the diagonals that reach from one side to the other."""
    rows, columns = (shape[axis] for axis in axes)
    if rows < columns:
        raise ValueError(f"{rows} rows are too few for diagonals of {columns} columns")
    column = np.arange(columns)
    return np.arange(rows - columns + 1)[:, None] + columns - 1 - column, column


@convert.register(conv3d2d.DiagonalSubtensor)
def convert_diagonal_subtensor(op, node, x, i0, i1):
    axes = sizes(i0, i1)
    stripe = jnp.moveaxis(x, axes, (0, 1))[_stripe(x.shape, axes)]
    return jnp.moveaxis(stripe, (0, 1), axes)


@convert.register(conv3d2d.IncDiagonalSubtensor)
def convert_inc_diagonal_subtensor(op, node, x, i0, i1, y):
    axes = sizes(i0, i1)
    stripe = jnp.moveaxis(x, axes, (0, 1)).at[_stripe(x.shape, axes)]
    return jnp.moveaxis(stripe.add(jnp.moveaxis(y, axes, (0, 1))), (0, 1), axes)
