"""Layers of biases, of scales, of any function, and the inverse of another layer."""

import theano
import theano.tensor as T
from lasagne import init
from lasagne.layers import Layer, MergeLayer

__all__ = ["BiasLayer", "ExpressionLayer", "InverseLayer", "ScaleLayer", "standardize"]


def get_shared_axes(shared_axes, n, all_axes=False):
    """Return as a tuple the axes of *n* that a parameter is shared over."""
    if isinstance(shared_axes, str):
        if shared_axes == "auto":
            return (0, *range(2, n))
        if shared_axes == "all" and all_axes:
            return tuple(range(n))
        raise ValueError(f"shared_axes must be 'auto' or integers, not {shared_axes!r}")
    return (shared_axes,) if isinstance(shared_axes, int) else tuple(shared_axes)


def get_unshared_shape(layer, shared_axes, what):
    """Return the sizes of the axes of the input that a parameter is not shared over."""
    shape = [s for axis, s in enumerate(layer.input_shape) if axis not in shared_axes]
    if any(size is None for size in shape):
        raise ValueError(
            f"{type(layer).__name__} needs specified input sizes for all axes that "
            f"{what} are not shared over."
        )
    return shape


def spread(param, shared_axes, ndim):
    """Return a parameter with the axes it is shared over, of size 1, put in."""
    axes = iter(range(param.ndim))
    return param.dimshuffle(
        ["x" if axis in shared_axes else next(axes) for axis in range(ndim)]
    )


class BiasLayer(Layer):
    """Adds a bias.

    Parameters
    ----------
    incoming : Layer or tuple
    b : Theano variable, numpy array, callable or None
    shared_axes : "auto", int or tuple of int
        The axes along which it repeats; "auto" is all but the second.
    """

    def __init__(
        self,
        incoming,
        b=init.Constant(0),  # noqa: B008  (as all layers have it)
        shared_axes="auto",
        **kwargs,
    ):
        super().__init__(incoming, **kwargs)
        self.shared_axes = get_shared_axes(shared_axes, len(self.input_shape))
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
    """Multiplies by a scale.

    Parameters
    ----------
    incoming : Layer or tuple
    scales : Theano variable, numpy array or callable
    shared_axes : "auto", int or tuple of int
        The axes along which it repeats; "auto" is all but the second.
    """

    def __init__(
        self,
        incoming,
        scales=init.Constant(1),  # noqa: B008
        shared_axes="auto",
        **kwargs,
    ):
        super().__init__(incoming, **kwargs)
        self.shared_axes = get_shared_axes(shared_axes, len(self.input_shape))
        shape = get_unshared_shape(self, self.shared_axes, "scales")
        self.scales = self.add_param(scales, shape, "scales", regularizable=False)

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        return input * spread(self.scales, self.shared_axes, input.ndim)


def standardize(layer, offset, scale, shared_axes="auto"):
    """Return a layer of ``(input - offset) / scale``, both of which stay as they are.

    Parameters
    ----------
    layer : Layer or tuple
    offset, scale : Theano variable or numpy array
    shared_axes : "auto", int or tuple of int
        The axes along which they repeat; "auto" is all but the second.
    """
    layer = BiasLayer(layer, -offset, shared_axes)
    layer.params[layer.b].remove("trainable")
    layer = ScaleLayer(layer, T.inv(scale), shared_axes)
    layer.params[layer.scales].remove("trainable")
    return layer


class ExpressionLayer(Layer):
    """Applies a function to its input.

    Parameters
    ----------
    incoming : Layer or tuple
    function : callable
    output_shape : None, callable, tuple or "auto"
        The shape of the output, or what returns it for that of the input; None is that
        of the input, and "auto" finds it out.
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
        # A size that is not known shows itself as a 0.
        sizes = [0 if size is None else size for size in input_shape]
        zeros = T.alloc(T.constant(0, dtype=theano.config.floatX), *sizes)
        shape = theano.function([], self.function(zeros).shape, mode="FAST_COMPILE")
        return tuple(int(size) or None for size in shape())

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        return self.function(input)


class InverseLayer(MergeLayer):
    """The transpose of another layer: the gradient of its output by its input.

    Parameters
    ----------
    incoming : Layer or tuple
        What has the shape of the output of `layer`.
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
