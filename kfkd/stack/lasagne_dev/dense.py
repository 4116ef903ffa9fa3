"""Dense layers that leave more than one leading axis alone."""

import numpy as np
import theano.tensor as T
from lasagne import init, nonlinearities
from lasagne.layers import DenseLayer

__all__ = []


def patch():
    """Give DenseLayer the option `num_leading_axes`."""
    initialize = DenseLayer.__init__
    get_output_shape_for = DenseLayer.get_output_shape_for
    get_output_for = DenseLayer.get_output_for

    def __init__(
        self,
        incoming,
        num_units,
        W=init.GlorotUniform(),  # noqa: B008  (as all layers have it)
        b=init.Constant(0.0),  # noqa: B008
        nonlinearity=nonlinearities.rectify,
        num_leading_axes=1,
        **kwargs,
    ):
        shape = getattr(incoming, "output_shape", incoming)
        # 0.1 takes a vector, for a column.
        default = num_leading_axes == 1
        if not default and not -len(shape) <= num_leading_axes < len(shape):
            raise ValueError(
                f"num_leading_axes={num_leading_axes} leaves no axis of the input "
                f"shape {shape} to be flattened"
            )
        leading = 1 if default else num_leading_axes % len(shape)
        if any(size is None for size in shape[leading:]):
            raise ValueError(
                "A DenseLayer requires a fixed input shape (except for the leading "
                f"axes). Got {shape} for num_leading_axes={num_leading_axes}."
            )
        self.num_leading_axes = leading
        if leading == 1:
            initialize(self, incoming, num_units, W, b, nonlinearity, **kwargs)
            return
        super(DenseLayer, self).__init__(incoming, **kwargs)
        self.nonlinearity = nonlinearity or nonlinearities.identity
        self.num_units = num_units
        inputs = int(np.prod(shape[leading:]))
        self.W = self.add_param(W, (inputs, num_units), name="W")
        self.b = None
        if b is not None:
            self.b = self.add_param(b, (num_units,), name="b", regularizable=False)

    def get_any_output_shape_for(self, input_shape):
        leading = vars(self).get("num_leading_axes", 1)
        if leading == 1:
            return get_output_shape_for(self, input_shape)
        return (*input_shape[:leading], self.num_units)

    def get_any_output_for(self, input, **kwargs):
        leading = vars(self).get("num_leading_axes", 1)
        if leading == 1:
            return get_output_for(self, input, **kwargs)
        if input.ndim > leading + 1:
            input = input.flatten(leading + 1)
        activation = T.dot(input, self.W)
        if self.b is not None:
            activation = activation + self.b
        return self.nonlinearity(activation)

    DenseLayer.__init__ = __init__
    DenseLayer.get_output_shape_for = get_any_output_shape_for
    DenseLayer.get_output_for = get_any_output_for
