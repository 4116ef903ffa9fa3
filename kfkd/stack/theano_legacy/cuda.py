"""Theano's two GPU back ends, ``theano.sandbox.cuda`` and ``theano.gpuarray``.

XLA compiles whole programs for the GPU.  The names of the back ends' operations mean
Theano's own operations; the rest raises an error.
"""

import functools
import sys

from kfkd.stack import device_request
from kfkd.stack.shims import install_module, make_absent, public_names
from kfkd.stack.theano_legacy import cudnn

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
    name = device_request.translate(device)
    if name is None:
        raise ValueError(f"the device is cpu, gpu, gpuN, cuda or cudaN, not {device!r}")
    # Naming the mode loads the back end, so that a missing device is an error here.
    sys.modules["theano.compile.mode"].get_mode("xla")
    device_request.put(name)


def _itself(x, *context):
    """Return *x*: there is nothing to be moved."""
    return x


def _available(*context):
    """Return True: the functions of this module work."""
    return True


_available.msg = None


def _make_dnn_conv(convolve):
    """Return a convolution with the arguments that cuDNN's had."""

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


def _make_dnn_pool(pool):
    """Return pooling with the arguments that cuDNN's had."""

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

    return dnn_pool


def _make_corrmm(convolve):
    def GpuCorrMM(border_mode="valid", subsample=(1, 1), pad=(0, 0)):
        """Return a function that correlates images and filters."""
        return functools.partial(
            convolve,
            border_mode=pad if border_mode == "valid" else border_mode,
            subsample=subsample,
            filter_flip=False,
        )

    return GpuCorrMM


def _make_alloc_empty(theano):
    """Return ``gpu_alloc_empty`` of both back ends."""

    def gpu_alloc_empty(*shape):
        """Return an array of a shape; of a context and a dtype, such a function."""
        if shape and all(s is None or isinstance(s, str) for s in shape):
            dtype = next((s for s in shape if s in ("float16", "float64")), "float32")
            return theano.tensor.AllocEmpty(dtype)
        return theano.tensor.AllocEmpty("float32")(*shape)

    return gpu_alloc_empty


def install(theano):
    """Install the operations of both back ends, and errors for the rest."""
    T = theano.tensor
    basic = dict(
        as_cuda_ndarray_variable=T.as_tensor_variable,
        gpu_alloc_empty=_make_alloc_empty(theano),
        gpu_contiguous=_itself,
        gpu_from_host=_itself,
        host_from_gpu=_itself,
    )
    dnn = dict(
        dnn_available=_available,
        dnn_present=_available,
        dnn_conv=_make_dnn_conv(T.nnet.conv2d),
        dnn_conv3d=_make_dnn_conv(T.nnet.conv3d),
        dnn_pool=_make_dnn_pool(T.signal.pool),
        **cudnn.operations(theano),
    )
    theano.cuda = make_absent(
        "theano.sandbox.cuda",
        _INSTEAD,
        **basic,
        use=_use,
        # Programs need nothing of their own for the GPU.
        cuda_available=False,
        cuda_enabled=False,
        dnn_available=_available,
        float32_shared_constructor=T.sharedvar.tensor_constructor,
        shared_constructor=T.sharedvar.tensor_constructor,
    )
    streams = theano.sandbox.rng_mrg.MRG_RandomStream
    kept = {
        "basic_ops": basic,
        "blas": {"GpuCorrMM": _make_corrmm(T.nnet.conv2d)},
        "dnn": dnn,
        "rng_curand": {"CURAND_RandomStreams": streams},
    }
    for name in _CUDA:
        make_absent(f"theano.sandbox.cuda.{name}", _INSTEAD, **kept.get(name, {}))

    gpuarray = theano.gpuarray
    gpuarray.use = _use
    vars(gpuarray.basic_ops).update(basic)
    vars(gpuarray.dnn).update(dnn)
    install_module("theano.sandbox.gpuarray", **public_names(gpuarray))
    for name in ("basic_ops", "dnn", "type"):
        # Another name of the same module.
        sys.modules[f"theano.sandbox.gpuarray.{name}"] = getattr(gpuarray, name)
