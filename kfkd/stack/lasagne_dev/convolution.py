"""Convolutions that do not flip their filters, or have groups of channels."""

import functools

import theano.tensor as T
from lasagne import init, nonlinearities
from lasagne.layers import Conv1DLayer, Conv2DLayer
from lasagne.theano_extensions.conv import conv1d_mc0

__all__ = ["conv_input_length"]


def conv_input_length(output_length, filter_size, stride, pad=0):
    """Return the smallest input of a convolution that has this output, or None."""
    if output_length is None:
        return None
    named = {"valid": 0, "full": filter_size - 1, "same": filter_size // 2}
    pad = named.get(pad, pad)
    if not isinstance(pad, int):
        raise ValueError(f"Invalid pad: {pad}")
    return (output_length - 1) * stride - 2 * pad + filter_size


def check_groups(num_groups, channels, num_filters):
    """Raise ValueError unless the groups share the channels and the filters evenly."""
    if num_groups < 1 or channels % num_groups or num_filters % num_groups:
        raise ValueError(
            f"num_groups (here: {num_groups}) must be positive and evenly divide the "
            f"number of input and output channels (here: {channels} and {num_filters})"
        )


def _convolve_1d(input, W, *, image_shape, filter_shape, border_mode, **options):
    """`conv1d_mc0` with the options of conv2d: images of one row."""
    (step,) = options.pop("subsample")
    n, channels, length = image_shape
    shape = (*filter_shape[:2], 1, filter_shape[2])
    conved = T.nnet.conv2d(
        input.dimshuffle(0, 1, "x", 2),
        W.dimshuffle(0, 1, "x", 2),
        image_shape=(n, channels, 1, length),
        filter_shape=shape,
        border_mode=border_mode,
        subsample=(1, step),
        **options,
    )
    return conved[:, :, 0]


def _extend(cls, stride, convolution):
    initialize = cls.__init__
    get_W_shape = cls.get_W_shape
    get_output_for = cls.get_output_for
    default_stride, default_convolution = stride, convolution

    def __init__(
        self,
        incoming,
        num_filters,
        filter_size,
        stride=default_stride,
        pad=0,
        untie_biases=False,
        W=init.GlorotUniform(),  # noqa: B008  (as all layers have it)
        b=init.Constant(0.0),  # noqa: B008
        nonlinearity=nonlinearities.rectify,
        flip_filters=True,
        convolution=default_convolution,
        num_groups=1,
        **kwargs,
    ):
        if callable(flip_filters):  # which was in this place before
            flip_filters, convolution = True, flip_filters
        channels = getattr(incoming, "output_shape", incoming)[1]
        check_groups(num_groups, channels, num_filters)
        self.flip_filters = flip_filters
        self.num_groups = num_groups
        initialize(
            self,
            incoming,
            num_filters,
            filter_size,
            stride,
            pad,
            untie_biases,
            W,
            b,
            nonlinearity,
            convolution,
            **kwargs,
        )

    def get_grouped_W_shape(self):
        filters, channels, *size = get_W_shape(self)
        return (filters, channels // vars(self).get("num_groups", 1), *size)

    @functools.wraps(get_output_for)
    def get_any_output_for(self, input, **kwargs):
        options = {}
        if not vars(self).get("flip_filters", True):
            options["filter_flip"] = False
        if vars(self).get("num_groups", 1) > 1:
            options["num_groups"] = self.num_groups
        if not options:
            return get_output_for(self, input, **kwargs)
        convolution = self.convolution
        if convolution is conv1d_mc0:
            convolution = _convolve_1d
        # The method takes its convolution from the layer, and is not to change that.
        layer = object.__new__(type(self))
        vars(layer).update(vars(self))
        layer.convolution = functools.partial(convolution, **options)
        return get_output_for(layer, input, **kwargs)

    cls.__init__ = __init__
    cls.get_W_shape = get_grouped_W_shape
    cls.get_output_for = get_any_output_for


def patch():
    """Give the convolutions the options `flip_filters` and `num_groups`."""
    _extend(Conv1DLayer, 1, conv1d_mc0)
    _extend(Conv2DLayer, (1, 1), T.nnet.conv2d)
