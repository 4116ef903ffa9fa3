"""Convolutions with filters of their own at each place."""

import theano.tensor as T
from lasagne import init, nonlinearities
from lasagne.layers import Conv2DLayer

__all__ = ["LocallyConnected2DLayer"]


class LocallyConnected2DLayer(Conv2DLayer):
    """A convolution with other weights at each place of the image.

    Parameters
    ----------
    incoming, num_filters, filter_size, untie_biases, b, nonlinearity, flip_filters
        As for Conv2DLayer.
    stride, pad
        1 and "same", and no others.
    W : Theano variable, numpy array or callable
        Of shape ``(num_filters, num_input_channels, filter_rows, filter_columns, rows,
        columns)``, without the second if `channelwise`.
    channelwise : bool
        Whether each filter has its own channel as its only input.
    """

    def __init__(
        self,
        incoming,
        num_filters,
        filter_size,
        stride=(1, 1),
        pad="same",
        untie_biases=False,
        W=init.GlorotUniform(),  # noqa: B008  (as all layers have it)
        b=init.Constant(0.0),  # noqa: B008
        nonlinearity=nonlinearities.rectify,
        flip_filters=True,
        channelwise=False,
        **kwargs,
    ):
        self.channelwise = channelwise
        super().__init__(
            incoming,
            num_filters,
            filter_size,
            stride=stride,
            pad=pad,
            untie_biases=untie_biases,
            W=W,
            b=b,
            nonlinearity=nonlinearity,
            flip_filters=flip_filters,
            **kwargs,
        )
        if self.stride != (1, 1):
            raise NotImplementedError(
                "LocallyConnected2DLayer requires stride=1 / (1, 1), but got "
                f"{stride!r}."
            )
        if self.pad != "same" or any(size % 2 == 0 for size in self.filter_size):
            raise NotImplementedError(
                "LocallyConnected2DLayer requires pad='same' and odd filters, but got "
                f"{pad!r} and {filter_size!r}."
            )
        if self.num_groups != 1:
            raise NotImplementedError("LocallyConnected2DLayer has no groups.")

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

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        rows, columns = self.input_shape[2:]
        filter_rows, filter_columns = self.filter_size
        output = 0
        for i in range(filter_rows):
            for j in range(filter_columns):
                k = (i, j) if not self.flip_filters else (-i - 1, -j - 1)
                shifted = _shift(
                    input, i - filter_rows // 2, j - filter_columns // 2, rows, columns
                )
                if self.channelwise:
                    output += shifted * self.W[:, k[0], k[1]]
                else:
                    weights = self.W[:, :, k[0], k[1]]
                    output += T.sum(
                        shifted.dimshuffle(0, "x", 1, 2, 3) * weights, axis=2
                    )
        if self.b is not None and self.untie_biases:
            output += T.shape_padleft(self.b, 1)
        elif self.b is not None:
            output += self.b.dimshuffle("x", 0, "x", "x")
        return self.nonlinearity(output)


def _shift(images, down, right, rows, columns):
    """Return what is *down* and *right* of each place, with zeros beyond the edges."""
    if down == right == 0:
        return images
    # From where and to where along each axis; both are empty beyond the image.
    (above, below), (before, after) = (
        (slice(max(s, 0), max(min(s + n, n), 0)), slice(max(-s, 0), max(n - s, 0)))
        for s, n in ((down, rows), (right, columns))
    )
    zeros = T.zeros_like(images)
    return T.set_subtensor(zeros[:, :, below, after], images[:, :, above, before])
