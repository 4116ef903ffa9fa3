"""Parameters of a nolearn net that change after its layers and functions are made."""

import copy
import functools
from collections import OrderedDict

import numpy as np

from kfkd.errors import StateError
from kfkd.messages import shown
from kfkd.stack.nolearn_options import options
from kfkd.stack.nolearn_types import as_type_of

__all__ = ["UNPICKLED", "check_layers", "keep_update_state", "patch_changes"]

_ABSENT = object()  # where None would be a value
# What describes functions or holds their state, which a pickle does without.
UNPICKLED = ("_layers_made_from", "_functions_made_from", "_update_state")


def _given(net, prefix):
    """Return options, of which lists and dicts are copies."""
    return {
        name: copy.copy(value) if isinstance(value, (list, dict)) else value
        for name, value in options(net, prefix).items()
    }


def _frozen(entry):
    """Return the entry of a layer, with a copy of its options."""
    if not isinstance(entry, (tuple, list)):
        return entry
    return [part.copy() if isinstance(part, dict) else part for part in entry]


def _of_layers(net):
    given = {"layers": [_frozen(entry) for entry in net.layers]}
    for name in net.layers_:
        given |= _given(net, name)
    return given


def _of_functions(net):
    names = ("update", "objective", "regression", "y_tensor_type")
    given = {name: getattr(net, name) for name in names}
    for name in ("scores_train", "scores_valid"):
        given[name] = list(getattr(net, name))
    given["layers_"] = list(net.layers_.values())
    # Which weights are trained, and how, may be changed on layers and variables.
    given["weights"] = [
        (set(tags), getattr(weights.tag, "grad_scale", None))
        for layer in net.layers_.values()
        for weights, tags in layer.params.items()
    ]
    return given | _given(net, "update") | _given(net, "objective")


def _are_same(value, other):
    if value is other:
        return True
    if type(value) is not type(other):
        return False
    if isinstance(value, (list, tuple)):
        return len(value) == len(other) and all(map(_are_same, value, other))
    if isinstance(value, dict):
        same_keys = value.keys() == other.keys()
        return same_keys and all(_are_same(value[k], other[k]) for k in value)
    if isinstance(value, np.ndarray):
        return value.dtype == other.dtype and np.array_equal(value, other)
    try:
        return bool(value == other)
    except Exception:  # a class may define it in any way
        return False


def _named(value):
    if value is _ABSENT:
        return "the layer's default"
    return getattr(value, "__name__", None) or shown(value)


def check_layers(net):
    """Raise StateError if a parameter of the layers is not the one they have."""
    made_from = vars(net).get("_layers_made_from")
    if made_from is None:
        return
    now = _of_layers(net)
    for name in made_from.keys() | now.keys():
        before, after = made_from.get(name, _ABSENT), now.get(name, _ABSENT)
        if not _are_same(before, after):
            change = f" from {_named(before)} to {_named(after)}"
            change = change if name != "layers" else ""
            raise StateError(
                f"{name} has been changed{change} after the net got its layers, which "
                "keep what they were made with; sklearn.base.clone(net) is a net "
                "without layers that has the changed value"
            )


def keep_update_state(net, update):
    """Return an update function that goes on with the velocities of an earlier call.

    It does so if the function and the weights are still the same.  What it returns is
    of the types of the variables, also where a learning rate or a layer is of float64.
    """

    @functools.wraps(update)
    def update_from_state(gradients, params, *args, **kwargs):
        gradients = list(map(as_type_of, params, gradients))
        found = update(gradients, params, *args, **kwargs)
        updates = OrderedDict((v, as_type_of(v, u)) for v, u in dict(found).items())
        # An update may change a learning rate, too, which is not its own.
        given = [*params, *args, *kwargs.values()]
        state = [v for v in updates if not any(v is other for other in given)]
        by, trained, earlier = vars(net).get("_update_state", (None, None, None))
        if by is update and trained == params and len(state) == len(earlier):
            for variable, old in zip(state, earlier, strict=True):
                value = old.get_value()
                if variable.get_value(borrow=True).shape == value.shape:
                    variable.set_value(value)
        net._update_state = update, params, state
        return updates

    return update_from_state


def patch_changes(nolearn):
    """Patch NeuralNet so that a changed parameter counts in the next training.

    nolearn compiles the functions once, and does not look at parameters later.  Those
    of layers cannot change, as the weights have their shapes: that is an error.
    """
    NeuralNet = nolearn.lasagne.NeuralNet
    initialize, initialize_layers = NeuralNet.initialize, NeuralNet.initialize_layers

    @functools.wraps(initialize_layers)
    def initialize_layers_and_record(self, layers=None):
        made = initialize_layers(self, layers)
        self._layers_made_from = _of_layers(self)
        return made

    @functools.wraps(initialize)
    def initialize_if_changed(self):
        check_layers(self)
        if getattr(self, "_initialized", False):
            self._check_for_unused_kwargs()
            made_from = vars(self).get("_functions_made_from")
            if made_from is None or _are_same(made_from, _of_functions(self)):
                return
            self._initialized = False
        initialize(self)
        self._functions_made_from = _of_functions(self)
        if "_layers_made_from" not in vars(self):  # of a pickle with its layers
            self._layers_made_from = _of_layers(self)

    NeuralNet.initialize_layers = initialize_layers_and_record
    NeuralNet.initialize = initialize_if_changed
