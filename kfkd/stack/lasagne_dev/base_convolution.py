"""Convolutions over any number of axes, and over three."""

import abc
import functools

import theano.tensor as T
from lasagne import init, nonlinearities
from lasagne.layers import Layer
from lasagne.layers.conv import conv_output_length
from lasagne.utils import as_tuple

from kfkd.stack.lasagne_dev.axes import check_spatial_axes
from kfkd.stack.lasagne_dev.constructors import parameters_of

__all__ = ["BaseConvLayer", "Conv3DLayer"]


def check_groups(num_groups, channels, num_filters):
    """Raise ValueError unless the groups share the channels and the filters evenly."""
    if num_groups < 1 or channels % num_groups or num_filters % num_groups:
        raise ValueError(
            f"num_groups (here: {num_groups}) must be positive and evenly divide the "
            f"number of input and output channels (here: {channels} and {num_filters})"
        )


class BaseConvLayer(Layer, metaclass=abc.ABCMeta):
    """Convolve over *n* axes: the base class, without the method `convolve`.

    Parameters
    ----------
    incoming : Layer or tuple
    num_filters : int
    filter_size, stride : int or tuple of int
    pad : int, tuple of int, "valid", "full" or "same"
    untie_biases : bool
        Whether each position has its own bias.
    W, b : Theano variable, numpy array, callable or (only `b`) None
    nonlinearity : callable or None
    flip_filters : bool
        Whether to flip the filters (a convolution) or not (a correlation).
    num_groups : int
    n : int, optional
        By default, the number of axes of the input after the first two.
    """

    def __init__(
        self,
        incoming,
        num_filters,
        filter_size,
        stride=1,
        pad=0,
        untie_biases=False,
        W=init.GlorotUniform(),
        b=init.Constant(0.0),
        nonlinearity=nonlinearities.rectify,
        flip_filters=True,
        num_groups=1,
        n=None,
        **kwargs,
    ):
        super().__init__(incoming, **kwargs)
        self.nonlinearity = nonlinearity or nonlinearities.identity
        self.n = len(self.input_shape) - 2 if n is None else n
        check_spatial_axes(self, self.n, f"{self.n}D convolution")
        self.num_filters = int(num_filters)
        self.filter_size = as_tuple(filter_size, self.n, int)
        self.flip_filters = flip_filters
        self.stride = as_tuple(stride, self.n, int)
        self.untie_biases = untie_biases
        if pad == "same" and any(size % 2 == 0 for size in self.filter_size):
            raise NotImplementedError("`same` padding requires odd filter size.")
        if pad == "valid":
            pad = 0
        self.pad = pad if pad in ("full", "same") else as_tuple(pad, self.n, int)
        check_groups(num_groups, self.input_shape[1], num_filters)
        self.num_groups = num_groups
        self.W = self.add_param(W, self.get_W_shape(), name="W")
        self.b = None
        if b is not None:
            shape = (num_filters, *(self.output_shape[2:] if untie_biases else ()))
            self.b = self.add_param(b, shape, name="b", regularizable=False)

    def get_W_shape(self):
        """Return the shape of the filters."""
        channels = self.input_shape[1] // self.num_groups
        return (self.num_filters, channels, *self.filter_size)

    def get_output_shape_for(self, input_shape):
        """Return the shape of the output for an input of this shape."""
        pad = self.pad if isinstance(self.pad, tuple) else (self.pad,) * self.n
        sizes = map(
            conv_output_length, input_shape[2:], self.filter_size, self.stride, pad
        )
        return (input_shape[0], self.num_filters, *sizes)

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        activation = self.convolve(input, **kwargs)
        if self.b is not None and self.untie_biases:
            activation += T.shape_padleft(self.b, 1)
        elif self.b is not None:
            activation += self.b.dimshuffle("x", 0, *["x"] * (activation.ndim - 2))
        return self.nonlinearity(activation)

    def convolve(self, input, **kwargs):
        """Return *input* convolved with the filters, without bias and nonlinearity."""
        raise NotImplementedError(
            "BaseConvLayer does not implement the convolve() method. You will want to "
            "use a subclass such as Conv2DLayer."
        )


# All convolutions take these; `num_groups` is among the `kwargs` of most.
conv_parameters = functools.partial(
    parameters_of, BaseConvLayer.__init__, without=("num_groups", "n")
)


class Conv3DLayer(BaseConvLayer):
    """Convolve over three axes; parameters as for Conv2DLayer."""

    @conv_parameters(stride=(1, 1, 1), convolution=None)
    def __init__(self, convolution, **options):
        super().__init__(n=3, **options)
        self.convolution = convolution or T.nnet.conv3d

    def convolve(self, input, **kwargs):
        """Return *input* convolved with the filters, without bias and nonlinearity."""
        groups = {"num_groups": self.num_groups} if self.num_groups > 1 else {}
        return self.convolution(
            input,
            self.W,
            self.input_shape,
            self.get_W_shape(),
            subsample=self.stride,
            border_mode="half" if self.pad == "same" else self.pad,
            filter_flip=self.flip_filters,
            **groups,
        )
