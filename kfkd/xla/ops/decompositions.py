"""Inverses, decompositions and functions of matrices."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import linalg
from theano.tensor import nlinalg, slinalg

from kfkd.xla.dispatch import as_dtype, convert, dtype_of
from kfkd.xla.padded import padded
from kfkd.xla.runtime_checks import runtime_assert


def _exact(function):
    """Return *function* with its products computed in full precision."""

    @functools.wraps(function)
    def exact(*arguments):
        with jax.default_matmul_precision("highest"):
            return function(*arguments)

    return exact


def _require_regular(result, *operands):
    """Raise LinAlgError if the result of finite operands is not finite."""
    finite = jnp.all(jnp.isfinite(result))
    given = [jnp.all(jnp.isfinite(operand)) for operand in operands]
    singular = ~finite & jnp.all(jnp.stack(given))
    runtime_assert(~singular, np.linalg.LinAlgError("Singular matrix"))
    return result


@convert.register(nlinalg.MatrixInverse)
@_exact
def convert_matrix_inverse(op, node, x):
    return _require_regular(jnp.linalg.inv(x), x)


@convert.register(nlinalg.MatrixPinv)
@_exact
def convert_matrix_pinv(op, node, x):
    # With the threshold of NumPy's function; JAX's is another.
    return jnp.linalg.pinv(x, rtol=1e-15)


@convert.register(nlinalg.Det)
@_exact
def convert_det(op, node, x):
    return jnp.linalg.det(x)


@convert.register(nlinalg.Eig)
@_exact
def convert_eig(op, node, x):
    # As in Theano, only the real part of complex results.
    return tuple(jnp.real(v).astype(x.dtype) for v in jnp.linalg.eig(x))


@convert.register(nlinalg.Eigh)
@_exact
def convert_eigh(op, node, x):
    return tuple(jnp.linalg.eigh(x, UPLO=op.UPLO, symmetrize_input=False))


def _of_triangle(gradient, lower):
    """Return the gradient by one triangle, given the gradient by a symmetric matrix."""
    if lower:
        return jnp.tril(gradient) + jnp.triu(gradient, 1).T
    return jnp.triu(gradient) + jnp.tril(gradient, -1).T


@convert.register(nlinalg.EighGrad)
@_exact
def convert_eigh_grad(op, node, x, w, v, gw, gv):
    distances = w - w[:, None]
    other = ~np.eye(len(w), dtype=bool)
    inner = jnp.where(other, v.T @ gv / jnp.where(other, distances, 1), 0)
    gradient = v @ (jnp.diag(gw) + inner.T) @ v.T
    return as_dtype(_of_triangle(gradient, op.UPLO == "L"), dtype_of(node.outputs[0]))


@convert.register(nlinalg.QRFull)
@_exact
def convert_qr_full(op, node, x):
    return tuple(jnp.linalg.qr(x, op.mode))


@convert.register(nlinalg.QRIncomplete)
@_exact
def convert_qr_incomplete(op, node, x):
    return jnp.linalg.qr(x, op.mode)


@convert.register(nlinalg.SVD)
@_exact
def convert_svd(op, node, x):
    found = jnp.linalg.svd(x, bool(op.full_matrices), bool(op.compute_uv))
    return tuple(found) if op.compute_uv else found


@convert.register(nlinalg.lstsq)
@_exact
def convert_lstsq(op, node, x, y, rcond):
    # jnp.linalg.lstsq takes no computed rcond (a fraction of the largest of s).
    matrix = y.ndim == 2
    if x.ndim != 2 or len(x) != len(y) or rcond.ndim:
        raise np.linalg.LinAlgError(
            f"Shapes {x.shape}, {y.shape}, {rcond.shape} do not fit"
        )
    # NumPy computes in double precision whatever it is given.
    x, y2 = as_dtype(x, "float64"), as_dtype(y if matrix else y[:, None], "float64")
    u, s, vt = jnp.linalg.svd(x, full_matrices=False)
    # LAPACK takes only fractions for a cut-off, and the machine precision instead of
    # anything else. That is the largest rounding error, half of NumPy's "eps".
    precision = np.finfo(np.float64).eps / 2
    cut = jnp.where((rcond <= 0) | (rcond >= 1), precision, rcond) * s[0]
    kept = s > cut
    inner = jnp.where(kept[:, None], u.T @ y2 / jnp.where(kept, s, 1)[:, None], 0)
    solution = vt.T @ inner
    rank = jnp.sum(kept)
    residuals = jnp.sum((y2 - x @ solution) ** 2, axis=0)
    # There are none unless the equations outnumber the unknowns and determine them.
    full = (rank == x.shape[1]) & (x.shape[0] > x.shape[1])
    residuals = padded(residuals, {0: jnp.where(full, len(residuals), 0)})
    return solution if matrix else solution[:, 0], residuals, rank, s


@convert.register(nlinalg.TensorInv)
@_exact
def convert_tensor_inv(op, node, x):
    return jnp.linalg.tensorinv(x, op.ind)


@convert.register(nlinalg.TensorSolve)
@_exact
def convert_tensor_solve(op, node, x, y):
    return jnp.linalg.tensorsolve(x, y, op.axes)


def _cholesky(x, lower):
    """Return the factor, and whether the matrix is not positive definite."""
    factor = jax.lax.linalg.cholesky(x if lower else x.T, symmetrize_input=False)
    return factor if lower else factor.T, jnp.any(jnp.isnan(factor))


@convert.register(slinalg.Cholesky)
@_exact
def convert_cholesky(op, node, x):
    factor, failed = _cholesky(x, op.lower)
    if op.on_error == "raise":
        error = "The matrix is not positive definite"
        runtime_assert(~failed, np.linalg.LinAlgError(error))
    return jnp.where(failed, jnp.nan, factor)


@convert.register(slinalg.Solve)
@_exact
def convert_solve(op, node, a, b):
    result = dtype_of(node.outputs[0])
    a, b = as_dtype(a, result), as_dtype(b, result)
    if op.A_structure in ("lower_triangular", "upper_triangular"):
        lower = op.A_structure == "lower_triangular"
        found = linalg.solve_triangular(a, b, lower=lower)
    else:
        found = linalg.solve(a, b)
    return _require_regular(found, a, b)


def _generalized_eigh(a, b, lower):
    """Return eigenvalues and vectors of a v = w b v; each matrix is one triangle."""
    factor, failed = _cholesky(b, lower)
    error = "The second matrix is not positive definite"
    runtime_assert(~failed, np.linalg.LinAlgError(error))
    factor = factor if lower else factor.T
    a = jnp.tril(a) + jnp.tril(a, -1).T if lower else jnp.triu(a) + jnp.triu(a, 1).T
    half = linalg.solve_triangular(factor, a, lower=True)
    reduced = linalg.solve_triangular(factor, half.T, lower=True)
    w, u = jnp.linalg.eigh(reduced)
    return w, linalg.solve_triangular(factor, u, lower=True, trans="T")


@convert.register(slinalg.Eigvalsh)
@_exact
def convert_eigvalsh(op, node, a, b=None):
    if b is None:
        uplo = "L" if op.lower else "U"
        return jnp.linalg.eigh(a, UPLO=uplo, symmetrize_input=False)[0]
    dtype = dtype_of(node.outputs[0])
    return _generalized_eigh(as_dtype(a, dtype), as_dtype(b, dtype), op.lower)[0]


@convert.register(slinalg.EigvalshGrad)
@_exact
def convert_eigvalsh_grad(op, node, a, b, gw):
    dtype = dtype_of(node.outputs[0])
    w, v = _generalized_eigh(as_dtype(a, dtype), as_dtype(b, dtype), op.lower)
    gradients = v @ jnp.diag(gw) @ v.T, -v @ jnp.diag(gw * w) @ v.T
    return tuple(as_dtype(_of_triangle(g, op.lower), dtype) for g in gradients)


@convert.register(slinalg.Expm)
@_exact
def convert_expm(op, node, a):
    return linalg.expm(a)


@convert.register(slinalg.ExpmGrad)
@_exact
def convert_expm_grad(op, node, a, gradient):
    _, pullback = jax.vjp(linalg.expm, a)
    return pullback(as_dtype(gradient, a.dtype))[0]
