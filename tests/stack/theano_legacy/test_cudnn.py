"""cuDNN's convolutions by the names that they had in Theano's GPU back ends."""

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.gpuarray import dnn as later
from theano.gpuarray.basic_ops import gpu_alloc_empty as alloc_later
from theano.sandbox.cuda import dnn
from theano.sandbox.cuda.basic_ops import (
    GpuFromHost,
    HostFromGpu,
    as_cuda_ndarray_variable,
    gpu_alloc_empty,
    gpu_contiguous,
    host_from_gpu,
)


def random(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def deconvolution(x, w, mode):
    """Return the transpose of a convolution, as generative adversarial nets had it."""
    images, filters = gpu_contiguous(x), gpu_contiguous(w)
    shape = images.shape[0], filters.shape[1], images.shape[2] * 2, images.shape[3] * 2
    out = gpu_alloc_empty(*shape)
    desc = dnn.GpuDnnConvDesc(border_mode=(2, 2), subsample=(2, 2), conv_mode=mode)
    return dnn.GpuDnnConvGradI()(filters, images, out, desc(out.shape, filters.shape))


@pytest.mark.parametrize("mode", ["conv", "cross"])
def test_the_transpose_of_a_convolution(mode):
    x, w = T.tensor4(), T.tensor4()
    f = theano.function([x, w], host_from_gpu(deconvolution(x, w, mode)))
    images, filters = random(2, 3, 4, 4), random(3, 2, 5, 5)
    found = f(images, filters)
    assert found.shape == (2, 2, 8, 8)
    # The inner product with any image is that of its convolution with the argument.
    other = random(2, 2, 8, 8)
    flipped = filters[:, :, ::-1, ::-1] if mode == "conv" else filters
    padded = np.pad(other, [(0, 0), (0, 0), (2, 2), (2, 2)])
    convolved = np.zeros_like(images)
    for i, j in np.ndindex(4, 4):
        window = padded[:, :, 2 * i : 2 * i + 5, 2 * j : 2 * j + 5]
        convolved[:, :, i, j] = np.einsum("bchw,kchw->bk", window, flipped)
    np.testing.assert_allclose((found * other).sum(), (convolved * images).sum(), 1e-4)


def test_convolution_and_the_gradient_for_filters():
    x, w = as_cuda_ndarray_variable(T.tensor4()), T.tensor4()
    desc = later.GpuDnnConvDesc("valid", (1, 1), "cross")(w.shape)
    out = alloc_later(None, "float32")(2, 3, 4, 4)
    y = later.GpuDnnConv()(x, w, out, desc)
    gradient = later.GpuDnnConvGradW()(x, T.ones_like(y), w, desc, 2.0, 1.0)
    f = theano.function([x, w], [y, gradient])
    images, filters = random(2, 2, 6, 6), random(3, 2, 3, 3)
    found, by_filters = f(images, filters)
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), (2, 3))
    desired = np.einsum("bcijhw,kchw->bkij", windows, filters)
    np.testing.assert_allclose(found, desired, rtol=1e-4, atol=1e-5)
    sums = windows.sum((0, 2, 3))
    np.testing.assert_allclose(by_filters, 2 * sums + filters, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("gone", [GpuFromHost, HostFromGpu, dnn.GpuDnnSoftmax])
def test_what_is_gone_can_be_imported_and_not_used(gone):
    assert not isinstance(T.vector(), gone)
    with pytest.raises(ImportError, match=f"{gone.__name__} is not available"):
        gone()
    with pytest.raises(ImportError, match="is not available"):
        type("Mine", (gone,), {})
