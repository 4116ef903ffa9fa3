import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.extra_ops import Unique, searchsorted
from theano.tensor.sort import argtopk, topk, topk_and_argtopk

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check, check_gradient, random, same
from tests.helpers.varying_lengths import check_program


@pytest.mark.parametrize(
    ("dtype", "mode"),
    [
        *((dtype, "xla") for dtype in ("float32", "float64", "int8", "uint16")),
        ("float32", "FAST_COMPILE"),  # Theano's own
    ],
)
@parametrize("k", [1, 3, 7, -1, -4], fast=[1, -4])
@pytest.mark.parametrize("axis", [0, -1])
def test_the_largest_and_the_smallest(dtype, mode, k, axis):
    values = np.random.default_rng(0).permutation(49).reshape(7, 7).astype(dtype)
    x = T.TensorType(dtype, [False] * 2)()
    both = topk_and_argtopk(x, k, axis, sorted=False)
    alone = [f(x, k, axis, sorted=False, idx_dtype="int32") for f in (topk, argtopk)]
    found, where, *others = theano.function([x], [*both, *alone], mode=mode)(values)
    order = np.sort(values, axis)
    desired = np.take(order, range(7)[-k:] if k > 0 else range(7)[:-k], axis)
    same(np.sort(found, axis), desired)
    same(np.take_along_axis(values, where, axis), found)
    same(others[0], found)
    same(others[1], where.astype("int32"))


def test_gradients_of_the_largest():
    values = random(0, 9)
    check_gradient(lambda x: topk(x, 4, sorted=False), values, against_theano=False)


@pytest.mark.parametrize("k", [0, 4, -4])
def test_more_than_there_are_is_an_error(k):
    x, number = T.dvector(), T.iscalar()
    f = theano.function([x, number], topk(x, number, sorted=False), mode="xla")
    with pytest.raises(ValueError, match="topk"):
        f(np.zeros(3), k)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searching(side):
    x = np.array([3.0, 1.0, 2.0, 2.0, 5.0])
    order = np.argsort(x)
    check(
        lambda x, v, order: [
            searchsorted(x[order], v, side=side),
            searchsorted(x, v, side=side, sorter=order),
            searchsorted(x[order], v[0, 0], side=side),
        ],
        x,
        np.array([[2, 0], [9, 4]], "int8"),
        order,
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_searching_where_lengths_vary(side):
    def values(rng, n, m):
        sorted_, wanted = rng.integers(0, 9, n), rng.integers(-2, 12, m)
        wanted[-1] = np.iinfo("int64").max
        return [np.sort(sorted_), wanted, rng.normal(size=n)]

    def build(i, j, x):
        y = T.set_subtensor((x[::-1] / 2)[-1], np.inf)
        shares = T.cumsum(abs(x)) / abs(x).sum()
        return [
            searchsorted(i, j, side=side),
            searchsorted(i > 4, j > 4, side=side),
            searchsorted(x, y, side=side, sorter=T.argsort(x)),
            searchsorted(shares, abs(y) / 2, side=side),
            searchsorted(T.arange(4), j, side=side),
            searchsorted(T.sort(y), np.array([-1, 0, np.inf]), side=side),
        ]

    check_program(values, build)


@pytest.mark.parametrize("axis", [None, 0])
@parametrize("dtype", ["float64", "int8"], fast=["float64"])
def test_the_different_values(axis, dtype):
    x = np.array([[2, 1], [7, 3], [2, 1], [2, 0]], dtype)
    check(lambda x: Unique(True, True, True, axis)(x), x)
    check(lambda x: Unique(False, True, False, axis)(x), x)
    check(lambda x: Unique(axis=axis)(x).shape, x)
    check(lambda x: Unique()(x), np.zeros(0, dtype))


@pytest.mark.parametrize("axis", [1, -2])
def test_the_different_columns(axis):
    x = np.array([[[2, 1, 2], [7, 3, 7], [2, 1, 2]]])
    check(lambda x: Unique(True, True, True, axis)(x), x)
    check(lambda x: Unique(axis=axis)(x + x[0, 0, 0]), x)


PERMUTATIONS = np.array([[2, 0, 1], [1, 2, 0]])


@pytest.mark.parametrize("inverse", [False, True])
@parametrize("shape", [(3,), (2, 3), (4, 2, 3)], fast=[(2, 3)])
@pytest.mark.parametrize("order", [PERMUTATIONS, PERMUTATIONS[0]])
def test_permuted_rows(shape, order, inverse):
    def build(x, order):
        return T.permute_row_elements(x, order, inverse)

    check(build, random(0, shape), order)
    if not inverse:  # of which Theano has a wrong gradient
        check_gradient(build, random(0, shape), order)


def test_permutations_of_something_else_are_an_error():
    x, order = T.dmatrix(), T.lmatrix()
    f = theano.function([x, order], T.permute_row_elements(x, order), mode="xla")
    with pytest.raises(ValueError, match="mismatch"):
        f(np.zeros((1, 3)), PERMUTATIONS)
    with pytest.raises(ValueError, match="Rows of 4"):
        f(np.zeros((2, 4)), PERMUTATIONS)
    with pytest.raises(IndexError, match="numbers below 3"):
        f(np.zeros((2, 3)), PERMUTATIONS + 1)


def test_where_there_is_something():
    x = random(0, (3, 4), "int8") % 2
    check(lambda x: [*x.nonzero(), x.nonzero()[0].shape[0]], x)
    check(lambda x: [x.nonzero()[1][2:], x.nonzero()[1][-1]], x)
    check(lambda x: list(x.nonzero()), np.zeros((2, 2)))
