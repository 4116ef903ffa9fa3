"""Elementwise operations that a program defines itself."""

import math

import pytest
import theano
import theano.tensor as T
from theano import scalar as ts
from theano.tensor.elemwise import Elemwise

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check, random

DTYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


class Scaled(ts.UnaryScalarOp):
    """An operation of a user's that JAX can trace."""

    def __init__(self, n, *args):
        self.n = n
        super().__init__(*args)

    def impl(self, x):
        return x * self.n


class Halved(ts.UnaryScalarOp):
    """One that takes plain numbers."""

    def impl(self, x):
        return x / 2 if x > 0 else math.floor(x)


class Split(ts.ScalarOp):
    """One with two results."""

    nin, nout = 2, 2

    def output_types(self, types):
        return [ts.float64, types[1]]

    def impl(self, x, y):
        return y - 5, x + y


def test_an_operation_without_conversion_is_named():
    x = T.dvector("x")
    with pytest.raises(
        NotImplementedError, match=r"Halved(.|\n)*test_users_elementwise"
    ):
        theano.function([x], Elemwise(Halved(ts.upgrade_to_float))(x), mode="xla")


@parametrize("dtype", DTYPES, fast=3)
def test_operations_of_a_user(dtype):
    x = random(27, (3, 4), dtype)
    scaled = Elemwise(Scaled(100, ts.upgrade_to_float, "scaled"))
    check(lambda x: [scaled(x), scaled(scaled(x)[0])], x)
    y = random(28, 4, dtype)
    check(
        Elemwise(Split(name="split")), x, y[None], broadcastable=[None, (True, False)]
    )
