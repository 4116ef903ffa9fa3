"""The operations of ``theano.sandbox.cuda.dnn`` and ``theano.gpuarray.dnn``.

Programs called cuDNN's convolutions by name, most often ``GpuDnnConvGradI`` for the
transpose of a convolution, when there was no other way to have it.  They were given a
descriptor, and an array for the result.
"""

from typing import NamedTuple

__all__ = ["operations"]


class _Descriptor(NamedTuple):
    border_mode: object
    subsample: object
    filter_flip: bool


class GpuDnnConvDesc:
    """How to convolve; called with shapes, it returns a descriptor."""

    def __init__(
        self, border_mode, subsample=None, conv_mode="conv", precision=None, **others
    ):
        if conv_mode not in ("conv", "cross"):
            raise ValueError(f"conv_mode is 'conv' or 'cross', not {conv_mode!r}")
        if others:
            raise NotImplementedError(f"GpuDnnConvDesc: {', '.join(others)}")
        self.descriptor = _Descriptor(border_mode, subsample, conv_mode == "conv")

    def __call__(self, *shapes):
        """Return the descriptor; the shapes are those of the arrays anyway."""
        return self.descriptor


class _Convolution:
    """An operation that is made with options for cuDNN's algorithm, and then called."""

    def __init__(self, *options, **more):
        pass

    def __call__(self, x, y, output, desc, alpha=1.0, beta=0.0):
        """Return *alpha* times the result, plus *beta* times *output*."""
        ones = (1,) * (x.ndim - 2)
        subsample = ones if desc.subsample is None else desc.subsample
        options = desc._replace(subsample=subsample)._asdict()
        result = self.compute({4: 2, 5: 3}[x.ndim], x, y, output, options)
        result = result if alpha == 1 else alpha * result
        return result if beta == 0 else result + beta * output


def operations(theano):
    """Return the operations by name."""
    T = theano.tensor
    gradients = T.nnet.abstract_conv

    class GpuDnnConv(_Convolution):
        """The convolution of images with filters."""

        def compute(self, n, images, filters, output, options):
            convolve = {2: T.nnet.conv2d, 3: T.nnet.conv3d}[n]
            return convolve(images, filters, **options)

    class GpuDnnConvGradI(_Convolution):
        """The gradient for images of the shape of the output, from filters."""

        def compute(self, n, filters, gradient, output, options):
            gradient_for = getattr(gradients, f"conv{n}d_grad_wrt_inputs")
            shape = (None, None, *(output.shape[2 + i] for i in range(n)))
            return gradient_for(gradient, filters, shape, **options)

    class GpuDnnConvGradW(_Convolution):
        """The gradient for filters of the shape of the output, from images."""

        def compute(self, n, images, gradient, output, options):
            gradient_for = getattr(gradients, f"conv{n}d_grad_wrt_weights")
            shape = (None, None, *(output.shape[2 + i] for i in range(n)))
            return gradient_for(images, gradient, shape, **options)

    return dict(
        GpuDnnConv=GpuDnnConv,
        GpuDnnConvDesc=GpuDnnConvDesc,
        GpuDnnConvGradI=GpuDnnConvGradI,
        GpuDnnConvGradW=GpuDnnConvGradW,
    )
