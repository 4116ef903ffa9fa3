"""The precision of products, against products of rounded operands."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet import conv2d

from kfkd import xla
from kfkd.xla import precision

rng = np.random.default_rng(0)
A = rng.normal(size=(5, 40)).astype("float32")
B = rng.normal(size=(40, 3)).astype("float32")
IMAGES = rng.normal(size=(2, 3, 7, 6)).astype("float32")
FILTERS = rng.normal(size=(4, 3, 3, 2)).astype("float32")


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.delenv("KFKD_PRECISION", raising=False)
    xla.set_precision(None)
    yield
    xla.set_precision(None)


def rounded(array):
    """Return an array whose values are those that bfloat16 has."""
    return np.asarray(jnp.asarray(array).astype(jnp.bfloat16).astype("float32"))


def dot(a, b):
    x, y = T.fmatrices(2)
    return theano.function([x, y], T.dot(x, y))(a, b)


def convolution(images, filters):
    """Return a convolution and its gradients."""
    x, k = T.ftensor4s(2)
    y = conv2d(x, k, filter_flip=False)
    outputs = [y, *T.grad((y**2).sum(), [x, k])]
    return theano.function([x, k], outputs)(images, filters)


def test_bfloat16_rounds_what_is_multiplied_and_sums_exactly():
    exact = A.astype("float64") @ B
    xla.set_precision("float32")
    np.testing.assert_allclose(dot(A, B), exact, rtol=1e-4, atol=1e-5)
    xla.set_precision("bfloat16")
    found = dot(A, B)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, rounded(A) @ rounded(B), rtol=1e-4, atol=1e-5)
    assert abs(found - exact).max() > 1e-3


@pytest.mark.usefixtures("formulation")
def test_convolutions_and_their_gradients_in_bfloat16():
    xla.set_precision("float32")
    exact = convolution(IMAGES, FILTERS)
    xla.set_precision("bfloat16")
    for found, expected in zip(convolution(IMAGES, FILTERS), exact, strict=True):
        assert found.dtype == np.float32
        scale = abs(expected).max()
        off = abs(found - expected).max() / scale
        assert 1e-4 < off < 3e-2


def test_other_dtypes_are_not_rounded():
    x, y = T.dmatrices(2)
    f = theano.function([x, y], T.dot(x, y))
    xla.set_precision("bfloat16")
    a, b = A.astype("float64"), B.astype("float64")
    np.testing.assert_allclose(f(a, b), a @ b, rtol=1e-12)
    i = T.lmatrix()
    f = theano.function([i], T.dot(i, i.T))
    n = np.array([[1000, 3]])
    assert f(n) == [[1000009]]


def test_a_function_follows_the_choice():
    x, y = T.fmatrices(2)
    f = theano.function([x, y], T.dot(x, y))
    xla.set_precision("float32")
    before = f(A, B)
    xla.set_precision("bfloat16")
    assert not np.array_equal(f(A, B), before)
    xla.set_precision("float32")
    np.testing.assert_allclose(f(A, B), before, rtol=1e-5)


def test_float32_is_told_to_the_compiler():
    def traced():
        with precision.precisely():
            return str(jax.make_jaxpr(jnp.dot)(A, B))

    assert "HIGHEST" not in traced()
    xla.set_precision("float32")
    assert "HIGHEST" in traced()


def test_who_chooses(monkeypatch):
    assert xla.get_precision() == "tensorfloat32"
    monkeypatch.setenv("KFKD_PRECISION", "bfloat16")
    assert xla.get_precision() == "bfloat16"
    xla.set_precision("float32")
    assert xla.get_precision() == "float32"
    xla.set_precision(None)
    assert xla.get_precision() == "bfloat16"


def test_an_unknown_precision_is_an_error(monkeypatch):
    with pytest.raises(xla.PrecisionError, match="'float8'; there are tensorfloat32"):
        xla.set_precision("float8")
    monkeypatch.setenv("KFKD_PRECISION", "half")
    with pytest.raises(xla.PrecisionError, match=r"KFKD_PRECISION asks for .* 'half'"):
        xla.get_precision()
