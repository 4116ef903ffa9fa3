"""Functions that convolve over one axis, with the options that 0.2.dev has."""

import functools

import theano.tensor as T
from lasagne.theano_extensions import conv

__all__ = []


def _over_images(function, axis):
    """Return a function that convolves images with one row, or with one column.

    *axis* is the one of size 1.
    """

    @functools.wraps(function)
    def convolve(
        input,
        filters,
        image_shape=None,
        filter_shape=None,
        border_mode="valid",
        subsample=(1,),
        filter_flip=True,
        num_groups=1,
        input_shape=None,
    ):
        def among(sizes, one, place=axis):
            return sizes and (*sizes[:place], one, *sizes[place:])

        if isinstance(border_mode, int):
            border_mode = (border_mode,)
        if isinstance(border_mode, tuple):
            border_mode = among(border_mode, 0, axis - 2)
        pattern = among((0, 1, 2), "x")
        conved = T.nnet.conv2d(
            input.dimshuffle(pattern),
            filters.dimshuffle(pattern),
            input_shape=among(input_shape or image_shape, 1),
            filter_shape=among(filter_shape, 1),
            border_mode=border_mode,
            subsample=among(tuple(subsample), 1, axis - 2),
            filter_flip=filter_flip,
            num_groups=num_groups,
        )
        return conved[:, :, 0] if axis == 2 else conved[:, :, :, 0]

    return convolve


def _with_flip(function):
    """Return a function with the options `filter_flip` and `input_shape`."""

    @functools.wraps(function)
    def convolve(input, filters, *args, filter_flip=True, **kwargs):
        if "input_shape" in kwargs:
            kwargs["image_shape"] = kwargs.pop("input_shape")
        if not filter_flip:
            filters = filters[:, :, ::-1]
        return function(input, filters, *args, **kwargs)

    return convolve


def patch():
    """Add `filter_flip` and `input_shape`, and `num_groups` where conv2d is called."""
    conv.conv1d_mc0 = _over_images(conv.conv1d_mc0, 2)
    conv.conv1d_mc1 = _over_images(conv.conv1d_mc1, 3)
    for name in ("sc", "unstrided", "sd", "md"):
        function = getattr(conv, f"conv1d_{name}")
        setattr(conv, f"conv1d_{name}", _with_flip(function))
