import functools

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.signal import pool

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check, check_gradient, random

MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")
# size, stride, pad
GEOMETRIES = [
    ((2, 2), None, (0, 0)), ((2, 3), None, (0, 0)), ((3, 2), (1, 2), (0, 0)),
    ((2, 2), (3, 3), (0, 0)), ((3, 3), (2, 2), (1, 1)), ((3, 2), (1, 1), (2, 1)),
]  # fmt: skip


def pooling(x, size, stride, pad, mode, ignore_border):
    return pool.pool_2d(
        x, size, ignore_border=ignore_border, stride=stride, pad=pad, mode=mode
    )


def is_allowed(mode, ignore_border, pad):
    """Whether Theano takes the combination."""
    return ignore_border or not any(pad)


@pytest.mark.parametrize("ignore_border", [True, False])
@parametrize("mode", MODES, fast=["max", "average_inc_pad"])
def test_all_geometries(mode, ignore_border):
    def build(x):
        return [
            pooling(x, size, stride, pad, mode, ignore_border)
            for size, stride, pad in GEOMETRIES
            if is_allowed(mode, ignore_border, pad)
        ]

    for dtype, shape in (("float32", (2, 3, 7, 6)), ("float64", (1, 2, 6, 5))):
        check(build, random(0, shape, dtype))


@pytest.mark.parametrize("ignore_border", [True, False])
@parametrize("mode", MODES, fast=["max", "average_inc_pad"])
@pytest.mark.parametrize(("size", "stride", "pad"), GEOMETRIES)
def test_gradients(size, stride, pad, mode, ignore_border):
    if not is_allowed(mode, ignore_border, pad):
        pytest.skip("Theano pads only where it ignores the border")
    check_gradient(
        lambda x: pooling(x, size, stride, pad, mode, ignore_border),
        random(1, (1, 2, 5, 4)),
        # Theano's own evaluation refuses the gradient of these.
        against_theano=not (mode in ("sum", "average_exc_pad") and any(pad)),
    )


@pytest.mark.parametrize("dtype", ["int8", "int64"])
def test_maxima_of_integers(dtype):
    x = -np.abs(random(2, (1, 2, 5, 5), dtype)) - 1  # below the zeros of padding
    check(lambda x: [pooling(x, s, t, p, "max", True) for s, t, p in GEOMETRIES], x)


@pytest.mark.parametrize(("size", "stride", "pad"), GEOMETRIES)
def test_all_maxima_of_a_window_get_the_gradient(size, stride, pad):
    # By hand: with padding, Theano's own evaluation takes windows at the edge too long.
    value = random(3, (6, 5), "int8").clip(-1, 1).astype("float64")  # full of ties
    desired = np.zeros_like(value)
    stride = stride or size
    counts = [
        (n + 2 * p - k) // s + 1
        for n, k, s, p in zip((6, 5), size, stride, pad, strict=True)
    ]
    for place in np.ndindex(*counts):
        window = tuple(
            slice(max(i * s - p, 0), i * s - p + k)
            for i, k, s, p in zip(place, size, stride, pad, strict=True)
        )
        desired[window] += value[window] == value[window].max()
    x = T.dtensor4()
    gradient = T.grad(pooling(x, size, stride, pad, "max", True).sum(), x)
    actual = theano.function([x], gradient, mode="xla")(value[None, None])
    np.testing.assert_array_equal(actual, desired[None, None])


@pytest.mark.parametrize("shape", [(7, 6), (3, 7, 6), (2, 1, 3, 7, 6)])
@pytest.mark.parametrize("mode", MODES)
def test_other_ranks(shape, mode):
    check(lambda x: pooling(x, (2, 3), (1, 2), (0, 1), mode, True), random(4, shape))


@pytest.mark.parametrize("mode", MODES)
def test_three_dimensions(mode):
    build = functools.partial(pool.pool_3d, ws=(2, 2, 1), ignore_border=True, mode=mode)
    check(build, random(5, (2, 2, 4, 5, 3)))
    check_gradient(build, random(6, (1, 1, 3, 4, 2)))


def test_one_dimension_as_lasagne_does_it():
    def build(x):
        x = x.dimshuffle(0, 1, 2, "x")
        return [
            pooling(x, (2, 1), stride, (0, 0), "max", border)[:, :, :, 0]
            for stride in ((2, 1), (1, 1), (3, 1))
            for border in (True, False)
        ]

    check(build, random(7, (2, 3, 7)))
    check_gradient(build, random(8, (1, 2, 5)))


@parametrize("mode", MODES, fast=["max"])
def test_after_a_convolution_where_channels_may_be_last(mode):
    def build(x, k):
        y = T.nnet.conv2d(x, k)
        return [
            pooling(y, size, stride, pad, mode, True)
            for size, stride, pad in GEOMETRIES[:4]
        ]

    x, k = random(9, (2, 2, 6, 5)), random(10, (3, 2, 2, 2))
    check(build, x, k)
    check_gradient(build, x[:1], k)


def test_gradients_of_gradients():
    def build(x):
        return T.grad(T.sum(pooling(x, (2, 2), None, (0, 0), "max", True) ** 3), x) ** 2

    check_gradient(build, random(11, (1, 1, 4, 4)), against_theano=False)


@pytest.mark.parametrize("stride", [None, (4, 1)])
@pytest.mark.parametrize("mode", MODES)
def test_windows_larger_than_the_image_are_none(mode, stride):
    x = T.dtensor4()
    y = pooling(x, (3, 1), stride, (0, 0), mode, True)
    gradient = T.grad(T.sum(y**2), x)
    f = theano.function([x], [y, gradient, T.grad(T.sum(gradient**2), x)], mode="xla")
    value = np.ones((2, 3, 1, 2))
    pooled, *gradients = f(value)
    assert pooled.shape == (2, 3, 0, 2)
    for found in gradients:
        np.testing.assert_array_equal(found, np.zeros_like(value))
