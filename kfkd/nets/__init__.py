"""The tutorial's nets, and one of today's.

>>> from kfkd.data import load2d
>>> from kfkd.nets import net6
>>> net6.fit(*load2d())

``make`` gives a fresh one, with changes if wanted.  The definitions are in
`_tutorial` and `_modern`, each written as the difference from an earlier one.
"""

import inspect
from typing import Any

import nolearn.lasagne
from nolearn.lasagne import objective

from kfkd.arguments import check
from kfkd.choices import MODERN_STEPS, NETS, TUTORIAL_NETS
from kfkd.data import ALL_COLUMNS
from kfkd.errors import ArgumentError
from kfkd.estimator import NeuralNet
from kfkd.messages import nearest
from kfkd.nets import _modern, _tutorial
from kfkd.nets._tutorial import float32
from kfkd.training.inputs import takes_missing

__all__ = [
    "MODERN_STEPS",
    "NETS",
    "TUTORIAL_NETS",
    "float32",
    "load_options",
    "make",
    "modern",
    "net1",
    "net2",
    "net3",
    "net4",
    "net5",
    "net6",
    "net7",
    "net8",
    "net12",
]

_DEFINITIONS = {name: getattr(_tutorial, name) for name in TUTORIAL_NETS} | {
    name: getattr(_modern, name.removeprefix("modern_")) for name in MODERN_STEPS
}


def make(name: str, **changes: Any) -> NeuralNet:
    """Return a fresh net, with some parameters changed.

    Parameters
    ----------
    name : str
        One of `NETS`: of `TUTORIAL_NETS`, or of `MODERN_STEPS`, which lead from net2
        to modern.
    **changes
        Parameters of the net (``max_epochs=100``), of a layer (``dropout2_p=0.3``), of
        the update rule (``update_momentum=0.95``) or of the objective
        (``objective_l2=0.001``).

    Returns
    -------
    NeuralNet
        Not trained, sharing nothing with other nets.

    Raises
    ------
    ArgumentError
        If there is no such net or parameter; the message lists the nets, or names the
        closest parameter.
    """
    if not isinstance(name, str) or name not in _DEFINITIONS:
        raise ArgumentError(f"There is no net {name!r}; the nets are {', '.join(NETS)}")
    definition = _DEFINITIONS[name]() | changes
    try:
        known = _parameters(definition)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{name} cannot be made with layers, update or objective of another kind "
            f"than Lasagne's: {error}"
        ) from error
    for parameter in changes:
        if parameter not in known:
            near = nearest(parameter, known)
            raise ArgumentError(
                f"{name} has no parameter {parameter!r}"
                + (f"; did you mean {near!r}?" if near else "")
            )
    # Other layers may leave parameters of the definition without use.
    return NeuralNet(**{key: definition[key] for key in definition if key in known})


def load_options(net: NeuralNet) -> dict[str, Any]:
    """Return the options of ``kfkd.data.load`` for the data that a net learns from.

    A net whose loss leaves missing labels out learns from all rows, and one with as
    many outputs as ``kfkd.data.ALL_COLUMNS`` from both ways to mark faces.

    Raises
    ------
    ArgumentError
        If `net` is none, such as the name of one.
    """
    is_net = isinstance(net, nolearn.lasagne.NeuralNet)
    check("net", net, is_net, "a net, as from kfkd.nets.make")
    has_all = getattr(net, "output_num_units", None) == len(ALL_COLUMNS)
    return {
        "missing": "keep" if takes_missing(net) else "drop",
        "cols": ALL_COLUMNS if has_all else None,
    }


# What nolearn hands to layers, update rule and objective by itself.
_GIVEN = {"self", "incoming", "name", "loss_or_grads", "params"}
_GIVEN |= {"layers", "target", "deterministic"}


def _parameters(definition):
    """Return the names of all parameters that a net of this definition takes."""
    names = {*inspect.signature(NeuralNet).parameters}
    names -= {"kwargs", "loss", "X_tensor_type"}  # which nolearn has removed
    takers = dict(definition["layers"]) | {
        "update": definition["update"],
        "objective": definition.get("objective", objective),
    }
    for prefix, taker in takers.items():
        names |= {f"{prefix}_{name}" for name in _arguments(taker) - _GIVEN}
    return names


def _arguments(taker):
    """Return the names of the arguments of a function, or of a class and its bases."""
    # Layers hand on what they do not know to the class above.
    functions = [taker]
    if inspect.isclass(taker):
        functions = [cls.__init__ for cls in taker.__mro__ if cls is not object]
    return {
        argument.name
        for function in functions
        for argument in inspect.signature(function).parameters.values()
        if argument.kind is argument.POSITIONAL_OR_KEYWORD
    }


net1 = make("net1")
net2 = make("net2")
net3 = make("net3")
net4 = make("net4")
net5 = make("net5")
net6 = make("net6")
net7 = make("net7")
net8 = make("net8")
net12 = make("net12")
modern = make("modern")
