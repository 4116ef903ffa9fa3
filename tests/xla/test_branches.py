"""Choices: ``theano.ifelse``."""

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.ifelse import ifelse

from xla.oracle import check, check_gradient, random, same

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
