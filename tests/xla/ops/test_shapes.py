import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.extra_ops import bartlett, diff, repeat
from theano.tensor.opt import Assert

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import DEEP, check, check_gradient, random, same

KINDS = ("float32", "float64", "int8", "int64", "bool")


@parametrize("dtype", KINDS, fast=["float32", "bool"])
def test_reshaping_and_transposing(dtype):
    check(
        lambda x: [
            x.reshape((3, -1)),
            x.reshape((x.shape[0] * 3, x.shape[2], 1)),
            T.reshape(x, x.shape[::-1]),
            x.flatten(),
            x.flatten(2),
            x.ravel(),
            x.dimshuffle(2, "x", 0, 1),
            x.T,
            x[:1].dimshuffle(1, 2, 0),
            T.shape_padleft(x),
            T.shape_padright(x, 2),
            T.swapaxes(x, 0, 2),
            T.addbroadcast(x[:, :1], 1)[:, 0],
            T.unbroadcast(x[:1], 0),
            T.specify_shape(x, (4, 3, 2)),
            x.shape,
            x.shape[1],
            x.size,
            x.transpose(1, 0, 2),
        ],
        random(0, (4, 3, 2), dtype),
    )


@parametrize("dtype", KINDS, fast=["float32", "bool"])
def test_joining_splitting_and_repeating(dtype):
    x, y = random(1, (2, 3), dtype), random(2, (4, 3), dtype)

    def build(x, y):
        return [
            T.concatenate([x, y]),
            T.concatenate([x, y[:2]], axis=1),
            T.stack([x, y[:2]]),
            T.stack([x, x], axis=1),
            *T.split(y, [1, 0, 3], 3),
            T.tile(x, (2, 3)),
            T.tile(x, (2, 1, 1), ndim=3),
            T.repeat(x, 2, axis=0),
            T.repeat(x, 3),
            T.repeat(y, [0, 1, 2, 1], axis=0),
            T.horizontal_stack(x, x),
            T.roll(y, 2, axis=0),
            T.join(-1, x, x),
        ]

    check(build, x, y)


def test_joining_mixed_dtypes():
    check(
        lambda x, y: T.concatenate([x, y]),
        random(3, 4, "float32"),
        random(4, 2, "int64"),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_arrays_made_from_sizes(dtype):
    def build(x):
        n, m = x.shape
        return [
            T.zeros_like(x),
            T.ones((n, 2, m), dtype),
            T.alloc(x, 3, n, m),
            T.fill(x, 7),
            T.eye(n, m, 1, dtype),
            T.identity_like(x),
            T.arange(n),
            T.arange(2, 12, m),
            T.arange(0, 1, 0.1),
            T.arange(n, dtype=dtype),
            T.diag(x),
            T.diag(x[0]),
            T.mgrid[0:3, 0:2][0],
            T.tri(3, 4, 1),
            T.triu(x),
            T.tril(x),
            T.nlinalg.trace(x) if dtype == "float64" else x,
            T.zeros((0, 3)),
            T.alloc(np.float32(2), n * 100, m * 100)[:2],
        ]

    check(build, random(5, (3, 4), dtype))


def test_windows_of_a_size():
    for n in (-1, 0, 1, 2, 7):
        check(lambda n: [bartlett(n), bartlett(n + 1).shape], np.int32(n))


def test_shapes_from_scalar_inputs():
    f = theano.function(
        [n := T.iscalar(), x := T.dvector()],
        [T.zeros((n, 2)), T.arange(n), x.reshape((n, -1)), T.tile(x, n, ndim=1)],
        mode="xla",
    )
    for size in (2, 3, 2):
        zeros, count, reshaped, tiled = f(size, np.arange(6.0))
        assert zeros.shape == (size, 2)
        assert count.tolist() == list(range(size))
        np.testing.assert_array_equal(reshaped, np.arange(6.0).reshape(size, -1))
        np.testing.assert_array_equal(tiled, np.tile(np.arange(6.0), size))


def test_a_size_that_is_computed():
    x = T.dvector("x")
    n = T.cast(T.sum(x), "int64")
    f = theano.function([x], T.zeros((n,), "float64"), mode="xla")
    for values in (np.ones(3), np.zeros(2), np.ones(3) / 2):
        same(f(values), np.zeros(int(values.sum())))


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda x: x.reshape((4, 2)), (3, 3)),
        (lambda x: T.specify_shape(x, (3, 4)), (3, 3)),
        (lambda x: T.addbroadcast(x, 0) + T.ones((2, 3)), (2, 3)),
        (lambda x: T.concatenate([x, T.ones((2, 2))]), (3, 3)),
        (lambda x: T.split(x, [1, 1], 2)[0], (3, 3)),
        (lambda x: T.dot(x, T.ones((2, 2))), (3, 3)),
    ],
)
def test_shapes_that_do_not_fit_are_an_error(build, shape):
    x = T.dmatrix("x")
    with theano.config.change_flags(traceback__limit=DEEP):
        f = theano.function([x], build(x), mode="xla")
    with pytest.raises((AssertionError, ValueError), match=r"It is (.|\n)*test_shapes"):
        f(np.ones(shape))


def test_assertions_on_shapes_and_on_values():
    x = T.dvector("x")
    state = theano.shared(np.zeros(2))
    checked = Assert("too short")(x, x.shape[0] > 1)
    checked = Assert("not positive")(checked, T.all(x > 0), T.sum(x) < 9)
    f = theano.function([x], 2 * checked, updates=[(state, state + x[:2])], mode="xla")
    assert f(np.array([1.0, 2.0])).tolist() == [2, 4]
    with pytest.raises(AssertionError, match="too short"):
        f(np.array([1.0]))
    for wrong in ([1.0, -1.0], [1.0, 9.0]):
        with pytest.raises(AssertionError, match=r"not positive(.|\n)*test_shapes"):
            f(np.array(wrong))
    assert state.get_value().tolist() == [1, 2]  # as before the calls that failed
    assert f(np.array([3.0, 1.0])).tolist() == [6, 2]


@pytest.mark.parametrize(
    "build",
    [
        lambda x: x.reshape((2, -1)) ** 2,
        lambda x: T.concatenate([x, x * 2], 1) ** 2,
        lambda x: T.split(x**2, [1, 2], 2, axis=0),
        lambda x: T.tile(x, (2, 2)) ** 2,
        lambda x: T.repeat(x, 2, axis=1) ** 2,
        lambda x: T.diag(x) ** 2,
        lambda x: T.diag(x[0]) ** 2,
        lambda x: x.T.dimshuffle(0, "x", 1) ** 2,
        lambda x: T.alloc(x[0], 3, x.shape[1]) ** 2,
        lambda x: diff(x[0]) ** 2,
    ],
)
def test_gradients(build):
    check_gradient(build, random(7, (3, 4)))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64"])
def test_more_repetitions_than_their_dtype_can_count(dtype):
    x, repeats = random(0, (100, 3)), np.full(100, 3, dtype)
    check(lambda x, n: [repeat(x, n, axis=0), repeat(x[:, 0], n)], x, repeats)


def test_joining_along_an_axis_given_at_the_call():
    x, axis = T.dmatrix(), T.lscalar()
    f = theano.function([x, axis], T.join(axis, x, x), mode="xla")
    value = random(7, (2, 3))
    for given in (0, 1, -1, -2):
        same(f(value, given), np.concatenate([value, value], given))
    for given in (2, -3):
        with pytest.raises(IndexError, match=r"out of bounds(.|\n)*It is Join"):
            f(value, given)


@pytest.mark.parametrize("make", [T.eye, T.tri])
def test_diagonals_without_a_number_of_columns(make):
    n, m, k = T.lscalars("n", "m", "k")
    f = theano.function([n, m, k], make(n, m, k, "float32"), mode="xla")
    desired = getattr(np, make.__name__)
    for m in (None, 4, None):
        same(f(3, m, 1), desired(3, m, 1, dtype="float32"))
