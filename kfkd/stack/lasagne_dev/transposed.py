"""Transposed convolutions, and ones with holes."""

import theano
import theano.tensor as T
from lasagne import init, nonlinearities
from lasagne.layers.conv import conv_output_length
from lasagne.utils import as_tuple

from kfkd.stack.lasagne_dev.base_convolution import BaseConvLayer
from kfkd.stack.lasagne_dev.convolution import conv_input_length

__all__ = [
    "Deconv2DLayer",
    "Deconv3DLayer",
    "DilatedConv2DLayer",
    "TransposedConv2DLayer",
    "TransposedConv3DLayer",
]


class _TransposedConvLayer(BaseConvLayer):
    """What the transposed convolutions in two and three dimensions share."""

    def __init__(
        self,
        incoming,
        num_filters,
        filter_size,
        stride=1,
        crop=0,
        untie_biases=False,
        W=init.GlorotUniform(),  # noqa: B008  (as all layers have it)
        b=init.Constant(0.0),  # noqa: B008
        nonlinearity=nonlinearities.rectify,
        flip_filters=False,
        output_size=None,
        num_groups=1,
        **kwargs,
    ):
        if num_groups != 1:
            raise NotImplementedError(
                f"{type(self).__name__} has no groups, got num_groups={num_groups}"
            )
        if output_size is not None and not _is_symbolic(output_size):
            output_size = as_tuple(output_size, self._n, int)
        self.output_size = output_size
        super().__init__(
            incoming,
            num_filters,
            filter_size,
            stride,
            crop,
            untie_biases,
            W,
            b,
            nonlinearity,
            flip_filters,
            n=self._n,
            **kwargs,
        )
        self.crop = self.pad
        del self.pad

    def get_W_shape(self):
        """Return the shape of the filters: those of the convolution the other way."""
        return (self.input_shape[1], self.num_filters, *self.filter_size)

    def get_output_shape_for(self, input_shape):
        """Return the shape of the output for an input of this shape."""
        if self.output_size is not None:
            sizes = self.output_size
            if _is_symbolic(sizes):
                sizes = (None,) * self.n
        else:
            crop = vars(self).get("crop", vars(self).get("pad"))
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
            actual = self.get_output_shape_for(tuple(input.shape))[2:]
            sizes = [
                unknown if known is None else known
                for known, unknown in zip(self.output_shape[2:], actual, strict=True)
            ]
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
            # The convolution the other way flips where this one does not.
            filter_flip=not self.flip_filters,
        )


def _is_symbolic(size):
    return isinstance(size, theano.graph.basic.Variable)


class TransposedConv2DLayer(_TransposedConvLayer):
    """The transpose of a convolution in two dimensions.

    Parameters
    ----------
    incoming, num_filters, filter_size, stride, untie_biases, W, b, nonlinearity
        As for Conv2DLayer, but that `W` has shape ``(num_input_channels, num_filters,
        filter_rows, filter_columns)``.
    crop : int, tuple of int, "valid", "full" or "same"
        The `pad` of the convolution.
    flip_filters : bool
        Whether to flip the filters, False by default.
    output_size : int, tuple of int or Theano vector, optional
        Which of the sizes that the convolution makes its input's; the smallest if it
        is left out.
    """

    _n = 2


Deconv2DLayer = TransposedConv2DLayer


class TransposedConv3DLayer(_TransposedConvLayer):
    """The transpose of a convolution in three dimensions, as TransposedConv2DLayer."""

    _n = 3


Deconv3DLayer = TransposedConv3DLayer


class DilatedConv2DLayer(BaseConvLayer):
    """A correlation with filters that have holes: `dilation` - 1 between two weights.

    `W` has shape ``(num_input_channels, num_filters, filter_rows, filter_columns)``.
    As Lasagne's, it takes no padding and does not flip; add a PadLayer before it.
    """

    def __init__(
        self,
        incoming,
        num_filters,
        filter_size,
        dilation=(1, 1),
        pad=0,
        untie_biases=False,
        W=init.GlorotUniform(),  # noqa: B008
        b=init.Constant(0.0),  # noqa: B008
        nonlinearity=nonlinearities.rectify,
        flip_filters=False,
        **kwargs,
    ):
        self.dilation = as_tuple(dilation, 2, int)
        if kwargs.get("num_groups", 1) != 1:
            raise NotImplementedError("DilatedConv2DLayer has no groups.")
        super().__init__(
            incoming,
            num_filters,
            filter_size,
            1,
            pad,
            untie_biases,
            W,
            b,
            nonlinearity,
            flip_filters,
            n=2,
            **kwargs,
        )
        del self.stride
        if self.pad != (0, 0):
            raise NotImplementedError(
                "DilatedConv2DLayer requires pad=0 / (0,0) / 'valid', but got "
                f"{pad!r}. For a padded dilated convolution, add a PadLayer."
            )
        if self.flip_filters:
            raise NotImplementedError("DilatedConv2DLayer requires flip_filters=False.")

    def get_W_shape(self):
        """Return the shape of the filters."""
        return (self.input_shape[1], self.num_filters, *self.filter_size)

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
