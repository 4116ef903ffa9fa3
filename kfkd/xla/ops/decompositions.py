"""Inverses, decompositions and functions of matrices."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import linalg
from theano.tensor import nlinalg, slinalg

from kfkd.xla.dispatch import as_dtype, convert, dtype_of, runtime_assert
from kfkd.xla.padded import PaddedArray


def _exact(function):
    """Return *function* with its products computed in full precision."""

    def exact(*values):
        with jax.default_matmul_precision("highest"):
            return function(*values)

    return exact


def _require_regular(result, *operands):
    """Raise LinAlgError if the result of finite operands is not finite."""
    finite = jnp.all(jnp.isfinite(result))
    given = [jnp.all(jnp.isfinite(operand)) for operand in operands]
    singular = ~finite & jnp.all(jnp.stack(given))
    runtime_assert(~singular, np.linalg.LinAlgError("Singular matrix"))
    return result


@convert.register(nlinalg.MatrixInverse)
def convert_matrix_inverse(op, node):
    return _exact(lambda x: _require_regular(jnp.linalg.inv(x), x))


@convert.register(nlinalg.MatrixPinv)
def convert_matrix_pinv(op, node):
    # The threshold of NumPy's function, and not that of JAX.
    return _exact(lambda x: jnp.linalg.pinv(x, rtol=1e-15))


@convert.register(nlinalg.Det)
def convert_det(op, node):
    return _exact(jnp.linalg.det)


@convert.register(nlinalg.Eig)
def convert_eig(op, node):
    # As in Theano, of complex results only the real part.
    def eig(x):
        return tuple(jnp.real(v).astype(x.dtype) for v in jnp.linalg.eig(x))

    return _exact(eig)


@convert.register(nlinalg.Eigh)
def convert_eigh(op, node):
    def eigh(x):
        return jnp.linalg.eigh(x, UPLO=op.UPLO, symmetrize_input=False)

    return _exact(lambda x: tuple(eigh(x)))


def _of_triangle(gradient, lower):
    """Return the gradient by a triangle of the gradient by a symmetric matrix."""
    if lower:
        return jnp.tril(gradient) + jnp.triu(gradient, 1).T
    return jnp.triu(gradient) + jnp.tril(gradient, -1).T


@convert.register(nlinalg.EighGrad)
def convert_eigh_grad(op, node):
    dtype = dtype_of(node.outputs[0])

    def eigh_grad(x, w, v, gw, gv):
        distances = w - w[:, None]
        other = ~np.eye(len(w), dtype=bool)
        inner = jnp.where(other, v.T @ gv / jnp.where(other, distances, 1), 0)
        gradient = v @ (jnp.diag(gw) + inner.T) @ v.T
        return as_dtype(_of_triangle(gradient, op.UPLO == "L"), dtype)

    return _exact(eigh_grad)


@convert.register(nlinalg.QRFull)
def convert_qr_full(op, node):
    return _exact(lambda x: tuple(jnp.linalg.qr(x, op.mode)))


@convert.register(nlinalg.QRIncomplete)
def convert_qr_incomplete(op, node):
    return _exact(lambda x: jnp.linalg.qr(x, op.mode))


@convert.register(nlinalg.SVD)
def convert_svd(op, node):
    def svd(x):
        found = jnp.linalg.svd(x, bool(op.full_matrices), bool(op.compute_uv))
        return tuple(found) if op.compute_uv else found

    return _exact(svd)


@convert.register(nlinalg.lstsq)
def convert_lstsq(op, node):
    def least_squares(x, y, rcond):
        # jnp.linalg.lstsq wants to know rcond; the largest singular value is its unit.
        matrix = y.ndim == 2
        if x.ndim != 2 or len(x) != len(y) or rcond.ndim:
            raise np.linalg.LinAlgError(
                f"Shapes {x.shape}, {y.shape}, {rcond.shape} do not fit"
            )
        # NumPy computes in double precision whatever it is given.
        x, y2 = as_dtype(x, "float64"), as_dtype(y if matrix else y[:, None], "float64")
        u, s, vt = jnp.linalg.svd(x, full_matrices=False)
        # LAPACK takes nothing but a fraction for a cut-off, and the machine precision
        # instead. That is the largest error of rounding, half of NumPy's "eps".
        precision = np.finfo(np.float64).eps / 2
        cut = jnp.where((rcond <= 0) | (rcond >= 1), precision, rcond) * s[0]
        kept = s > cut
        inner = jnp.where(kept[:, None], u.T @ y2 / jnp.where(kept, s, 1)[:, None], 0)
        solution = vt.T @ inner
        rank = jnp.sum(kept)
        residuals = jnp.sum((y2 - x @ solution) ** 2, axis=0)
        # There are none unless the solution is one, of more equations than unknowns.
        full = (rank == x.shape[1]) & (x.shape[0] > x.shape[1])
        residuals = PaddedArray(residuals, jnp.where(full, len(residuals), 0))
        return solution if matrix else solution[:, 0], residuals, rank, s

    return _exact(least_squares)


@convert.register(nlinalg.TensorInv)
def convert_tensor_inv(op, node):
    return _exact(lambda x: jnp.linalg.tensorinv(x, op.ind))


@convert.register(nlinalg.TensorSolve)
def convert_tensor_solve(op, node):
    return _exact(lambda x, y: jnp.linalg.tensorsolve(x, y, op.axes))


def _cholesky(x, lower):
    """Return the factor, or NaN if the matrix is not positive definite."""
    factor = jax.lax.linalg.cholesky(x if lower else x.T, symmetrize_input=False)
    return factor if lower else factor.T


@convert.register(slinalg.Cholesky)
def convert_cholesky(op, node):
    def cholesky(x):
        factor = _cholesky(x, op.lower)
        failed = jnp.any(jnp.isnan(factor))
        if op.on_error == "raise":
            error = "The matrix is not positive definite"
            runtime_assert(~failed, np.linalg.LinAlgError(error))
        return jnp.where(failed, jnp.nan, factor)

    return _exact(cholesky)


@convert.register(slinalg.Solve)
def convert_solve(op, node):
    result = dtype_of(node.outputs[0])
    triangular = {"lower_triangular": True, "upper_triangular": False}

    def solve(a, b):
        a, b = as_dtype(a, result), as_dtype(b, result)
        if op.A_structure in triangular:
            lower = triangular[op.A_structure]
            found = linalg.solve_triangular(a, b, lower=lower)
        else:
            found = linalg.solve(a, b)
        return _require_regular(found, a, b)

    return _exact(solve)


def _generalized_eigh(a, b, lower):
    """Return eigenvalues and vectors of a v = w b v; each matrix is one triangle."""
    factor = _cholesky(b, lower)
    failed = jnp.any(jnp.isnan(factor))
    error = "The second matrix is not positive definite"
    runtime_assert(~failed, np.linalg.LinAlgError(error))
    factor = factor if lower else factor.T
    a = jnp.tril(a) + jnp.tril(a, -1).T if lower else jnp.triu(a) + jnp.triu(a, 1).T
    half = linalg.solve_triangular(factor, a, lower=True)
    reduced = linalg.solve_triangular(factor, half.T, lower=True)
    w, u = jnp.linalg.eigh(reduced)
    return w, linalg.solve_triangular(factor, u, lower=True, trans="T")


@convert.register(slinalg.Eigvalsh)
def convert_eigvalsh(op, node):
    dtype = dtype_of(node.outputs[0])

    def eigvalsh(a, b=None):
        if b is None:
            uplo = "L" if op.lower else "U"
            return jnp.linalg.eigh(a, UPLO=uplo, symmetrize_input=False)[0]
        return _generalized_eigh(as_dtype(a, dtype), as_dtype(b, dtype), op.lower)[0]

    return _exact(eigvalsh)


@convert.register(slinalg.EigvalshGrad)
def convert_eigvalsh_grad(op, node):
    dtype = dtype_of(node.outputs[0])

    def eigvalsh_grad(a, b, gw):
        w, v = _generalized_eigh(as_dtype(a, dtype), as_dtype(b, dtype), op.lower)
        gradients = v @ jnp.diag(gw) @ v.T, -v @ jnp.diag(gw * w) @ v.T
        return tuple(as_dtype(_of_triangle(g, op.lower), dtype) for g in gradients)

    return _exact(eigvalsh_grad)


@convert.register(slinalg.Expm)
def convert_expm(op, node):
    return _exact(linalg.expm)


@convert.register(slinalg.ExpmGrad)
def convert_expm_grad(op, node):
    def expm_grad(a, gradient):
        _, pullback = jax.vjp(linalg.expm, a)
        return pullback(as_dtype(gradient, a.dtype))[0]

    return _exact(expm_grad)
