"""Theano's two GPU back ends, ``theano.sandbox.cuda`` and ``theano.gpuarray``.

XLA compiles whole programs for the GPU.  The back ends' operations stand for Theano's
own; the rest is an error.
"""

import re
import sys

from kfkd.stack import device_request
from kfkd.stack.shims import install_module, make_absent, make_module, public_names

__all__ = ["install"]

_INSTEAD = (
    "Theano's own GPU back end is gone. In mode 'xla', the default, functions run on "
    "the GPU as they are: leave this out, and use the operation of theano.tensor. "
    "THEANO_FLAGS=device=cuda0 or KFKD_DEVICE=cuda:0 choose the GPU."
)
_CUDA = ("basic_ops", "blas", "dnn", "elemwise", "fftconv", "kernel_codegen", "nnet")
_CUDA += ("cuda_ndarray", "neighbours", "nvcc_compiler", "opt", "rng_curand", "type")
_CUDA += ("var", "blocksparse", "cula", "extra_ops", "tests")


def _use(device, *args, **kwargs):
    """Choose the device that programs run on, as ``THEANO_FLAGS=device=...`` does."""
    named = re.fullmatch(r"(?:gpu|cuda)(\d*)", device)
    if not named and device != "cpu":
        raise ValueError(f"the device is cpu, gpu, gpuN, cuda or cudaN, not {device!r}")
    number = named and named[1] and f":{named[1]}"
    # Naming the mode loads the back end, so that a missing device is an error here.
    sys.modules["theano.compile.mode"].get_mode("xla")
    device_request.put(f"cuda{number}" if named else "cpu")


def _itself(x, *context):
    """Return *x*, which is where it should be."""
    return x


def _available(*context):
    """Return True: the functions that are here work."""
    return True


_available.msg = None


def _make_dnn(theano):
    """Return the functions of cuDNN that programs called."""
    T = theano.tensor
    nnet, pool = T.nnet, T.signal.pool

    def convolution(convolve):
        def dnn_conv(
            img,
            kerns,
            border_mode="valid",
            subsample=None,
            dilation=None,
            conv_mode="conv",
            direction_hint=None,
            workmem=None,
            algo=None,
            precision=None,
            num_groups=1,
        ):
            if conv_mode not in ("conv", "cross"):
                raise ValueError(f"conv_mode is 'conv' or 'cross', not {conv_mode!r}")
            ones = (1,) * (img.ndim - 2)
            return convolve(
                img,
                kerns,
                border_mode=border_mode,
                subsample=ones if subsample is None else subsample,
                filter_dilation=ones if dilation is None else dilation,
                filter_flip=conv_mode == "conv",
                num_groups=num_groups,
            )

        return dnn_conv

    def dnn_pool(img, ws, stride=None, mode="max", pad=None):
        n = img.ndim - 2
        return {2: pool.pool_2d, 3: pool.pool_3d}[n](
            img,
            ws,
            ignore_border=True,
            stride=(1,) * n if stride is None else stride,
            pad=(0,) * n if pad is None else pad,
            mode="average_inc_pad" if mode == "average" else mode,
        )

    return {
        "dnn_available": _available,
        "dnn_present": _available,
        "dnn_conv": convolution(nnet.conv2d),
        "dnn_conv3d": convolution(nnet.conv3d),
        "dnn_pool": dnn_pool,
    }


def _make_corrmm(theano):
    class GpuCorrMM:
        """Makes functions of images and filters that correlate them."""

        def __init__(self, border_mode="valid", subsample=(1, 1), pad=(0, 0)):
            self.border_mode = pad if border_mode == "valid" else border_mode
            self.subsample = subsample

        def __call__(self, img, kern):
            return theano.tensor.nnet.conv2d(
                img,
                kern,
                border_mode=self.border_mode,
                subsample=self.subsample,
                filter_flip=False,
            )

    return GpuCorrMM


def install(theano):
    """Install the operations of both back ends, and errors for the rest."""
    basic = {
        "as_cuda_ndarray_variable": theano.tensor.as_tensor_variable,
        "gpu_contiguous": _itself,
        "gpu_from_host": _itself,
        "host_from_gpu": _itself,
    }
    dnn = _make_dnn(theano)
    cuda = make_absent("theano.sandbox.cuda", _INSTEAD)
    for name in _CUDA:
        make_absent(f"theano.sandbox.cuda.{name}", _INSTEAD)
    vars(cuda).update(
        basic,
        use=_use,
        # There is nothing that a program could use in its own way.
        cuda_available=False,
        cuda_enabled=False,
        dnn_available=_available,
        float32_shared_constructor=theano.tensor.sharedvar.tensor_constructor,
        shared_constructor=theano.tensor.sharedvar.tensor_constructor,
    )
    vars(cuda.basic_ops).update(basic)
    vars(cuda.dnn).update(dnn)
    vars(cuda.blas).update(GpuCorrMM=_make_corrmm(theano))
    vars(cuda.rng_curand).update(
        CURAND_RandomStreams=theano.sandbox.rng_mrg.MRG_RandomStream
    )
    theano.cuda = cuda

    gpuarray = theano.gpuarray
    gpuarray.use = _use
    vars(gpuarray.basic_ops).update(basic)
    vars(gpuarray.dnn).update(dnn)
    install_module(make_module("theano.sandbox.gpuarray", **public_names(gpuarray)))
    for name in ("basic_ops", "dnn", "type"):
        # Another name of the same module.
        sys.modules[f"theano.sandbox.gpuarray.{name}"] = getattr(gpuarray, name)
