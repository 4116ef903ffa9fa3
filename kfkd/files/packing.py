"""The state of an object as JSON and arrays, and back."""

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
    """Return the state of a callback or an iterator.

    Parameters
    ----------
    thing : object
        With a method ``state_dict``, or else its attributes count, but for the data
        that a batch iterator goes through.  Of a method, the object counts.

    Returns
    -------
    dict
    """
    thing = _owner(thing)
    if hasattr(thing, "state_dict"):
        return thing.state_dict()
    passing = ("X", "y")
    return {k: v for k, v in getattr(thing, "__dict__", {}).items() if k not in passing}


def set_state(thing, state):
    """Restore the state that `get_state` has returned for an object of this kind."""
    thing = _owner(thing)
    if hasattr(thing, "load_state_dict"):
        thing.load_state_dict(state)
    else:
        set_attributes(thing, state)


def set_attributes(thing, state):
    """Set attributes of an object; a generator that it has is set in place."""
    for name, value in state.items():
        ours = getattr(thing, name, None)
        if isinstance(ours, np.random.RandomState):  # which others may share
            ours.set_state(value.get_state())
        else:
            setattr(thing, name, value)


def _owner(thing):
    return thing.__self__ if inspect.ismethod(thing) else thing


def pack(value, arrays, name, more=None):
    """Return a value as JSON can hold it, its arrays apart.

    Parameters
    ----------
    value : object
        Made of numbers, texts, tuples, lists, dicts, arrays, and generators of random
        numbers of NumPy and of Python.
    arrays : dict
        Takes the arrays, by names that begin with `name`: copies, or JAX's own.
    name : str
    more : callable, optional
        Called as ``more(value, pack)`` for what is none of these; the function that it
        gets packs values within, with their names.

    Raises
    ------
    TypeError
        If the value holds something else.
    """

    def inner(value, suffix):
        return pack(value, arrays, f"{name}.{suffix}", more)

    kind = type(value)  # exactly: another class has a state of another kind
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
    """Return an array or a scalar of NumPy or JAX, packed; None for anything else."""
    if type(value) is not np.ndarray and not isinstance(value, np.generic | jax.Array):
        return None
    if value.dtype.kind == "U":
        return {"texts": value.tolist()}
    if value.dtype.kind not in "biufc":
        return None
    # JAX's arrays do not change, and may stay where they are.
    arrays[name] = value if isinstance(value, jax.Array) else np.array(value)
    return {"array": name, "scalar": isinstance(value, np.generic)}


def unpack(packed, arrays, more=None):
    """Return the value that `pack` was given.

    Parameters
    ----------
    packed : object
    arrays : dict
    more : dict of str to callable, optional
        How to make from its parts what `pack` got from its `more`.
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


# How to make what JSON lacks from what it has, and back.
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
