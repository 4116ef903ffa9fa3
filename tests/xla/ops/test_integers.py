"""Where integers have no result of their own: divided by zero, cut off, too large."""

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check, same, variable

SIGNED = ("int8", "int16", "int32", "int64")
DTYPES = (*SIGNED, "uint8", "uint16", "uint32", "uint64", "bool")


@parametrize("dtype", DTYPES, fast=["int8", "int64", "uint16"])
def test_quotients_and_remainders_by_zero_are_zero(dtype):
    x, y = (values.ravel() for values in np.meshgrid([0, 1, 7, 100], [0, 1, 3]))
    found = check(
        lambda x, y: [T.int_div(x, y), T.mod(x, y), x // 0, T.mod(x, 0)],
        x.astype(dtype),
        y.astype(dtype),
    )
    for quotients in found[:2]:  # those of uint64 and the int8 0 are float64
        assert not quotients[y == 0].any()


@pytest.mark.parametrize("dtype", [*SIGNED, "float64"])
def test_negative_numbers_by_zero(dtype):
    x = np.array([-128, -7, -1, 0, 1, 127], dtype)
    check(lambda x, y: [x // y, x % y, x / y], x, np.zeros_like(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", [-1, -2, -3])
def test_negative_powers_lose_their_fraction(dtype, exponent):
    values = np.array([1, 2, 3, 5, 100, 127])
    if dtype in SIGNED:
        values = np.concatenate([values, -values, [-128]])
    values = values.astype(dtype)
    x = variable(values)
    power = x**exponent
    found = theano.function([x], power, mode="xla")(values)
    expected = values.astype("float64") ** exponent
    if power.dtype in SIGNED:  # not that of uint64 and int8, which is float64
        expected = np.trunc(expected)
    same(found, expected.astype(power.dtype))


@pytest.mark.parametrize("dtype", SIGNED)
def test_powers_by_exponents_of_both_signs(dtype):
    x, y = (values.ravel() for values in np.meshgrid([-3, -1, 1, 2], range(-4, 5)))
    values = [v.astype(dtype) for v in (x, y)]
    inputs = [variable(v) for v in values]
    found = theano.function(inputs, inputs[0] ** inputs[1], mode="xla")(*values)
    same(found, np.trunc(x.astype("float64") ** y).astype(dtype))


@pytest.mark.parametrize("dtype", SIGNED)
def test_zero_has_no_reciprocal(dtype):
    x = variable(np.zeros(2, dtype))
    found = theano.function([x], x**-1, mode="xla")(np.zeros(2, dtype))
    same(found, np.zeros(2, dtype))


@pytest.mark.parametrize("dtype", DTYPES[:-1])
@pytest.mark.parametrize("source", ["float32", "float64", "int64", "int16"])
def test_casts_wrap(source, dtype):
    x = np.array([0, 1, -1, -2, 127, 128, 255, 256, 300, -129, -300, 2**15 - 1], source)
    if source[0] == "f":
        x += np.asarray(0.25, source) * np.sign(x)
    modulo = np.array([int(v) % 2**64 for v in x], "uint64")
    (found,) = check(lambda x: T.cast(x, dtype), x)
    same(found, modulo.astype(dtype))


@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
@pytest.mark.parametrize("source", ["float32", "float64"])
def test_casts_of_large_numbers(source, dtype):
    largest = 2 ** (8 * np.dtype(dtype).itemsize - 1)
    x = np.array([largest, largest / 2, largest * 1.5], source)
    (found,) = check(lambda x: T.cast(x, dtype), x)
    same(found, np.array([int(v) for v in x], dtype))


def test_no_gradient_flows_through_integers():
    x = T.dvector()
    i = T.cast(x, "int32")
    cost = (x * (i**-1 + i // 2 + i % 2)).sum()
    value = np.array([1.0, 2.0, 5.0])
    gradient = theano.function([x], T.grad(cost, x), mode="xla")(value)
    np.testing.assert_allclose(gradient, [1 + 0 + 1, 0 + 1 + 0, 0 + 2 + 1])
