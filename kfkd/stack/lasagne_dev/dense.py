"""Dense layers applied along any number of leading axes."""

import numpy as np
import theano.tensor as T
from lasagne import init, nonlinearities
from lasagne.layers import DenseLayer

__all__ = []


def patch():
    """Add the option `num_leading_axes` to DenseLayer."""

    def __init__(
        self,
        incoming,
        num_units,
        W=init.GlorotUniform(),
        b=init.Constant(0.0),
        nonlinearity=nonlinearities.rectify,
        num_leading_axes=1,
        **kwargs,
    ):
        super(DenseLayer, self).__init__(incoming, **kwargs)
        shape = self.input_shape
        leading = num_leading_axes
        # As in 0.1, the default accepts an input of one axis, too.
        if leading != 1:
            if not -len(shape) <= leading < len(shape):
                raise ValueError(
                    f"num_leading_axes={leading} leaves no axis of the input shape "
                    f"{shape} to be flattened"
                )
            leading %= len(shape)
        if any(size is None for size in shape[leading:]):
            raise ValueError(
                "A DenseLayer requires a fixed input shape (except for the leading "
                f"axes). Got {shape} for num_leading_axes={num_leading_axes}."
            )
        self.num_leading_axes = leading
        self.nonlinearity = nonlinearity or nonlinearities.identity
        self.num_units = num_units
        num_inputs = int(np.prod(shape[leading:]))
        self.W = self.add_param(W, (num_inputs, num_units), name="W")
        self.b = None
        if b is not None:
            self.b = self.add_param(b, (num_units,), name="b", regularizable=False)

    def get_output_shape_for(self, input_shape):
        return (*input_shape[: self.num_leading_axes], self.num_units)

    def get_output_for(self, input, **kwargs):
        if input.ndim > self.num_leading_axes + 1:
            input = input.flatten(self.num_leading_axes + 1)
        activation = T.dot(input, self.W)
        if self.b is not None:
            activation += T.shape_padleft(self.b, self.num_leading_axes)
        return self.nonlinearity(activation)

    DenseLayer.num_leading_axes = 1  # for layers in pickles of Lasagne 0.1
    for method in (__init__, get_output_shape_for, get_output_for):
        setattr(DenseLayer, method.__name__, method)
