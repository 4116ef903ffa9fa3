"""Special functions: compared with SciPy's."""

import functools

import numpy as np
import pytest
import scipy.special
import theano
import theano.tensor as T
from theano.scalar import basic_scipy as tss
from theano.tensor.elemwise import Elemwise

from tests.helpers.cases import ALL, parametrize, some
from tests.helpers.theano_oracle import check, check_gradient, random

POSITIVE = np.concatenate([np.logspace(-20, 2.5, 40), np.linspace(0.1, 60, 50)])
LINE = np.concatenate([-POSITIVE, [0.0], POSITIVE])
ORDERS = [0.0, 1.0, 2.0, 5.0, 30.0, 0.5, 7.25, 40.5, -1.0, -4.0, -0.5, -3.75]


@functools.cache  # as XLA takes seconds for each
def function(name, n_arguments):
    inputs = [T.dvector() for _ in range(n_arguments)]
    return theano.function(inputs, Elemwise(getattr(tss, name))(*inputs), mode="xla")


def scipys(name, *values):
    """Return what mode "xla" computes, and what SciPy does."""
    found = function(name, len(values))(*values)
    return found, getattr(scipy.special, name)(*values)


@parametrize("v", some(ORDERS, 0.0, 7.25, -4.0), fast=[7.25])
@pytest.mark.parametrize("name", ["jv", "iv"])
def test_bessel_functions(name, v):
    x = LINE if v == int(v) else POSITIVE
    found, desired = scipys(name, np.full_like(x, v), x)
    if name == "iv":
        np.testing.assert_allclose(found, desired, rtol=1e-12)
        return
    # Near its zeros, it is as exact as it is beside them.
    scale = np.maximum(abs(desired), np.sqrt(2 / np.pi / np.maximum(abs(x), 1)))
    wave = abs(x) > abs(v)
    np.testing.assert_allclose(found[~wave], desired[~wave], rtol=1e-11, atol=1e-290)
    np.testing.assert_array_less(abs(found - desired)[wave], 1e-13 * scale[wave])


@pytest.mark.parametrize("name", some(["j0", "j1", "i0", "i1", "erfcx"], "j1", "erfcx"))
def test_functions_of_one_argument(name):
    extreme = [-np.inf, -1e10, -28.0, 1e10, np.inf, np.nan] if name == "erfcx" else []
    found, desired = scipys(name, np.concatenate([LINE, extreme]))
    np.testing.assert_allclose(found, desired, rtol=3e-13, atol=3e-14)


@parametrize("name", ["jv", "iv"], fast=1)
def test_where_bessel_functions_are_no_numbers(name):
    v = np.array([0.5, np.nan, 1.0, 0.0, 2.0, -1.5, 0.0, 3.0])
    x = np.array([-1.0, 1.0, np.nan, 0.0, 0.0, 2.0, np.inf, -np.inf])
    found, desired = scipys(name, v, x)
    np.testing.assert_allclose(found, desired, rtol=1e-13)


def test_orders_beyond_reach_are_an_error():
    x, v = T.dvectors("x", "v")
    f = theano.function([v, x], T.jv(v, x), mode="xla")
    with pytest.raises(ValueError, match=r"order of a Bessel(.|\n)*It is Elemwise"):
        f([1e6], [1.0])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", some(["float32", "int64", "uint8"], "float32"))
def test_other_dtypes(dtype):
    x = np.arange(1, 9, dtype=dtype)
    check(
        lambda x: [
            *[f(x) for f in (T.j0, T.j1, T.i0, T.i1, T.psi, T.tri_gamma, T.gammaln)],
            T.gamma(x),
            T.erfcx(x),
            T.jv(x, x),
            T.iv(x, x),
        ],
        x,
        tolerance=1e-6 if dtype != "int64" else 1e-12,
    )


@pytest.mark.slow
def test_gradients():
    x = random(0, 4)
    check_gradient(lambda x: [T.jv(2.5, x), T.iv(1.5, x), T.erfcx(x)], abs(x) + 0.1)
    if ALL:
        check_gradient(lambda x: [T.j1(x), T.i1(x), T.erfcx(x)], x)


@pytest.mark.parametrize("build", [T.gammaln, T.erf])
def test_complex_numbers_have_no_conversion(build):
    x = T.zvector()
    with pytest.raises(NotImplementedError, match="has no conversion"):
        theano.function([x], build(x), mode="xla")


def test_within_an_empty_array():
    check(lambda x: [T.j0(x), T.i1(x), T.jv(x, x), T.iv(x, x)], np.zeros((0, 2)))
