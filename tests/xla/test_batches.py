"""Slices with computed bounds, as of mini-batches: one program for each length."""

import numpy as np
import pytest
import theano
import theano.tensor as T

from kfkd.xla import programs
from kfkd.xla.loop import BatchLoop, NoLoopError
from tests.helpers.cases import parametrize, some
from tests.helpers.theano_oracle import PYTHON, random, same

NUMBERS = [*range(-13, 14), 40, -40, 2**40, -(2**40)]


def function(*args, **kwargs):
    return theano.function(*args, mode="xla", **kwargs)


def n_programs(f):
    return len(f.fn.jitted)


SLICES = [
    lambda i: slice(i * 4, (i + 1) * 4),
    lambda i: slice(i, i + 3),
    lambda i: slice(i, i + 3, 2),
    lambda i: slice(i + 3, i, -1),
    lambda i: slice(i + 5, i, -2),
    lambda i: slice(i, -i),
    lambda i: slice(None, None, 2 * i + 1),
]
TO_THE_END = [
    lambda i: slice(None, i),
    lambda i: slice(i, None),
    lambda i: slice(i, None, -1),
    lambda i: slice(None, i, -3),
    lambda i: slice(2, i),
    lambda i: slice(i, -2, 3),
]


MANY = pytest.mark.filterwarnings("ignore:.*calls of a function have each taken")


@MANY
@parametrize("bounds", SLICES, fast=6)
def test_slices_are_numpys_and_programs_as_many_as_lengths(bounds):
    values, i = random(0, (10, 3)), T.lscalar("i")
    f = function([i], theano.shared(values)[bounds(i)])
    lengths = set()
    for _ in range(2):
        for number in NUMBERS:
            part = values[bounds(number)]
            same(f(number), part)
            lengths.add((len(part), bounds(number).step))
        assert n_programs(f) == len(lengths)


@MANY
@parametrize("bounds", TO_THE_END, fast=2)
def test_how_many_programs_of_slices_whose_length_the_number_tells(bounds):
    values, i = random(0, (60, 3)), T.lscalar("i")
    f = function([i], theano.shared(values)[bounds(i)])
    for number in range(1, 65):
        same(f(number), values[bounds(number)])
    assert n_programs(f) < 8


@MANY
@parametrize("bounds", TO_THE_END, fast=2)
def test_slices_to_the_end_are_numpys(bounds):
    values, i = random(0, (10, 3)), T.lscalar("i")
    f = function([i], theano.shared(values)[bounds(i)])
    for number in NUMBERS:
        same(f(number), values[bounds(number)])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint16", "int64"])
def test_bounds_of_any_integer_dtype(dtype):
    values, i = random(1, 200, "float32"), T.scalar("i", dtype)
    f = function([i], theano.shared(values)[i : i + np.array(5, dtype)])
    for number in (0, 3, 100, 120, *([-3, -10] if dtype[0] == "i" else [])):
        same(f(number), values[number : number + 5])


@pytest.mark.slow
def test_parts_and_what_is_written_into_them_are_theanos_own():
    x, i, j = T.dmatrix("x"), T.lscalar("i"), T.iscalar("j")
    parts = [
        x[i : i + 2, j : j + 3],
        x[i : i + 2, 1],
        x[j, i : i + 2],
        x[-1, i + 2 : i : -1],
        x[1:, i : i + 2],
        x[::-1, i : i + 4 : 2],
        x[i * 2 : (i + 1) * 2],
        x[:, None, i:],
        x[i : i + 2][:, j : j + 2],
        x[j : j + 4][i : i + 2][::-1],
    ]
    outputs = [
        *parts,
        *(T.set_subtensor(p, p * 2 + 1) for p in parts[:7]),
        *(T.inc_subtensor(p, 3) for p in parts[:7]),
        *(T.grad((p**3).sum(), x) for p in parts),
        *(p.shape for p in parts),
        T.zeros_like(parts[0]),
        T.concatenate([parts[0], parts[0] * 2]),
        parts[0].mean(axis=0),
    ]
    f = function([x, i, j], outputs)
    g = theano.function([x, i, j], outputs, mode=PYTHON)
    value = random(2, (7, 5))
    often = [(0, 0), (5, 4), (6, 2), (-3, -1), (3, 3)]
    for numbers in some([*often, (1, 1), (3, 1), (-7, 0)], *often):
        with np.errstate(all="ignore"):
            desired = g(value, *numbers)
        for a, d in zip(f(value, *numbers), desired, strict=True):
            same(a, d)


def test_a_set_slice_keeps_the_buffer():
    values = np.zeros((10, 2))
    cache, i, new = theano.shared(values), T.lscalar("i"), T.dmatrix("new")
    f = function(
        [i, new],
        [],
        updates=[(cache, T.set_subtensor(cache[i * 4 : (i + 1) * 4], new))],
    )
    for number, length in [(0, 4), (1, 4), (2, 2), (0, 4), (-1, 0)]:
        block = random(number + 5, (length, 2))
        f(number, block)
        values[number * 4 : (number + 1) * 4] = block
        same(cache.get_value(), values)
    assert n_programs(f) == 3
    assert not f.fn.checked  # so that it was given away
    with pytest.raises((AssertionError, ValueError), match=r"It is (.|\n)*Subtensor"):
        f(0, np.ones((3, 2)))
    same(cache.get_value(), values)


def test_a_number_that_an_update_counts():
    values = random(3, (6, 2))
    data, i, total = theano.shared(values), theano.shared(0), theano.shared(np.zeros(2))
    f = function(
        [],
        data[i : i + 2],
        updates=[(i, (i + 1) % 6), (total, total + data[i : i + 2].sum(axis=0))],
    )
    expected = np.zeros(2)
    for step in range(15):
        part = values[step % 6 : step % 6 + 2]
        same(f(), part)
        expected = expected + part.sum(axis=0)
    assert n_programs(f) == 2
    assert i.get_value() == 3
    np.testing.assert_allclose(total.get_value(), expected)
    i.set_value(-1)
    same(f(), values[-1:1])


def test_a_size_that_an_update_counts():
    n = theano.shared(1)
    f = function([], T.arange(n) * 2, updates=[(n, n + 1)])
    assert [f().tolist() for _ in range(3)] == [[0], [0, 2], [0, 2, 4]]


def softmax_regression(mode):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 6)).astype("float32")
    Y = theano.shared(rng.integers(0, 3, 50).astype("float32"))
    X, Y = theano.shared(X), T.cast(Y, "int32")
    w, b = theano.shared(np.zeros((6, 3), "float32")), theano.shared(np.zeros(3, "f4"))
    x, y, i = T.fmatrix("x"), T.ivector("y"), T.lscalar("i")
    p = T.nnet.softmax(T.dot(x, w) + b)
    cost = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
    error = T.mean(T.neq(T.argmax(p, axis=1), y))
    f = theano.function(
        [i],
        [cost, error],
        updates=[(v, v - np.float32(0.5) * T.grad(cost, v)) for v in (w, b)],
        givens={x: X[i * 12 : (i + 1) * 12], y: Y[i * 12 : (i + 1) * 12]},
        mode=mode,
    )
    outputs = [np.array(f(number)) for _ in range(3) for number in range(5)]
    return f, [*outputs, w.get_value(), b.get_value()]


def test_softmax_regression_in_batches_of_shared_data():
    f, actual = softmax_regression("xla")
    _, desired = softmax_regression("FAST_COMPILE")
    for a, d in zip(actual, desired, strict=True):
        np.testing.assert_allclose(a, d, rtol=1e-5, atol=1e-6)
    assert n_programs(f) == 2


def test_data_of_another_length():
    data, i = theano.shared(np.arange(10.0)), T.lscalar("i")
    f = function([i], data[i * 4 : (i + 1) * 4])
    for n in (10, 11, 3, 10):
        data.set_value(np.arange(float(n)))
        for number in range(4):
            same(f(number), np.arange(float(n))[number * 4 : (number + 1) * 4])


def test_sizes_that_depend_on_sizes():
    data, i, j = theano.shared(np.arange(10.0)), T.lscalar("i"), T.lscalar("j")
    part = data[i : i + 4]
    f = function([i, j], T.exp(part)[j : j + 2] + T.zeros((part.shape[0] // 4 + 1,))[0])
    for a in range(11):
        for b in range(-5, 6):
            same(f(a, b), np.exp(np.arange(10.0))[a : a + 4][b : b + 2])
    assert n_programs(f) < 20


def test_bounds_that_are_floats_at_first():
    x = T.dvector("x")
    n = T.cast(T.sum(x), "int64")
    f = function([x], x[n : n + 2])
    for values in ([0.5, 0.7, 0.1], [0.0, 0.2, 0.3], [1.0, 1.0, 0.5], [3.0, 2.0, 1.0]):
        begin = int(sum(values))
        same(f(values), np.array(values[begin : begin + 2]))


def test_a_loop_of_which_an_argument_bounds_a_slice():
    x, i = T.dvector("x"), T.lvector("i")
    f = function([x, i], x[i[0] : i[0] + 1])
    same(f(np.arange(4.0), [2]), np.array([2.0]))
    with pytest.raises(NoLoopError, match="depends on the values"):
        BatchLoop(f, [np.ones(4), np.ones(4, int)], 2)()


def test_the_programs_that_are_kept_are_bounded(monkeypatch):
    monkeypatch.setattr(programs, "_MOST_PROGRAMS", 3)
    n = T.lscalar("n")
    f = function([n], T.zeros((n,)))
    for size in [*range(8), *range(8)]:
        assert f(size).shape == (size,)
        assert n_programs(f) <= 3


def test_an_argument_that_is_changed_in_place():
    n, x = T.lvector("n"), T.dvector("x")
    f = function([n, x], x.reshape(n, ndim=2))
    shape, value = np.array([2, 3]), np.arange(6.0)
    for sizes in ([2, 3], [3, 2], [2, 3], [1, 6]):
        shape[:] = sizes
        same(f(shape, value), value.reshape(sizes))
