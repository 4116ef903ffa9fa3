"""Recurrent layers that start from other layers, or return only their last state."""

import functools
import inspect
import warnings

import theano
import theano.tensor as T
from lasagne.layers import CustomRecurrentLayer, GRULayer, Layer, LSTMLayer

__all__ = []


def _extend(cls, states):
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
                "GRULayer learns its first state by default, as in Lasagne 0.1; that "
                "of 0.2.dev did not. Say learn_init=True or learn_init=False.",
                stacklevel=2,
            )
        # Not to clip is False in 0.1 and 0 in 0.2, which 0.1 would clip to.
        if arguments.get("grad_clipping") == 0:
            arguments["grad_clipping"] = False
        layers = {}
        for state in states:
            if isinstance(arguments.get(state), Layer):
                layers[state] = arguments[state]
                # Used as it is, and so no parameter is made.
                arguments[state] = T.TensorType(
                    theano.config.floatX, (False,) * len(layers[state].output_shape)
                )()
        self.only_return_final = only_return_final
        initialize(*given.args, **given.kwargs)
        self._state_layers = {}
        for state, layer in layers.items():
            self._state_layers[state] = len(self.input_layers)
            self.input_layers.append(layer)
            self.input_shapes.append(layer.output_shape)

    @functools.wraps(get_output_shape_for)
    def get_any_output_shape_for(self, input_shapes):
        shape = get_output_shape_for(self, input_shapes)
        final = vars(self).get("only_return_final")
        return shape[:1] + shape[2:] if final else shape

    @functools.wraps(get_output_for)
    def get_any_output_for(self, inputs, **kwargs):
        places = vars(self).get("_state_layers", {})
        # The method takes its states from the layer, and is not to change that.
        layer = object.__new__(type(self))
        vars(layer).update(vars(self))
        for state, place in places.items():
            setattr(layer, state, inputs[place])
        inputs = [x for i, x in enumerate(inputs) if i not in places.values()]
        if vars(self).get("num_units") == 1:
            # Of the states of one unit, scan must not know that this is their size: it
            # cannot tell from a step.
            ones = T.ones((inputs[0].shape[0], 1))
            for state in states:
                start = getattr(layer, state)
                if not isinstance(start, T.TensorVariable):
                    start = T.dot(ones, start)
                setattr(layer, state, T.unbroadcast(start, 1))
        output = get_output_for(layer, inputs, **kwargs)
        if vars(self).get("only_return_final"):
            return output[:, 0] if self.backwards else output[:, -1]
        return output

    cls.__init__ = __init__
    cls.get_output_shape_for = get_any_output_shape_for
    cls.get_output_for = get_any_output_for


def patch():
    """Give the recurrent layers what they have in 0.2.

    The option `only_return_final`, layers for `hid_init` and `cell_init`, and 0 for
    `grad_clipping`.
    """
    _extend(CustomRecurrentLayer, ["hid_init"])
    _extend(LSTMLayer, ["cell_init", "hid_init"])
    _extend(GRULayer, ["hid_init"])
