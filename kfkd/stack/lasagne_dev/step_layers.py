"""Recurrent layers whose steps are layers: the checks and names of 0.2.dev."""

import functools
import inspect
import types
import warnings

from lasagne import utils
from lasagne.layers import (
    CustomRecurrentLayer,
    DenseLayer,
    InputLayer,
    RecurrentLayer,
    get_all_layers,
    recurrent,
)

from kfkd.stack.lasagne_dev.constructors import parameters_of
from kfkd.stack.lasagne_dev.helper import in_steps

__all__ = []


def _input_of(name, layer):
    """Return the input layer of a part of a step, of which there has to be one."""
    found = [part for part in get_all_layers(layer) if isinstance(part, InputLayer)]
    if len(found) != 1:
        raise ValueError(f"`{name}` must have one InputLayer, but it has {len(found)}")
    return found[0]


def _patch_custom():
    """Let the parts of a step be chains of layers, and pass them options."""
    initialize = CustomRecurrentLayer.__init__
    get_output_for = CustomRecurrentLayer.get_output_for
    signature = inspect.signature(initialize)

    @functools.wraps(initialize)
    def __init__(self, *args, **kwargs):
        given = signature.bind(self, *args, **kwargs)
        arguments = given.arguments
        parts = {n: arguments[n] for n in ("input_to_hidden", "hidden_to_hidden")}
        first, again = (_input_of(n, layer) for n, layer in parts.items())
        batch, *shape = parts["input_to_hidden"].output_shape
        if arguments.get("precompute_input", True):
            batch = first.output_shape[0]
        # Lasagne 0.1 compares the shapes of the last layers alone.
        arguments["input_to_hidden"] = types.SimpleNamespace(
            output_shape=(batch, *shape)
        )
        arguments["hidden_to_hidden"] = types.SimpleNamespace(
            output_shape=parts["hidden_to_hidden"].output_shape,
            input_shape=again.output_shape,
        )
        initialize(*given.args, **given.kwargs)
        vars(self).update(parts)

    @functools.wraps(get_output_for)
    def get_any_output_for(self, inputs, **kwargs):
        with in_steps(kwargs):
            return get_output_for(self, inputs, **kwargs)

    CustomRecurrentLayer.__init__ = __init__
    CustomRecurrentLayer.get_output_for = get_any_output_for


def _patch_recurrent():
    """Name the parameters as 0.2.dev does, and accept a shape for a layer before."""
    custom = set(inspect.signature(CustomRecurrentLayer.__init__).parameters)

    @parameters_of(RecurrentLayer.__init__, only_return_final=False)
    def __init__(self, incoming, num_units, W_in_to_hid, W_hid_to_hid, b, **more):
        last = more.pop("only_return_final")
        shape = getattr(incoming, "output_shape", incoming)
        prefix = f"{more['name']}." if more.get("name") else ""
        dense = {n: v for n, v in more.items() if n not in custom and n != "name"}
        dense |= {"num_units": num_units, "nonlinearity": None}
        first = DenseLayer(
            InputLayer((None, *shape[2:])),
            W=W_in_to_hid,
            b=b,
            name=f"{prefix}input_to_hidden",
            **dense,
        )
        again = DenseLayer(
            InputLayer((None, num_units)),
            W=W_hid_to_hid,
            b=None,
            name=f"{prefix}hidden_to_hidden",
            **dense,
        )
        self.W_in_to_hid, self.b, self.W_hid_to_hid = first.W, first.b, again.W
        CustomRecurrentLayer.__init__(
            self, incoming, first, again, only_return_final=last, **more
        )

    RecurrentLayer.__init__ = __init__


def _patch_unroll_scan():
    """Leave out Theano's warning about how `unroll_scan` calls one of its functions."""
    unroll_scan = utils.unroll_scan

    @functools.wraps(unroll_scan)
    def unroll_quietly(*args, **kwargs):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"stack\(", DeprecationWarning)
            return unroll_scan(*args, **kwargs)

    utils.unroll_scan = recurrent.unroll_scan = unroll_quietly


def patch():
    """Patch CustomRecurrentLayer, RecurrentLayer and `unroll_scan`."""
    _patch_unroll_scan()
    _patch_custom()
    _patch_recurrent()
