"""Fingerprints: descriptions of what defines a training, for JSON, and their diff."""

import hashlib
import inspect

import numpy as np

__all__ = ["describe", "differences"]


def describe(thing, depth=5):
    """Describe an object for JSON: its class and its constructor's parameters.

    Values that change while a net trains, those of shared variables, do not count.
    """
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, (list, tuple)):
        return [describe(v, depth) for v in thing]
    if isinstance(thing, dict):
        return {str(k): describe(v, depth) for k, v in thing.items()}
    if isinstance(thing, np.generic):
        return thing.item()
    if isinstance(thing, np.ndarray):
        digest = hashlib.blake2b(np.ascontiguousarray(thing), digest_size=8)
        return f"{thing.dtype} {thing.shape} {digest.hexdigest()}"
    if hasattr(thing, "get_value"):
        return "a shared variable"
    if inspect.isclass(thing) or inspect.isroutine(thing):
        return f"{thing.__module__}.{thing.__qualname__}"
    kind = describe(type(thing))
    try:
        names = inspect.signature(type(thing).__init__).parameters
    except ValueError:  # a class without one in Python
        names = ()
    known = {n: getattr(thing, n) for n in names if n in getattr(thing, "__dict__", {})}
    if not known or not depth:
        return kind
    return {"class": kind} | {n: describe(v, depth - 1) for n, v in known.items()}


def differences(before, now, name=""):
    """Yield ``(name, before, now)`` for all that differs between two descriptions.

    Objects of two classes, and lists of numbers, differ as a whole.
    """
    if _same_kind(before, now):
        for key in {**before, **now}:
            inner = f"{name}.{key}" if name else key
            yield from differences(before.get(key), now.get(key), inner)
    elif _are_lists_of_objects(before, now):
        for i, pair in enumerate(zip(before, now, strict=True)):
            yield from differences(*pair, f"{name}[{i}]")
    elif before != now:
        yield name, before, now


def _same_kind(before, now):
    dicts = isinstance(before, dict) and isinstance(now, dict)
    return dicts and before.get("class") == now.get("class")


def _are_lists_of_objects(before, now):
    return (
        isinstance(before, list)
        and isinstance(now, list)
        and len(before) == len(now)
        and any(isinstance(value, dict) for value in before + now)
    )
