import numpy as np
import pytest
from theano.tensor import fft, fourier

from tests.helpers.theano_oracle import check, check_gradient, random


@pytest.mark.parametrize("n", [6, 7])
@pytest.mark.parametrize("norm", [None, "ortho", "no_norm"])
def test_real_transforms(n, norm):
    def build(x):
        found = fft.rfft(x, norm)
        return [found, fft.irfft(found, norm, is_odd=n % 2 == 1)]

    check(build, random(0, (2, 4, n)))


def test_gradients_of_real_transforms():
    check_gradient(lambda x: fft.rfft(x), random(1, (2, 5)))
    check_gradient(lambda x: fft.irfft(x), random(2, (2, 4, 2)))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("n", [3, 5, 8])
def test_complex_transforms(n, axis):
    check(lambda x: fourier.fft(x, n, axis), random(3, (5, 4)))
    check(lambda x, n: fourier.fft(x, n, axis), random(3, (5, 4)), np.int32(n))
