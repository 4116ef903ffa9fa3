import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check, check_gradient, random

SHAPES = {0: (), 1: (4,), 2: (4, 4), 3: (3, 4, 4)}


@parametrize("dtype", ["float32", "float64", "int64", "int8"], fast=["float32", "int8"])
@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_dot_of_all_ranks(first, dtype):
    x = random(0, SHAPES[first], dtype)
    ys = [random(rank, SHAPES[rank], dtype) for rank in range(4)]
    tolerance = 1e-4 if dtype == "float32" else None
    check(lambda x, *ys: [T.dot(x, y) for y in ys], x, *ys, tolerance=tolerance)


def test_dot_of_mixed_dtypes():
    x, y = random(1, (3, 4), "int8"), random(2, (4, 2), "float32")
    check(lambda x, y: [T.dot(x, y), T.dot(y.T, x.T)], x, y)


@pytest.mark.parametrize(
    "shapes",
    [
        ((5, 3, 4), (5, 4, 2)),
        ((5, 4), (5, 4, 2)),
        ((5, 3, 4), (5, 4)),
        ((5, 4), (5, 4)),
    ],
)
def test_batches_of_products(shapes):
    x, y = random(3, shapes[0]), random(4, shapes[1])
    check(T.batched_dot, x, y)
    check_gradient(T.batched_dot, x[:2], y[:2])


def test_tensor_products():
    x, y = random(5, (2, 3, 4)), random(6, (4, 3, 2))
    check(
        lambda x, y: [
            T.tensordot(x, y, 1),
            T.tensordot(x, y, [[1, 2], [1, 0]]),
            T.outer(x[0, 0], y[0, 0]),
            T.tensordot(x, y.T, [(0, 2), (0, 2)]),
            T.batched_tensordot(x, y.dimshuffle(2, 1, 0), [[1], [1]]),
        ],
        x,
        y,
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 2)), ((2, 2, 3), (3, 2))],
)
def test_gradients(first, second):
    check_gradient(T.dot, random(7, first), random(8, second))


def test_the_merged_forms_of_a_dense_layer():
    x, w, b = random(9, (4, 3)), random(10, (3, 2)), random(11, (2,))
    check(
        lambda x, w, b: [
            T.dot(x, w) + b,
            0.5 * T.dot(x, w) - T.dot(x, w + 1),
            T.dot(w.T, x.T),
        ],
        x,
        w,
        b,
    )


def test_batches_that_do_not_match_are_an_error():
    x, y = T.dtensor3(), T.dtensor3()
    f = theano.function([x, y], T.batched_dot(x, y), mode="xla")
    with pytest.raises(ValueError, match=r"2 and 3(.|\n)*BatchedDot"):
        f(np.ones((2, 2, 2)), np.ones((3, 2, 2)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_operations_of_blas(dtype):
    blas = T.blas
    check(
        lambda x, y, v, a, b: [
            blas._dot22(x, y),
            blas._dot22scalar(x, y, a),
            blas.gemm_no_inplace(x, a, x, y, b),
            blas.gemv_no_inplace(v, a, x, y[0], b),
            blas.ger(x, a, v, y[0]),
        ],
        random(0, (4, 4), dtype),
        random(1, (4, 4), dtype),
        random(2, 4, dtype),
        np.array(2, dtype),
        np.array(-3, dtype),
        tolerance=1e-4 if dtype == "float32" else None,
    )


def test_operations_of_blas_broadcast_nothing():
    x, y = T.dmatrices("xy")
    a = T.constant(1, dtype="float64")
    f = theano.function([x, y], T.blas.gemm_no_inplace(x, a, y, y, a), mode="xla")
    with pytest.raises(ValueError, match="differ"):
        f(np.ones((1, 3)), np.ones((3, 3)))


def test_products_in_place_of_what_is_no_number():
    z, x = np.full((3, 3), np.nan), random(9, (3, 3))
    check(
        lambda z, x, two, zero: [
            T.blas.gemm_no_inplace(z, two, x, x, zero),
            T.blas.gemv_no_inplace(z[0], two, x, x[0], zero),
        ],
        z,
        x,
        np.float64(2),
        np.float64(0),
        mode="FAST_RUN",
    )
