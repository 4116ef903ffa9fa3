"""Recurrent layers that start from other layers or return only their last state."""

import functools
import inspect
import warnings

import theano
import theano.tensor as T
from lasagne.layers import CustomRecurrentLayer, GRULayer, Layer, LSTMLayer
from theano.tensor.basic import tensor_copy

from kfkd.stack.lasagne_dev.constructors import copy_with

__all__ = []


def _extend(cls, *state_names):
    initialize = cls.__init__
    signature = _with_last(initialize, "only_return_final", False)
    get_output_shape_for = cls.get_output_shape_for
    get_output_for = cls.get_output_for

    @functools.wraps(initialize)
    def __init__(self, *args, **kwargs):
        given = signature.bind(self, *args, **kwargs)
        arguments = given.arguments
        self.only_return_final = arguments.pop("only_return_final", False)
        given_state = isinstance(arguments.get("hid_init"), Layer | T.TensorVariable)
        if cls is GRULayer and "learn_init" not in arguments and not given_state:
            warnings.warn(
                "GRULayer learns its initial state by default, as in Lasagne 0.1; in "
                "0.2.dev it does not. Pass learn_init=True or learn_init=False.",
                stacklevel=2,
            )
        # No clipping is 0 in 0.2.dev and False in 0.1, which would clip to 0.
        if arguments.get("grad_clipping") == 0:
            arguments["grad_clipping"] = False
        layers, rows = {}, {}
        for state in state_names:
            start = arguments.get(state)
            if isinstance(start, Layer):
                layers[state], ndim = start, len(start.output_shape)
            elif isinstance(start, T.TensorVariable) and start.broadcastable[0]:
                rows[state], ndim = start, start.ndim
            else:
                continue
            # Lasagne 0.1 makes no parameter of an expression.
            kind = T.TensorType(theano.config.floatX, (False,) * ndim)
            arguments[state] = kind()
        initialize(*given.args, **given.kwargs)
        shape = get_output_shape_for(self, self.input_shapes)
        tags = {"trainable": self.learn_init, "regularizable": False}
        for state, row in reversed(rows.items()):
            param = self.add_param(row, (1, *shape[2:]), name=state, **tags)
            setattr(self, state, param)
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
        for state in state_names:
            start = getattr(self, state)
            if isinstance(start, T.TensorVariable) and start.broadcastable[0]:
                states[state] = _for_each(inputs[0], start)
        layer = copy_with(self, **states)
        inputs = [x for i, x in enumerate(inputs) if i not in places.values()]
        if vars(self).get("num_units") == 1:
            # The states of one unit must not be broadcastable: scan requires the same
            # type of the states after a step, whose size it does not know.
            for state in state_names:
                start = getattr(layer, state)
                if not isinstance(start, T.TensorVariable):
                    start = _for_each(inputs[0], start)
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


def _with_last(function, name, default):
    """Return the signature of a function with one parameter more before **kwargs."""
    signature = inspect.signature(function)
    *named, more = signature.parameters.values()
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    last = inspect.Parameter(name, kind, default=default)
    return signature.replace(parameters=[*named, last, more])


def _for_each(input, row):
    """Return a row of states for each example of an input."""
    ones = T.ones((input.shape[0], *[1] * (row.ndim - 1)), dtype=row.dtype)
    return ones * T.addbroadcast(row, 0)


def patch():
    """Extend the recurrent layers.

    Add the option `only_return_final`; accept layers and rows of expressions as
    `hid_init` and `cell_init`, and 0 as `grad_clipping`.
    """
    _extend(CustomRecurrentLayer, "hid_init")
    _extend(LSTMLayer, "hid_init", "cell_init")
    _extend(GRULayer, "hid_init")
