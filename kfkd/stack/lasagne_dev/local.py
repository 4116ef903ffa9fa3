"""Convolutions whose filters differ from place to place."""

import numpy as np
import theano.tensor as T
from lasagne.layers import Conv2DLayer

from kfkd.stack.lasagne_dev.base_convolution import BaseConvLayer, conv_parameters

__all__ = ["LocallyConnected2DLayer"]


class LocallyConnected2DLayer(Conv2DLayer):
    """Convolve images with different filters at each place.

    Parameters
    ----------
    incoming, num_filters, filter_size, untie_biases, b, nonlinearity, flip_filters
        As for Conv2DLayer.
    stride, pad
        Must be 1 and "same".
    W : Theano variable, numpy array or callable
        Of shape ``(num_filters, num_input_channels, filter_rows, filter_columns, rows,
        columns)``; without the second of these if `channelwise`.
    channelwise : bool
        Whether each filter sees only the channel of its own number.
    """

    @conv_parameters(stride=(1, 1), pad="same", channelwise=False)
    def __init__(self, channelwise, **options):
        self.channelwise = channelwise
        super().__init__(**options)
        if self.stride != (1, 1):
            raise NotImplementedError(
                "LocallyConnected2DLayer requires stride=1 / (1, 1), but got "
                f"{options['stride']!r}."
            )
        if self.pad != "same" or any(size % 2 == 0 for size in self.filter_size):
            raise NotImplementedError(
                "LocallyConnected2DLayer requires pad='same' and odd filters, but got "
                f"{options['pad']!r} and {options['filter_size']!r}."
            )
        if self.num_groups != 1:
            raise NotImplementedError("LocallyConnected2DLayer requires num_groups=1.")

    def get_W_shape(self):
        """Return the shape of the weights."""
        if any(size is None for size in self.input_shape[1:]):
            raise ValueError(
                "A LocallyConnected2DLayer requires a fixed input shape (except for "
                f"the batch size). Got {self.input_shape}."
            )
        channels, *places = self.input_shape[1:]
        if not self.channelwise:
            return (self.num_filters, channels, *self.filter_size, *places)
        if self.num_filters != channels:
            raise ValueError(
                "num_filters and the number of input channels should match when "
                f"channelwise is true, but got num_filters={self.num_filters} and "
                f"{channels} input channels"
            )
        return (self.num_filters, *self.filter_size, *places)

    get_output_for = BaseConvLayer.get_output_for

    def convolve(self, input, **kwargs):
        """Return the weighted sum of the neighbourhood of each place, without bias."""
        rows, columns = self.filter_size
        output = 0
        for i, j in np.ndindex(rows, columns):
            shifted = _shift(input, i - rows // 2, j - columns // 2, self.input_shape)
            row, column = (-i - 1, -j - 1) if self.flip_filters else (i, j)
            if self.channelwise:
                output += shifted * self.W[:, row, column]
            else:
                weights = self.W[:, :, row, column]
                output += T.sum(shifted.dimshuffle(0, "x", 1, 2, 3) * weights, axis=2)
        return output


def _shift(images, up, left, shape):
    """Return images of this shape moved *up* and *left*, padded with zeros."""
    if up == left == 0:
        return images
    # Source and target along each axis; both are empty if nothing remains.
    (from_rows, to_rows), (from_columns, to_columns) = (
        (
            slice(max(shift, 0), max(min(shift + size, size), 0)),
            slice(max(-shift, 0), max(size - shift, 0)),
        )
        for shift, size in zip((up, left), shape[2:], strict=True)
    )
    target = T.zeros_like(images)[:, :, to_rows, to_columns]
    return T.set_subtensor(target, images[:, :, from_rows, from_columns])
