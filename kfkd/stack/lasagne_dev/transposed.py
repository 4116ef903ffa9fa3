"""Transposed and dilated convolutions."""

import theano
import theano.tensor as T
from lasagne.layers.conv import conv_output_length
from lasagne.utils import as_tuple

from kfkd.stack.lasagne_dev.axes import fill_sizes
from kfkd.stack.lasagne_dev.base_convolution import BaseConvLayer, conv_parameters
from kfkd.stack.lasagne_dev.integers import Integer

__all__ = [
    "Deconv2DLayer",
    "Deconv3DLayer",
    "DilatedConv2DLayer",
    "TransposedConv2DLayer",
    "TransposedConv3DLayer",
    "conv_input_length",
]


def conv_input_length(output_length, filter_size, stride, pad=0):
    """Return the smallest input length for this output length; None for None."""
    if output_length is None:
        return None
    named = {"valid": 0, "full": filter_size - 1, "same": filter_size // 2}
    pad = named.get(pad, pad)
    if not isinstance(pad, Integer):
        raise ValueError(f"Invalid pad: {pad}")
    return (output_length - 1) * stride - 2 * pad + filter_size


def _is_symbolic(size):
    return isinstance(size, theano.graph.basic.Variable)


class _TransposedConvLayer(BaseConvLayer):
    """Base class of the transposed convolutions over two and three axes."""

    @conv_parameters(
        rename={"pad": "crop"},
        crop=0,
        flip_filters=False,
        output_size=None,
        num_groups=1,
    )
    def __init__(self, crop, output_size, num_groups, **options):
        if num_groups != 1:
            raise NotImplementedError(f"{type(self).__name__} requires num_groups=1.")
        if output_size is not None and not _is_symbolic(output_size):
            output_size = as_tuple(output_size, self._n, int)
        self.output_size = output_size
        super().__init__(pad=crop, n=self._n, **options)
        self.crop = self.pad
        del self.pad

    def get_W_shape(self):
        """Return the shape of the filters: that of the convolution transposed."""
        return (self.input_shape[1], self.num_filters, *self.filter_size)

    def get_output_shape_for(self, input_shape):
        """Return the shape of the output for an input of this shape."""
        if self.output_size is not None:
            sizes = self.output_size
            if _is_symbolic(sizes):
                sizes = (None,) * self.n
        else:
            # The base class's constructor, too, asks for the shape.
            crop = self.crop if hasattr(self, "crop") else self.pad
            crop = crop if isinstance(crop, tuple) else (crop,) * self.n
            sizes = map(
                conv_input_length, input_shape[2:], self.filter_size, self.stride, crop
            )
        return (input_shape[0], self.num_filters, *sizes)

    def convolve(self, input, **kwargs):
        """Return *input* convolved with the filters, without bias and nonlinearity."""
        if _is_symbolic(self.output_size):
            sizes = [self.output_size[i] for i in range(self.n)]
        else:
            actual = self.get_output_shape_for(tuple(input.shape))
            sizes = fill_sizes(self.output_shape[2:], actual[2:])
        transpose = {
            2: T.nnet.abstract_conv.conv2d_grad_wrt_inputs,
            3: T.nnet.abstract_conv.conv3d_grad_wrt_inputs,
        }[self.n]
        return transpose(
            input,
            self.W,
            (self.output_shape[0], self.num_filters, *sizes),
            self.get_W_shape(),
            border_mode="half" if self.crop == "same" else self.crop,
            subsample=self.stride,
            # The gradient flips the filters if the convolution does not.
            filter_flip=not self.flip_filters,
        )


class TransposedConv2DLayer(_TransposedConvLayer):
    """Apply the transpose of a convolution over two axes ("deconvolution").

    Parameters
    ----------
    incoming, num_filters, filter_size, stride, untie_biases, W, b, nonlinearity
        As for Conv2DLayer, but `W` has shape ``(num_input_channels, num_filters,
        filter_rows, filter_columns)``.
    crop : int, tuple of int, "valid", "full" or "same"
        The `pad` of the convolution.
    flip_filters : bool
        Whether to flip the filters, False by default.
    output_size : int, tuple of int or Theano vector, optional
        With a stride, the convolution maps inputs of several sizes to one size.  This
        chooses among them; the smallest is the default.
    """

    _n = 2


Deconv2DLayer = TransposedConv2DLayer


class TransposedConv3DLayer(_TransposedConvLayer):
    """Apply the transpose of a convolution over three axes (TransposedConv2DLayer)."""

    _n = 3


Deconv3DLayer = TransposedConv3DLayer


class DilatedConv2DLayer(BaseConvLayer):
    """Correlate with filters whose weights are `dilation` pixels apart.

    `W` has shape ``(num_input_channels, num_filters, filter_rows, filter_columns)``.
    As in Lasagne, the filters cannot be flipped, and padding takes a PadLayer before.
    """

    @conv_parameters(rename={"stride": "dilation"}, dilation=(1, 1), flip_filters=False)
    def __init__(self, dilation, **options):
        self.dilation = as_tuple(dilation, 2, int)
        if options.get("num_groups", 1) != 1:
            raise NotImplementedError("DilatedConv2DLayer requires num_groups=1.")
        super().__init__(stride=1, n=2, **options)
        del self.stride
        if self.pad != (0, 0):
            raise NotImplementedError(
                "DilatedConv2DLayer requires pad=0 / (0,0) / 'valid', but got "
                f"{options['pad']!r}. For a padded dilated convolution, add a PadLayer."
            )
        if self.flip_filters:
            raise NotImplementedError("DilatedConv2DLayer requires flip_filters=False.")

    get_W_shape = _TransposedConvLayer.get_W_shape

    def get_output_shape_for(self, input_shape):
        """Return the shape of the output for an input of this shape."""
        reach = [
            (size - 1) * step + 1
            for size, step in zip(self.filter_size, self.dilation, strict=True)
        ]
        sizes = map(conv_output_length, input_shape[2:], reach, (1, 1), (0, 0))
        return (input_shape[0], self.num_filters, *sizes)

    def convolve(self, input, **kwargs):
        """Return *input* correlated with the filters."""
        channels, filters, *size = self.get_W_shape()
        return T.nnet.conv2d(
            input,
            self.W.dimshuffle(1, 0, 2, 3),
            self.input_shape,
            (filters, channels, *size),
            filter_flip=False,
            filter_dilation=self.dilation,
        )
