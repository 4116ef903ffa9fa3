"""Options of layers, update and objective, which are parameters of a nolearn net."""

import functools
import inspect
import pydoc

from kfkd.errors import ArgumentError
from kfkd.messages import hint

__all__ = [
    "all_options",
    "constructors",
    "names",
    "options",
    "patch_options",
    "takes_any",
]

_FUNCTIONS = ("update", "objective")
_NET = {"log_every", "mirror"}  # parameters of the net alone, with nolearn's


def constructors(kind):
    """Yield a class's constructor, and those that it hands further arguments to."""
    for cls in kind.__mro__:
        init = vars(cls).get("__init__")
        if init is not None and init is not object.__init__:
            yield init
            if not takes_any(init):
                return


def takes_any(thing):
    """Return whether a function or class takes keywords that it does not name."""
    if inspect.isclass(thing):
        return all(map(takes_any, constructors(thing)))
    parameters = inspect.signature(thing).parameters.values()
    return any(p.kind is p.VAR_KEYWORD for p in parameters)


def names(thing):
    """Return the names of a function's parameters, or of a class's constructors'."""
    if not inspect.isclass(thing):
        return set(inspect.signature(thing).parameters)
    return {
        p.name
        for init in constructors(thing)
        for p in [*inspect.signature(init).parameters.values()][1:]
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


@functools.lru_cache
def _accepts(thing, option):
    """Return whether a function or class takes a keyword."""
    try:
        return takes_any(thing) or option in names(thing)
    except (TypeError, ValueError):  # it is none, or not of Python
        return False


def _definition(net):
    """Return the classes of a net's layers, or functions that make them, by name."""
    found = {}
    for i, entry in enumerate(net.layers if isinstance(net.layers, list) else ()):
        if isinstance(entry, (tuple, list)) and len(entry) == 2:
            kind, given = entry if isinstance(entry[1], dict) else (entry[1], {})
            kind = pydoc.locate(kind) if isinstance(kind, str) else kind
            if callable(kind) and entry[1] is not given:
                found[entry[0]] = kind
            elif callable(kind) and ("name" in given or hasattr(kind, "__name__")):
                found[given.get("name") or net._layer_name(kind, i)] = kind
    return found


def options(net, prefix):
    """Return the options of a layer, or of "update" or "objective", by full names.

    They are the parameters, and other attributes, that begin with this name.  For
    layers nolearn takes all of them: ``dense_2_num_units`` for a layer "dense" beside
    a layer "dense_2", and ``max_epochs`` for a layer "max"; here those that were given
    as parameters, or that the layer takes.
    """
    further = net.more_params if isinstance(net.more_params, dict) else {}
    given = vars(net) | further
    found = {
        name: value
        for name, value in given.items()
        if name.startswith(f"{prefix}_") and not name.endswith("_")
    }
    declared = {*net._kwarg_keys, *further}
    if prefix in _FUNCTIONS:
        known = vars(net).get("_functions_made_from")
        if known is None:
            return found
        # Later on, attributes of a user's own are none.
        taker, others = getattr(net, prefix), ()
        declared |= known.keys()
    else:
        layers = _definition(net)
        taker = layers.get(prefix)
        others = tuple(f"{name}_" for name in layers if name.startswith(f"{prefix}_"))
        found = {name: v for name, v in found.items() if name not in _NET - declared}
    return {
        name: value
        for name, value in found.items()
        if not name.startswith(others)
        and (name in declared or _accepts(taker, name.removeprefix(f"{prefix}_")))
    }


def all_options(net):
    """Return the names of all attributes of a net that are options."""
    prefixes = [*_FUNCTIONS, *_definition(net)]
    return {name for prefix in prefixes for name in options(net, prefix)} & {*vars(net)}


def patch_options(nolearn):
    """Patch NeuralNet so that a parameter that no layer takes is named with a hint."""

    def _check_for_unused_kwargs(self):
        prefixes = [*_FUNCTIONS, *self.layers_]
        for name in self._kwarg_keys:
            if not name.startswith(tuple(f"{prefix}_" for prefix in prefixes)):
                begins = [f"{prefix}_{name.partition('_')[2]}" for prefix in prefixes]
                raise ArgumentError(
                    f"Unused kwarg: {name}, which begins with no layer's name, nor "
                    f"with update_ or objective_{hint(name, begins)}"
                )

    _NET.update(names(nolearn.lasagne.NeuralNet))
    nolearn.lasagne.NeuralNet._check_for_unused_kwargs = _check_for_unused_kwargs
