"""Diagonals of matrices: extracted, turned into matrices, filled.

Stripes of diagonals for ``conv3d2d`` are here as well.
"""

import jax.numpy as jnp
import numpy as np
from theano.tensor import basic as tb
from theano.tensor import extra_ops, nlinalg
from theano.tensor.nnet import conv3d2d

from kfkd.xla.dispatch import convert, sizes


@convert.register(tb.ExtractDiag)
def convert_extract_diag(op, node):
    return lambda x: jnp.diagonal(x, op.offset, op.axis1, op.axis2)


@convert.register(tb.AllocDiag)
def convert_alloc_diag(op, node):
    first, second = sorted((op.axis1, op.axis2))

    def alloc_diag(x):
        n = x.shape[-1]
        side = n + abs(op.offset)
        rows = np.arange(n) + max(0, -op.offset)
        columns = np.arange(n) + max(0, op.offset)
        matrices = jnp.zeros((*x.shape[:-1], side, side), x.dtype)
        matrices = matrices.at[..., rows, columns].set(x)
        return jnp.moveaxis(matrices, (-2, -1), (first, second))

    return alloc_diag


@convert.register(nlinalg.AllocDiag)
def convert_matrix_alloc_diag(op, node):
    return jnp.diag


@convert.register(extra_ops.FillDiagonal)
def convert_fill_diagonal(op, node):
    def fill_diagonal(x, value):
        if x.ndim > 2 and len(set(x.shape)) > 1:
            raise ValueError(
                f"The diagonal of more than a matrix takes equal sizes, not {x.shape}"
            )
        places = np.arange(min(x.shape))
        return jnp.asarray(x).at[(places,) * x.ndim].set(value)

    return fill_diagonal


@convert.register(extra_ops.FillDiagonalOffset)
def convert_fill_diagonal_offset(op, node):
    def fill_diagonal_offset(x, value, offset):
        rows, columns = np.indices(x.shape)
        return jnp.where(columns - rows == offset, value, x)

    return fill_diagonal_offset


def _stripe(shape, axes):
    """Return the indices of the diagonals that reach from one side to the other."""
    rows, columns = (shape[axis] for axis in axes)
    if rows < columns:
        raise ValueError(f"{rows} rows are too few for diagonals of {columns} columns")
    column = np.arange(columns)
    return np.arange(rows - columns + 1)[:, None] + columns - 1 - column, column


@convert.register(conv3d2d.DiagonalSubtensor)
def convert_diagonal_subtensor(op, node):
    def diagonal_subtensor(x, i0, i1):
        axes = sizes(i0, i1)
        stripe = jnp.moveaxis(x, axes, (0, 1))[_stripe(x.shape, axes)]
        return jnp.moveaxis(stripe, (0, 1), axes)

    return diagonal_subtensor


@convert.register(conv3d2d.IncDiagonalSubtensor)
def convert_inc_diagonal_subtensor(op, node):
    def inc_diagonal_subtensor(x, i0, i1, y):
        axes = sizes(i0, i1)
        stripe = jnp.moveaxis(x, axes, (0, 1)).at[_stripe(x.shape, axes)]
        return jnp.moveaxis(stripe.add(jnp.moveaxis(y, axes, (0, 1))), (0, 1), axes)

    return inc_diagonal_subtensor
