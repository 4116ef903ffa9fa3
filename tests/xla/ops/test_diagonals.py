import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.extra_ops import fill_diagonal, fill_diagonal_offset
from theano.tensor.nnet.conv3d2d import conv3d, diagonal_subtensor

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check, check_gradient, random
from tests.helpers.varying_lengths import check_program, two


def test_diagonals():
    check(
        lambda x: (
            [
                T.ExtractDiag(o, a, b)(x)
                for o, a, b in [(0, 0, 1), (1, 1, 2), (-1, 0, 2)]
            ]
            + [
                T.AllocDiag(o, a, b)(x[0])
                for o, a, b in [(0, 0, 1), (1, 0, 2), (-2, 1, 2)]
            ]
        ),
        random(6, (3, 4, 5)),
    )


@parametrize("shape", [(3, 5), (5, 3), (3, 3), (3, 3, 3)], fast=2)
def test_filling_diagonals(shape):
    x = random(0, shape)
    check(fill_diagonal, x, np.float64(7))
    if len(shape) == 2:
        for offset in (-9, -4, -1, 0, 2, 3, 9):
            check(fill_diagonal_offset, x, np.float64(7), np.int32(offset))
        check_gradient(fill_diagonal, x, np.float64(7))
        check_gradient(lambda x, v: fill_diagonal_offset(x, v, -1), x, np.float64(7))


def test_filling_diagonals_of_lengths_that_vary():
    def build(x, y):
        pairs = T.dot(x, y.T)
        offset = T.minimum(x.shape[0] - y.shape[0], 2)  # Theano counts on beyond
        found = [
            *(fill_diagonal(pairs, pairs[0, 0]), fill_diagonal(x, 3.0)),
            *(fill_diagonal_offset(pairs, 2.0, k) for k in (-2, 1, offset)),
        ]
        return [*found, *(T.grad((r**2).sum(), x) for r in found[:3])]

    check_program(two, build)


def test_the_diagonal_of_sizes_that_differ_is_an_error():
    x = T.dtensor3()
    f = theano.function([x], fill_diagonal(x, 1.0), mode="xla")
    with pytest.raises(ValueError, match="equal length"):
        f(np.zeros((2, 3, 3)))


def test_a_diagonal_as_it_was_made_before():
    with pytest.warns(DeprecationWarning, match="AllocDiag"):
        check(theano.tensor.nlinalg.AllocDiag(), random(1, 3))


@pytest.mark.filterwarnings("ignore:Setting the strides")
@pytest.mark.parametrize("axes", [(0, 2), (2, 1)])
def test_stripes(axes):
    def build(x):
        return diagonal_subtensor(x, *axes)

    x = random(9, (5, 2, 3))
    check(build, x)
    check_gradient(build, x)


def test_stripes_that_are_too_wide_are_an_error():
    f = theano.function([x := T.dmatrix()], diagonal_subtensor(x, 0, 1), mode="xla")
    with pytest.raises(ValueError, match="too few"):
        f(np.zeros((2, 3)))


@pytest.mark.filterwarnings("ignore:Setting the strides")
@pytest.mark.parametrize("border", ["valid", "full"])
def test_convolutions_in_three_dimensions_by_two(border):
    x, k = random(10, (2, 4, 2, 5, 4)), random(11, (3, 2, 2, 3, 2))
    check(lambda a, b: conv3d(a, b, x.shape, k.shape, border), x, k)
