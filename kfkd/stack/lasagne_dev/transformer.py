"""The spatial transformer of Jaderberg et al., 2015."""

import theano
import theano.tensor as T
from lasagne.layers import MergeLayer
from lasagne.utils import as_tuple

__all__ = ["TransformerLayer"]


class TransformerLayer(MergeLayer):
    """Sample images at the points of a grid that an affine map transforms.

    Parameters
    ----------
    incoming : Layer or tuple
        Of shape ``(batch_size, channels, rows, columns)``.
    localization_network : Layer
        Of shape ``(batch_size, 6)``: for each image, the two rows of a matrix that
        multiplies ``(x, y, 1)``, where x and y are between -1 and 1.
    downsample_factor : float or tuple of float
        The size of the input divided by that of the output, which is rounded down.
    border_mode : {"nearest", "mirror", "wrap"}
        Which pixels there are outside of the image.
    """

    def __init__(
        self,
        incoming,
        localization_network,
        downsample_factor=1,
        border_mode="nearest",
        **kwargs,
    ):
        super().__init__([incoming, localization_network], **kwargs)
        if border_mode not in ("nearest", "mirror", "wrap"):
            raise ValueError(
                "border_mode must be one of 'nearest', 'mirror', 'wrap', not "
                f"{border_mode!r}"
            )
        self.border_mode = border_mode
        self.downsample_factor = as_tuple(downsample_factor, 2)
        images, maps = self.input_shapes
        if len(maps) != 2 or maps[-1] != 6:
            raise ValueError(
                "The localization network must have output shape: (batch_size, 6)"
            )
        if len(images) != 4:
            raise ValueError(
                "The input network must have a 4-dimensional output shape: "
                "(batch_size, num_input_channels, input_rows, input_columns)"
            )

    def get_output_shape_for(self, input_shapes):
        """Return the shape of the output for inputs of these shapes."""
        shape = input_shapes[0]
        sizes = (
            None if size is None else int(size // factor)
            for size, factor in zip(shape[2:], self.downsample_factor, strict=True)
        )
        return (*shape[:2], *sizes)

    def get_output_for(self, inputs, **kwargs):
        """Return the output."""
        images, maps = inputs
        sizes = images.shape[2], images.shape[3]
        rows, columns = (
            T.cast(size // factor, "int64")
            for size, factor in zip(sizes, self.downsample_factor, strict=True)
        )
        y, x = _line(rows)[:, None], _line(columns)[None, :]
        maps = maps.reshape((-1, 2, 3, 1, 1))
        x, y = (maps[:, i, 0] * x + maps[:, i, 1] * y + maps[:, i, 2] for i in (0, 1))
        return _sample(images, x, y, self.border_mode)


def _line(count):
    """Return *count* evenly spaced numbers from -1 to 1."""
    floatX = theano.config.floatX
    step = T.cast(2, floatX) / T.cast(count - 1, floatX)
    return T.arange(count, dtype="int64").astype(floatX) * step - 1


def _sample(images, x, y, border_mode):
    """Return the values of images at (x, y), interpolated bilinearly.

    The pixels of an image are at -1 to 1.
    """
    floatX = theano.config.floatX

    def split(place, size):
        """Return the pixels before and after a place, and the weight of the latter."""
        place = (place + 1) / 2 * T.cast(size - 1, floatX)
        before = T.floor(place)
        pixels = (inside(T.cast(before, "int64") + i, size) for i in (0, 1))
        return *pixels, place - before

    def inside(pixel, size):
        """Return the number of the pixel that takes the place of one outside."""
        if border_mode == "nearest":
            return T.clip(pixel, 0, size - 1)
        if border_mode == "wrap":
            return pixel % size
        period = T.maximum(2 * (size - 1), 1)
        return T.minimum(pixel % period, -pixel % period)

    left, right, along = split(x, images.shape[3])
    top, bottom, down = split(y, images.shape[2])
    image = T.arange(images.shape[0])[:, None, None]
    pixels = images.dimshuffle(0, 2, 3, 1)
    along, down = (v.dimshuffle(0, 1, 2, "x") for v in (along, down))
    above, below = (
        pixels[image, row, left] * (1 - along) + pixels[image, row, right] * along
        for row in (top, bottom)
    )
    return (above * (1 - down) + below * down).dimshuffle(0, 3, 1, 2)
