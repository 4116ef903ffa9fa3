"""Recurrent layers that start from other layers or return only their last state."""

import functools
import inspect
import warnings

import theano
import theano.tensor as T
from lasagne.layers import (
    CustomRecurrentLayer,
    GRULayer,
    Layer,
    LSTMLayer,
    RecurrentLayer,
)
from theano.tensor.basic import tensor_copy

from kfkd.stack.lasagne_dev.constructors import copy_with

__all__ = []


def _extend(cls, *state_names):
    initialize = cls.__init__
    signature = inspect.signature(initialize)
    get_output_shape_for = cls.get_output_shape_for
    get_output_for = cls.get_output_for

    @functools.wraps(initialize)
    def __init__(self, *args, only_return_final=False, **kwargs):
        given = signature.bind(self, *args, **kwargs)
        arguments = given.arguments
        if cls is GRULayer and "learn_init" not in arguments:
            warnings.warn(
                "GRULayer learns its initial state by default, as in Lasagne 0.1; in "
                "0.2.dev it does not. Pass learn_init=True or learn_init=False.",
                stacklevel=2,
            )
        # No clipping is 0 in 0.2.dev and False in 0.1, which would clip to 0.
        if arguments.get("grad_clipping") == 0:
            arguments["grad_clipping"] = False
        layers = {}
        for state in state_names:
            if isinstance(arguments.get(state), Layer):
                layers[state] = arguments[state]
                # Lasagne 0.1 makes no parameter of an expression.
                arguments[state] = T.TensorType(
                    theano.config.floatX, (False,) * len(layers[state].output_shape)
                )()
        self.only_return_final = only_return_final
        initialize(*given.args, **given.kwargs)
        self._state_layers = {}
        self.mask_incoming_index = len(self.input_layers) - 1 or -1
        for state, layer in layers.items():
            self._state_layers[state] = len(self.input_layers)
            setattr(self, f"{state}_incoming_index", len(self.input_layers))
            setattr(self, state, layer)
            self.input_layers.append(layer)
            self.input_shapes.append(layer.output_shape)

    @functools.wraps(get_output_shape_for)
    def get_any_output_shape_for(self, input_shapes):
        shape = get_output_shape_for(self, input_shapes)
        return shape[:1] + shape[2:] if self.only_return_final else shape

    @functools.wraps(get_output_for)
    def get_any_output_for(self, inputs, **kwargs):
        places = self._state_layers
        # Lasagne's method reads the initial states from the layer.
        # It asks for an expression: neither a shared variable nor a constant is one.
        states = {state: tensor_copy(inputs[place]) for state, place in places.items()}
        layer = copy_with(self, **states)
        inputs = [x for i, x in enumerate(inputs) if i not in places.values()]
        if vars(self).get("num_units") == 1:
            # The states of one unit must not be broadcastable: scan requires the same
            # type of the states after a step, whose size it does not know.
            ones = T.ones((inputs[0].shape[0], 1))
            for state in state_names:
                start = getattr(layer, state)
                if not isinstance(start, T.TensorVariable):
                    start = T.dot(ones, start)
                setattr(layer, state, T.unbroadcast(start, 1))
        output = get_output_for(layer, inputs, **kwargs)
        if self.only_return_final:
            return output[:, 0] if self.backwards else output[:, -1]
        return output

    # For layers in pickles of Lasagne 0.1.
    cls.only_return_final = False
    cls._state_layers = {}
    for name in ("mask", *state_names):
        setattr(cls, f"{name}_incoming_index", -1)
    cls.__init__ = __init__
    cls.get_output_shape_for = get_any_output_shape_for
    cls.get_output_for = get_any_output_for


def _extend_recurrent_layer():
    """Add `only_return_final` to a layer that hands its options on to dense ones."""
    initialize = RecurrentLayer.__init__

    @functools.wraps(initialize)
    def __init__(self, *args, only_return_final=False, **kwargs):
        initialize(self, *args, **kwargs)
        self.only_return_final = only_return_final

    RecurrentLayer.__init__ = __init__


def patch():
    """Extend the recurrent layers.

    Add the option `only_return_final`; accept layers as `hid_init` and `cell_init`, and
    0 as `grad_clipping`.
    """
    _extend(CustomRecurrentLayer, "hid_init")
    _extend(LSTMLayer, "hid_init", "cell_init")
    _extend(GRULayer, "hid_init")
    _extend_recurrent_layer()
