import itertools

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.extra_ops import cumprod, cumsum
from theano.tensor.extra_ops import diff as differences

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check, check_gradient, random

DTYPES = ("float32", "float64", "int8", "int64", "uint8")
AXES = [None, *(a for n in (1, 2, 3) for a in itertools.combinations(range(3), n))]


@parametrize("dtype", DTYPES, fast=["float32", "int8"])
def test_over_all_choices_of_axes(dtype):
    check(
        lambda x: (
            [f(x, axis=axes) for f in (T.sum, T.max, T.min, T.mean) for axes in AXES]
            + [T.prod(x, axis=axes) for axes in (None, 0, (1, 2))]
        ),
        random(0, (3, 4, 2), dtype),
    )


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool"])
def test_dtypes_of_sums_and_products(dtype):
    check(
        lambda x: [
            T.sum(x),
            T.sum(x, dtype="float64"),
            T.prod(x, dtype="float64"),
            T.sum(x, dtype="float64", acc_dtype="float64"),
            T.sum(x, axis=-1, keepdims=True),
            T.all(x),
            T.any(x, axis=0),
            T.mean(x, dtype="float64"),
        ],
        random(1, (3, 3), dtype),
    )


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_the_mean_as_one_operation(axis):
    check(lambda x: T.mean(x, axis, op=True), random(13, (3, 4)))


def test_sums_over_nothing():
    check(lambda x: [x.sum(), x.sum(axis=0), x.prod(axis=1)], np.zeros((3, 0)))


@pytest.mark.parametrize("dtype", ["int16", "bool"])
def test_reductions_of_bits(dtype):
    from theano import scalar as ts
    from theano.tensor.elemwise import CAReduce

    x = random(2, (4, 3), dtype)
    check(lambda x: [CAReduce(op, 0)(x) for op in (ts.and_, ts.or_, ts.xor)], x)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_positions_with_ties_and_over_several_axes(dtype):
    x = random(3, (3, 4, 2), dtype)
    x[0, 1], x[2, 1] = x[0, 0], x[0, 1]
    check(
        lambda x: [
            *[T.argmax(x, axis=a) for a in (None, 0, 1, -1)],
            T.argmin(x, axis=1),
            *T.max_and_argmax(x, axis=(0, 2)),
            *T.max_and_argmax(x),
            *T.max_and_argmax(x, axis=1, keepdims=True),
        ],
        x,
    )


def test_statistics():
    check(
        lambda x: [
            T.var(x),
            T.std(x, axis=1),
            T.ptp(x, 0),
            x.norm(2),
            T.extra_ops.bincount(T.constant(np.array([1, 1, 3]))),
        ],
        random(4, (3, 5)),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int8"])
def test_running_sums_and_sorting(dtype):
    check(
        lambda x: [
            cumsum(x, 0),
            cumprod(x, 1),
            T.sort(x, 0),
            T.sort(x, -1),
            T.argsort(x, 1, kind="stable"),
            differences(x, 1, 0),
            differences(x, 2, 1),
        ],
        random(5, (3, 4), dtype),
    )


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16"])
def test_running_sums_that_do_not_fit(dtype):
    x = np.full((3, 4), np.iinfo(dtype).max if dtype != "bool" else 1, dtype)
    found = check(lambda x: [cumsum(x), cumsum(x, 1), cumprod(x, 0)], x)
    assert [v.dtype.name for v in found] == [dtype] * 3


@pytest.mark.parametrize(
    "build",
    [
        lambda x: T.sum(x**2, axis=(0, 2)),
        lambda x: T.mean(x**2, axis=1),
        lambda x: T.max(x, axis=1) ** 2,
        lambda x: T.min(x) ** 2,
        lambda x: T.prod(x, axis=1),
        lambda x: T.prod(x, axis=(0, 1), no_zeros_in_input=True),
        lambda x: T.std(x, axis=0),
        lambda x: cumsum(x, axis=1) ** 2,
        lambda x: T.sort(x, axis=1) ** 2,
        lambda x: x.norm(2),
    ],
)
def test_gradients(build):
    check_gradient(build, random(6, (3, 2, 2)))


@pytest.mark.parametrize("zeros", [[], [1], [1, 2]])
def test_gradient_of_a_product_with_zeros(zeros):
    x = random(7, (2, 4))
    x[0, zeros] = 0
    check_gradient(lambda x: T.prod(x, axis=1), x)


def test_a_reduction_without_conversion_is_named():
    from theano import scalar as ts
    from theano.tensor.elemwise import CAReduce

    x = T.dvector()
    with pytest.raises(NotImplementedError, match="reduction by"):
        theano.function([x], CAReduce(ts.arctan2)(x), mode="xla")
