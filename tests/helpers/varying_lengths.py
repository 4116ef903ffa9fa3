"""Calls with lengths that vary, and what a function makes of them."""

import random

import numpy as np
import theano
import theano.tensor as T

from kfkd.xla import lengths as module
from tests.helpers.theano_oracle import same

__all__ = [
    "LENGTHS",
    "OWN",
    "TABLE",
    "W",
    "alike",
    "check_program",
    "chosen",
    "classified",
    "cube",
    "long_enough",
    "matrix",
    "one",
    "two",
    "with_gradient",
    "words",
]

OWN = theano.compile.mode.get_mode("FAST_RUN")  # Theano's own evaluation
W = np.random.default_rng(0).normal(size=(4, 4)) / 2
TABLE = np.random.default_rng(1).normal(size=(7, 4))
# Of two arguments, in more than one class, and in both orders.
LENGTHS = [(5, 4), (9, 3), (3, 12), (12, 16), (20, 2), (16, 17), (2, 20), (17, 30)]


def matrix(rng, n, width=4):
    return rng.normal(size=(n, width))


def with_gradient(cost, *variables):
    return [cost, *T.grad(cost, variables)]


def one(rng, n, m):
    return [matrix(rng, n)]


def alike(rng, n, m):
    return [matrix(rng, n), matrix(rng, n)]


def two(rng, n, m):
    return [matrix(rng, n), matrix(rng, m)]


def cube(rng, n, m):
    return [rng.normal(size=(n, m, 4))]


def words(rng, n, m):
    return [rng.integers(0, 7, n), matrix(rng, n)]


def classified(rng, n, m):
    return [matrix(rng, n), rng.integers(0, 4, n)]


def batch(rng, n, m):
    return [rng.normal(size=(n, m, 4)), (rng.uniform(size=(n, m)) < 0.8) * 1.0]


def long_enough(rng, n, m):
    return [matrix(rng, max(n, 3)), matrix(rng, max(n, 3))]


def chosen(rng, n, m):
    return [matrix(rng, n), rng.integers(0, n, m), rng.integers(0, 4, m)]


def classes(pairs):
    return {tuple(module._class(n) for n in pair) for pair in pairs}


def check_program(make, build):
    """Check that results are Theano's own, with one program for a class of lengths.

    Parameters
    ----------
    make : callable
        Returns the arguments of a call for a generator and two lengths.
    build : callable
        Returns the outputs for the variables of the arguments.
    """
    rng = np.random.default_rng(random.randrange(2**31))
    calls = [make(rng, n, m) for n, m in LENGTHS]
    inputs = [T.TensorType(v.dtype, [False] * v.ndim)() for v in calls[0]]
    outputs = build(*inputs)
    f, g = (theano.function(inputs, outputs, mode=mode) for mode in ("xla", OWN))
    for values in calls:
        for actual, desired in zip(f(*values), g(*values), strict=True):
            same(actual, desired, tolerance=1e-8)
    assert not f.fn.programs.varying.exact
    # The first two lengths have programs of their own.
    assert len(f.fn.jitted) <= 2 + len(classes(LENGTHS[2:]))
    known = len(f.fn.jitted)
    for values in calls:
        f(*values)
    assert len(f.fn.jitted) == known
