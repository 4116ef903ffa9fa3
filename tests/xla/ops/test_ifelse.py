"""Choices: ``theano.ifelse``, ``choose`` and ``default``."""

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.ifelse import ifelse

from tests.helpers.theano_oracle import check, check_gradient, random, same

VECTOR = random(0, 5)


@pytest.mark.parametrize("condition", [np.int32(0), np.int8(-1), np.float64(0.5)])
def test_choices(condition):
    def build(c, x):
        first, second = ifelse(c, [x, x[0]], [2 * x, x[1]])
        return [first, second, ifelse(c > 0, x, x**2), ifelse(T.eq(c, 0), first, x)]

    check(build, condition, VECTOR, mode="FAST_RUN")


def test_what_is_chosen_may_have_another_shape():
    def build(n, x):
        return [ifelse(n > 2, x, x[1:]), ifelse(T.eq(x.shape[0], 5), x, x[1:])]

    for n in (2, 3):
        check(build, np.int32(n), VECTOR, mode="FAST_RUN")
    x = T.dvector()
    f = theano.function([x], ifelse(x[0] > 0, x, x[1:]), mode="xla")
    for values in ([1.0, 2.0], [-1.0, 2.0], [3.0, 4.0]):
        same(f(values), np.array(values if values[0] > 0 else values[1:]))
    f = theano.function([x], ifelse(x[0], x, x[1:]), mode="xla")
    for first in range(5):  # of all numbers that count as true, one is enough
        same(f([first, 7.0]), np.array([first, 7.0] if first else [7.0]))
    assert len(f.fn.jitted) == 2


@pytest.mark.parametrize("condition", [-1.0, 1.0])
def test_gradients(condition):
    def build(x):
        first, second = ifelse(x[0] * condition > 0, [x, x[0]], [T.exp(x), x[1] ** 2])
        return first * second

    check_gradient(build, np.abs(VECTOR))


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_choosing_among_rows_and_among_arrays(mode):
    def build(places, x, y):
        return [
            T.choose(places, x, mode=mode),
            T.choose(places[0], x, mode=mode),
            T.choose(T.minimum(places, 1), [y, x[:2]], mode=mode),
        ]

    x = random(1, (3, 4), "float32")
    places = np.array([[2, 0, 1, 1], [1, 2, 0, 2]])
    check(build, places, x, random(2, (1, 4), "float32"), mode="FAST_RUN")
    wrong = places + np.array([0, 4, -3, 0])
    if mode == "raise":
        with pytest.raises(ValueError, match=r"invalid entry(.|\n)*It is Choose"):
            check(lambda places, x: T.choose(places, x, mode=mode), wrong, x)
    else:
        check(lambda places, x: T.choose(places, x, mode=mode), wrong, x)


def test_the_default_of_what_is_none():
    x, y = T.dvectors("x", "y")
    f = theano.function([x, y], [T.default(x, y) * 2, y], mode="xla")
    given = [f(*values)[0].tolist() for values in (([1], [2]), (None, [3]), ([4], [2]))]
    assert given == [[2], [6], [8]]


def test_none_instead_of_an_array_is_an_error():
    x = T.dvector("x")
    f = theano.function([x], x * 2, mode="xla")
    with pytest.raises(ValueError, match=r"value of x is None(.|\n)*It is Elemwise"):
        f(None)
