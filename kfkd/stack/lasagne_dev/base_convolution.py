"""Convolutions over any number of axes, and over three."""

import theano.tensor as T
from lasagne import init, nonlinearities
from lasagne.layers import Layer
from lasagne.layers.conv import conv_output_length
from lasagne.utils import as_tuple

from kfkd.stack.lasagne_dev.convolution import check_groups

__all__ = ["BaseConvLayer", "Conv3DLayer"]


class BaseConvLayer(Layer):
    """A convolution over *n* axes; its subclasses have a method `convolve`.

    Parameters
    ----------
    incoming : Layer or tuple
    num_filters : int
    filter_size, stride : int or tuple of int
    pad : int, tuple of int, "valid", "full" or "same"
    untie_biases : bool
        Whether each position has a bias of its own.
    W, b : Theano variable, numpy array, callable or (of `b`) None
    nonlinearity : callable or None
    flip_filters : bool
        Whether this is a convolution, or else a correlation.
    num_groups : int
    n : int, optional
    """

    def __init__(
        self,
        incoming,
        num_filters,
        filter_size,
        stride=1,
        pad=0,
        untie_biases=False,
        W=init.GlorotUniform(),  # noqa: B008  (as all layers have it)
        b=init.Constant(0.0),  # noqa: B008
        nonlinearity=nonlinearities.rectify,
        flip_filters=True,
        num_groups=1,
        n=None,
        **kwargs,
    ):
        super().__init__(incoming, **kwargs)
        self.nonlinearity = nonlinearity or nonlinearities.identity
        self.n = len(self.input_shape) - 2 if n is None else n
        if self.n != len(self.input_shape) - 2:
            raise ValueError(
                f"Tried to create a {n}D convolution layer with input shape "
                f"{self.input_shape}. Expected {n + 2} input dimensions "
                f"(batchsize, channels, {n} spatial dimensions)."
            )
        self.num_filters = num_filters
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
            activation += self.b.dimshuffle("x", 0, *("x",) * self.n)
        return self.nonlinearity(activation)

    def convolve(self, input, **kwargs):
        """Return *input* convolved with the filters, without bias and nonlinearity."""
        raise NotImplementedError(
            "BaseConvLayer does not implement the convolve() method. You will want to "
            "use a subclass such as Conv2DLayer."
        )


class Conv3DLayer(BaseConvLayer):
    """A convolution in three dimensions; parameters as for Conv2DLayer."""

    def __init__(
        self,
        incoming,
        num_filters,
        filter_size,
        stride=(1, 1, 1),
        pad=0,
        untie_biases=False,
        W=init.GlorotUniform(),  # noqa: B008
        b=init.Constant(0.0),  # noqa: B008
        nonlinearity=nonlinearities.rectify,
        flip_filters=True,
        convolution=None,
        **kwargs,
    ):
        super().__init__(
            incoming,
            num_filters,
            filter_size,
            stride,
            pad,
            untie_biases,
            W,
            b,
            nonlinearity,
            flip_filters,
            n=3,
            **kwargs,
        )
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
