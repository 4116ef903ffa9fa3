"""Integers of NumPy as sizes and axes: 0.2.dev takes them wherever it takes an int."""

import sys

import numpy as np
from lasagne import utils

__all__ = []  # nothing of 0.2.dev

_own_as_tuple = utils.as_tuple


class _AnyInteger(type):
    def __instancecheck__(cls, value):
        return isinstance(value, int | np.integer)


class Integer(metaclass=_AnyInteger):
    """What ``int`` means in Lasagne's modules: NumPy's integers are instances."""

    def __new__(cls, *args, **kwargs):
        """Return what ``int`` returns."""
        return int(*args, **kwargs)


def as_tuple(x, N, t=None):
    """Return *x* as a tuple of *N* values, of type *t* or of one of a tuple of types.

    Integers of NumPy count as ints and become such, as Theano asks for them.
    """
    values = _own_as_tuple(x, N)
    values = tuple(int(v) if isinstance(v, np.integer) else v for v in values)
    if t is not None and not all(isinstance(v, t) for v in values):
        types = t if isinstance(t, tuple) else (t,)
        names = " or ".join(kind.__name__ for kind in types)
        raise TypeError(
            f"expected a single value or an iterable of {names}, got {x} instead"
        )
    return values


def patch():
    """Let Lasagne's modules take NumPy's integers for ints."""
    for module in list(sys.modules.values()):
        name = getattr(module, "__name__", "")
        if name.startswith("lasagne.") and hasattr(module, "as_tuple"):
            module.as_tuple = as_tuple
    for name in ("layers.conv", "layers.shape", "theano_extensions.padding"):
        sys.modules[f"lasagne.{name}"].int = Integer
