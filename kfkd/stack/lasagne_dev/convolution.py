"""What newer versions of Conv1DLayer and Conv2DLayer have.

Conv2DLayer leaves its padding to Theano's convolution, as newer versions of Lasagne do.
Version 0.1 pads the images before it, or crops a full convolution.
"""

import functools
import inspect

import theano.tensor as T
from lasagne import nonlinearities
from lasagne.layers import Conv1DLayer, Conv2DLayer
from lasagne.theano_extensions import conv

from kfkd.stack.lasagne_dev.axes import check_spatial_axes
from kfkd.stack.lasagne_dev.base_convolution import BaseConvLayer, check_groups
from kfkd.stack.lasagne_dev.constructors import copy_with, parameters_of

__all__ = []


def _with_options(convolution, flip_filters, num_groups):
    """Return a convolution with a layer's options, to be called as in Lasagne 0.1.

    There the shapes are called `image_shape` and `filter_shape`.  In 0.2.dev they are
    passed by position, so that those of users may have other names.
    """
    known, options = inspect.signature(convolution).parameters, {}
    if "filter_flip" in known or not flip_filters:
        options["filter_flip"] = flip_filters
    if num_groups > 1:
        options["num_groups"] = num_groups
    if "image_shape" in known:
        return functools.partial(convolution, **options)

    def convolve(input, W, *, image_shape, filter_shape, **others):
        return convolution(input, W, image_shape, filter_shape, **others, **options)

    return convolve


def _pad_within(layer):
    """Return a Conv2DLayer whose convolution does the padding of *layer*.

    That is *layer* itself if it has no padding, or a convolution of a user's own, which
    need not know all kinds of padding.
    """
    pad, convolution = layer.pad, layer.convolution
    if pad == "same":
        pad = tuple((size // 2, (size - 1) // 2) for size in layer.filter_size)
    if pad in ("full", (0, 0)) or convolution is not T.nnet.conv2d:
        return layer

    @functools.wraps(convolution)
    def convolve(*args, border_mode, **options):
        return convolution(*args, border_mode=pad, **options)

    return copy_with(layer, pad=(0, 0), convolution=convolve)


def _extend(cls, default_convolution, n):
    initialize = cls.__init__
    get_W_shape = cls.get_W_shape
    get_output_for = cls.get_output_for

    @parameters_of(
        initialize,
        rename={"convolution": "flip_filters"},
        flip_filters=True,
        convolution=default_convolution,
        num_groups=1,
    )
    def __init__(self, flip_filters, convolution, num_groups, **options):
        if callable(flip_filters):  # in 0.1, the convolution has this position
            flip_filters, convolution = True, flip_filters
        incoming = options["incoming"]
        channels = getattr(incoming, "output_shape", incoming)[1]
        check_groups(num_groups, channels, options["num_filters"])
        self.flip_filters = flip_filters
        self.num_groups = num_groups
        initialize(self, convolution=convolution, **options)
        check_spatial_axes(self, n, f"{n}D convolution")

    def get_grouped_W_shape(self):
        filters, channels, *size = get_W_shape(self)
        return (filters, channels // self.num_groups, *size)

    def convolve(self, input, **kwargs):
        """Return *input* convolved with the filters, without bias and nonlinearity."""
        # Lasagne's method reads the convolution from the layer.
        layer = _pad_within(self) if cls is Conv2DLayer else self
        layer = copy_with(layer, b=None, nonlinearity=nonlinearities.identity)
        convolution = _with_options(
            layer.convolution, self.flip_filters, self.num_groups
        )
        layer = copy_with(layer, convolution=convolution)
        return get_output_for(layer, input, **kwargs)

    @functools.wraps(get_output_for)
    def get_any_output_for(self, input, input_shape=None, **kwargs):
        given = {} if input_shape is None else {"input_shape": input_shape}
        return BaseConvLayer.get_output_for(self, input, **given, **kwargs)

    # For layers in pickles of Lasagne 0.1.
    cls.flip_filters = True
    cls.num_groups = 1
    cls.__init__ = __init__
    cls.n = n
    cls.get_W_shape = get_grouped_W_shape
    cls.convolve = convolve
    cls.get_output_for = get_any_output_for
    BaseConvLayer.register(cls)


def patch():
    """Add the options `flip_filters` and `num_groups`, and the method `convolve`."""
    _extend(Conv1DLayer, conv.conv1d_mc0, 1)
    _extend(Conv2DLayer, T.nnet.conv2d, 2)
