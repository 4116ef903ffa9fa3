"""Bias, scale, expression and inverse layers."""

import theano
import theano.tensor as T
from lasagne import init, nonlinearities
from lasagne.layers import Layer, MergeLayer, NonlinearityLayer
from lasagne.utils import floatX

from kfkd.stack.lasagne_dev.axes import get_shared_axes, get_unshared_shape, spread

__all__ = [
    "BiasLayer",
    "ExpressionLayer",
    "InverseLayer",
    "NonlinearityLayer",
    "ScaleLayer",
    "standardize",
]


def take_nonlinearity(layer):
    """Return the nonlinearity of a layer, or None, and replace it by the identity."""
    nonlinearity = getattr(layer, "nonlinearity", None)
    if nonlinearity is not None:
        layer.nonlinearity = nonlinearities.identity
    return nonlinearity


class BiasLayer(Layer):
    """Add a bias.

    Parameters
    ----------
    incoming : Layer or tuple
    b : Theano variable, numpy array, callable or None
    shared_axes : "auto", int or tuple of int
        Axes over which it is shared; "auto" is all but the second.
    """

    def __init__(self, incoming, b=init.Constant(0), shared_axes="auto", **kwargs):
        super().__init__(incoming, **kwargs)
        self.shared_axes = get_shared_axes(self, shared_axes)
        self.b = None
        if b is not None:
            shape = get_unshared_shape(self, self.shared_axes, "biases")
            self.b = self.add_param(b, shape, "b", regularizable=False)

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        if self.b is None:
            return input
        return input + spread(self.b, self.shared_axes, input.ndim)


class ScaleLayer(Layer):
    """Multiply by a scale.

    Parameters
    ----------
    incoming : Layer or tuple
    scales : Theano variable, numpy array or callable
    shared_axes : "auto", int or tuple of int
        Axes over which it is shared; "auto" is all but the second.
    """

    def __init__(self, incoming, scales=init.Constant(1), shared_axes="auto", **kwargs):
        super().__init__(incoming, **kwargs)
        self.shared_axes = get_shared_axes(self, shared_axes)
        shape = get_unshared_shape(self, self.shared_axes, "scales")
        self.scales = self.add_param(scales, shape, "scales", regularizable=False)

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        return input * spread(self.scales, self.shared_axes, input.ndim)


def standardize(layer, offset, scale, shared_axes="auto"):
    """Return a layer for ``(input - offset) / scale`` with fixed offset and scale.

    Parameters
    ----------
    layer : Layer or tuple
    offset, scale : Theano variable or numpy array
    shared_axes : "auto", int or tuple of int
        Axes over which they are shared; "auto" is all but the second.
    """
    layer = BiasLayer(layer, -offset, shared_axes)
    layer.params[layer.b].remove("trainable")
    layer = ScaleLayer(layer, floatX(1) / scale, shared_axes)
    layer.params[layer.scales].remove("trainable")
    return layer


class ExpressionLayer(Layer):
    """Apply a function to the input.

    Parameters
    ----------
    incoming : Layer or tuple
    function : callable
    output_shape : None, callable, tuple or "auto"
        The shape of the output, or a function from the input's shape to it.  None is
        the shape of the input.  "auto" evaluates *function* to find the shape.
    """

    def __init__(self, incoming, function, output_shape=None, **kwargs):
        super().__init__(incoming, **kwargs)
        self.function = function
        if output_shape is None or output_shape == "auto" or callable(output_shape):
            self._output_shape = output_shape
        else:
            self._output_shape = tuple(output_shape)

    def get_output_shape_for(self, input_shape):
        """Return the shape of the output for an input of this shape."""
        if self._output_shape is None:
            return input_shape
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        if self._output_shape != "auto":
            return self._output_shape
        # Unknown sizes are 0 in the trial, and so they are in its result.
        sizes = [0 if size is None else size for size in input_shape]
        zeros = T.alloc(T.constant(0, dtype=theano.config.floatX), *sizes)
        shape = theano.function([], self.function(zeros).shape, mode="FAST_COMPILE")
        return tuple(int(size) or None for size in shape())

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        return self.function(input)


class InverseLayer(MergeLayer):
    """Apply the transpose of another layer: propagate gradients back through it.

    Parameters
    ----------
    incoming : Layer or tuple
        Of the same shape as the output of `layer`.
    layer : Layer
    """

    def __init__(self, incoming, layer, **kwargs):
        super().__init__([incoming, layer, layer.input_layer], **kwargs)

    def get_output_shape_for(self, input_shapes):
        """Return the shape of the output for inputs of these shapes."""
        return input_shapes[2]

    def get_output_for(self, inputs, **kwargs):
        """Return the output."""
        input, output_of_layer, input_of_layer = inputs
        return theano.grad(
            None, wrt=input_of_layer, known_grads={output_of_layer: input}
        )
