"""Conversion of objects' states to JSON and arrays, and back."""

import collections
import inspect
import random

import jax
import numpy as np

__all__ = [
    "get_state",
    "pack",
    "set_attributes",
    "set_state",
    "unpack",
]


def get_state(thing):
    """Return the state of a callback or a batch iterator: a dict.

    It is what its method ``state_dict`` returns, or else its attributes without the
    data of a batch iterator. The state of a method is that of its object.
    """
    thing = _owner(thing)
    if hasattr(thing, "state_dict"):
        return thing.state_dict()
    attributes = getattr(thing, "__dict__", {})
    return {k: v for k, v in attributes.items() if k not in ("X", "y")}


def set_state(thing, state):
    """Restore the state that `get_state` returned for an object of the same kind."""
    thing = _owner(thing)
    if hasattr(thing, "load_state_dict"):
        thing.load_state_dict(state)
    else:
        set_attributes(thing, state)


def set_attributes(thing, state):
    """Set attributes of an object; its random generators are set in place."""
    for name, value in state.items():
        ours = getattr(thing, name, None)
        if isinstance(ours, np.random.RandomState):  # others may share it
            ours.set_state(value.get_state())
        else:
            setattr(thing, name, value)


def _owner(thing):
    return thing.__self__ if inspect.ismethod(thing) else thing


def pack(value, arrays, name, more=None):
    """Return a value in a form that JSON can hold, without its arrays.

    Parameters
    ----------
    value : object
        Made of numbers, strings, tuples, lists, dicts, sets, deques, arrays, and random
        generators of NumPy and Python.
    arrays : dict
        Receives the arrays, under names that begin with `name`.
    name : str
    more : callable, optional
        Called as ``more(value, pack_inner)`` for values of other types. It returns
        their packed form, or None; ``pack_inner(value, suffix)`` packs their parts.

    Raises
    ------
    TypeError
        The value contains an object of another type.
    """

    def inner(value, suffix):
        return pack(value, arrays, f"{name}.{suffix}", more)

    kind = type(value)  # exactly: subclasses may have other states
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [inner(v, i) for i, v in enumerate(value)]
    if kind is dict:
        return {"dict": [[inner(k, "key"), inner(v, k)] for k, v in value.items()]}
    if kind in _KINDS:
        return {kind.__name__: pack(_KINDS[kind][0](value), arrays, name, more)}
    packed = _pack_array(value, arrays, name)
    if packed is None and more:
        packed = more(value, inner)
    if packed is None:
        what = getattr(value, "__qualname__", None) or f"a {kind.__name__}"
        raise TypeError(f"{name} is {what}")
    return packed


def _pack_array(value, arrays, name):
    """Return the packed form of an array or scalar of NumPy or JAX, else None."""
    if type(value) is not np.ndarray and not isinstance(value, np.generic | jax.Array):
        return None
    if value.dtype.kind == "U":
        return {"texts": value.tolist()}
    if value.dtype.kind not in "biufc":
        return None
    # JAX's arrays are immutable and need no copy.
    arrays[name] = value if isinstance(value, jax.Array) else np.array(value)
    return {"array": name, "scalar": isinstance(value, np.generic)}


def unpack(packed, arrays, more=None):
    """Return the value that `pack` was given.

    `more` maps the keys that the `more` of `pack` has used to functions that make the
    values of their unpacked parts.
    """
    if isinstance(packed, list):
        return [unpack(v, arrays, more) for v in packed]
    if not isinstance(packed, dict):
        return packed
    if "array" in packed:
        array = arrays[packed["array"]]
        return array[()] if packed["scalar"] else array
    ((kind, plain),) = packed.items()
    makers = {known.__name__: maker for known, (_, maker) in _KINDS.items()}
    makers["texts"] = np.array
    return (makers | (more or {}))[kind](unpack(plain, arrays, more))


def _random_state(state):
    rng = np.random.RandomState()
    rng.set_state(state)
    return rng


def _generator(state):
    bits = getattr(np.random, state["bit_generator"])
    if not issubclass(bits, np.random.BitGenerator):
        raise ValueError(f"{bits} is not a generator")
    rng = np.random.Generator(bits())
    rng.bit_generator.state = state
    return rng


def _python_random(state):
    rng = random.Random()
    rng.setstate(state)
    return rng


def _pairs(mapping):
    return [list(pair) for pair in mapping.items()]


# For each type that JSON lacks: how to make it of what JSON has, and back.
_KINDS = {
    tuple: (list, tuple),
    set: (list, set),
    dict: (None, dict),
    collections.OrderedDict: (_pairs, collections.OrderedDict),
    collections.deque: (lambda d: [list(d), d.maxlen], lambda d: collections.deque(*d)),
    np.random.RandomState: (lambda r: r.get_state(legacy=False), _random_state),
    np.random.Generator: (lambda r: r.bit_generator.state, _generator),
    random.Random: (lambda r: r.getstate(), _python_random),
}
