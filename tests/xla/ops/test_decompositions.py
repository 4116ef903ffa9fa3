import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor import nlinalg, slinalg

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import PYTHON, check, check_gradient, random, same

SYMMETRIC = random(0, (4, 4)) + random(0, (4, 4)).T
POSITIVE = SYMMETRIC @ SYMMETRIC + np.eye(4)


@parametrize("dtype", ["float32", "float64"], fast=["float64"])
def test_functions_of_a_matrix(dtype):
    check(
        lambda x, y: [
            nlinalg.matrix_inverse(x),
            nlinalg.det(x),
            nlinalg.pinv(y),
            slinalg.expm(x / 4),
            nlinalg.matrix_power(x, 3),
            nlinalg.trace(x),
        ],
        POSITIVE.astype(dtype),
        random(1, (5, 3), dtype),
        tolerance=1e-3 if dtype == "float32" else 1e-9,
    )


def test_gradients():
    check_gradient(
        lambda x: [nlinalg.matrix_inverse(x), nlinalg.det(x), slinalg.expm(x / 4)],
        random(2, (4, 4)) + 3 * np.eye(4),
        tolerance=1e-4,
    )


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_eigenvalues_read_one_triangle(uplo):
    x = random(3, (4, 4))
    check(lambda x: nlinalg.Eigh(uplo)(x)[0], x)
    triangle, rest = (np.tril, -1) if uplo == "L" else (np.triu, 1)
    whole = triangle(x) + triangle(x, rest).T
    f = theano.function([y := T.dmatrix()], nlinalg.Eigh(uplo)(y), mode="xla")
    w, v = f(x)
    same(v @ np.diag(w) @ v.T, whole)

    def build(x):
        w, v = nlinalg.Eigh(uplo)(x)
        return [w, v**2]  # the signs of vectors are open

    check_gradient(build, x, tolerance=1e-5)


def test_general_eigenvalues():
    x = POSITIVE + np.triu(random(4, (4, 4)), 1) * 0.01
    f = theano.function([y := T.dmatrix()], nlinalg.eig(y), mode="xla")
    w, v = f(x)
    same(x @ v, v * w, tolerance=1e-9)


@pytest.mark.parametrize("lower", [True, False])
def test_generalized_eigenvalues(lower):
    x, y = SYMMETRIC, POSITIVE
    check(lambda x, y: slinalg.eigvalsh(x, y, lower), x, y, tolerance=1e-9)
    check(lambda x: slinalg.eigvalsh(x, T.NoneConst, lower), random(3, (4, 4)))
    check_gradient(lambda x, y: slinalg.eigvalsh(x, y, lower), x, y, tolerance=1e-4)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_factors(shape):
    x = T.dmatrix()
    value = random(5, shape)
    f = theano.function([x], nlinalg.svd(x, full_matrices=False), mode="xla")
    u, s, vt = f(value)
    same(u @ np.diag(s) @ vt, value)
    check(lambda x: nlinalg.svd(x, compute_uv=False), value)
    for mode in ("reduced", "complete"):
        q, r = theano.function([x], nlinalg.qr(x, mode), mode="xla")(value)
        same(q @ r, value)
        same(q.T @ q, np.eye(q.shape[1]))
    check(lambda x: T.abs_(nlinalg.qr(x, "r")), value)


@pytest.mark.parametrize("lower", [True, False])
def test_cholesky_reads_one_triangle(lower):
    other, k = (np.triu, 1) if lower else (np.tril, -1)
    check(slinalg.Cholesky(lower), POSITIVE + other(np.ones((4, 4)), k))
    check_gradient(slinalg.Cholesky(lower), POSITIVE, tolerance=1e-4)


def test_no_cholesky_factor():
    x = T.dmatrix()
    f = theano.function([x], slinalg.Cholesky()(x), mode="xla")
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        f(-np.eye(3))
    check(slinalg.Cholesky(on_error="nan"), -np.eye(3))


@parametrize(
    "structure",
    ["general", "lower_triangular", "upper_triangular"],
    fast=1,
)
def test_solving(structure):
    op = slinalg.Solve(structure)
    check(lambda a, b: [op(a, b), op(a, b[:, 0])], POSITIVE, random(7, (4, 2)))
    check_gradient(op, POSITIVE, random(7, (4, 2)), tolerance=1e-4)
    with pytest.raises(np.linalg.LinAlgError, match="ingular"):
        theano.function([a := T.dmatrix()], op(a, a), mode="xla")(np.zeros((3, 3)))


def test_singular():
    f = theano.function([x := T.dmatrix()], nlinalg.matrix_inverse(x), mode="xla")
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        f(np.diag([1.0, 0, 2]))
    assert np.isnan(f(np.full((2, 2), np.nan))).all()


@pytest.mark.parametrize("rank", [2, 3])
def test_least_squares(rank):
    x = random(8, (6, rank)) @ random(9, (rank, 3))
    op = nlinalg.lstsq()
    with theano.config.change_flags(floatX="float64"):
        y = random(10, (6, 2))
        check(lambda x, y, c: op(x, y, c)[:3], x, y, 1e-8, tolerance=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("smallest", "cut", "rank"),
    [
        (1e-5, 1e-4, 2),
        (1e-5, 1e-6, 3),
        # What is no fraction stands for LAPACK's machine precision, 1.1e-16.
        *[(1.0e-16, cut, 2) for cut in (0.0, -1.0, 1.0)],
        *[(1.2e-16, cut, 3) for cut in (0.0, -1.0, 1.0)],
    ],
)
def test_least_squares_up_to_a_cut_off(smallest, cut, rank, dtype):
    # No rounding decides on the rank of a matrix whose singular values can be read.
    x = np.diag([1, 0.5, smallest, 0])[:, :3].astype(dtype)
    op = nlinalg.lstsq()
    with theano.config.change_flags(floatX=dtype):
        solution, found = check(
            lambda x, y, c: [op(x, y, c)[0], op(x, y, c)[2]],
            x,
            random(10, (4, 2), dtype),
            np.float64(cut),
            tolerance=1e-6,
        )
    assert found == rank
    assert (np.abs(solution[2]) > 1e3).all() == (rank == 3)


def test_tensors():
    x, y = random(11, (6, 2, 3)), random(12, 6)
    check(lambda x: nlinalg.TensorInv(1)(x), x, tolerance=1e-9)
    inputs = [T.dtensor3(), T.dvector()]
    found = nlinalg.tensorsolve(*inputs)
    values = [
        theano.function(inputs, found, mode=mode)(x, y) for mode in ("xla", PYTHON)
    ]
    same(*values, tolerance=1e-9)
