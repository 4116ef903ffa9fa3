"""Checks of arguments: each returns the argument, or raises ArgumentError."""

import math
import numbers
import operator
import os
import pathlib
from collections.abc import Iterable
from typing import Any

from kfkd.errors import ArgumentError
from kfkd.messages import hint, shown

__all__ = [
    "as_list",
    "as_numbers",
    "as_path",
    "check",
    "one_of",
    "positive",
    "share",
    "whole",
]


def check(name, value, is_valid, wanted):
    """Return an argument if it is valid; else raise an error that says what it must be.

    >>> check("n", 0, False, "a whole number of at least 1")
    Traceback (most recent call last):
    kfkd.errors.ArgumentError: n is 0; it must be a whole number of at least 1
    """
    if not is_valid:
        raise ArgumentError(f"{name} is {shown(value)}; it must be {wanted}")
    return value


def whole(name, value, least=0):
    """Return a whole number that is not too small, as an int."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    is_valid = number is not None and number >= least
    check(name, value, is_valid, f"a whole number of at least {least}")
    return number


def positive(name, value):
    """Return a finite number that is more than 0."""
    is_valid = isinstance(value, numbers.Real) and 0 < value < math.inf
    return check(name, value, is_valid, "a finite number, more than 0")


def share(name, value):
    """Return a share of a whole, which may be 0, but not all of it."""
    is_valid = isinstance(value, numbers.Real) and 0 <= value < 1
    return check(name, value, is_valid, "a share from 0 to less than 1")


def one_of(name, value, known):
    """Return one of the known values, all of them texts."""
    is_valid = isinstance(value, str) and value in known
    return check(
        name, value, is_valid, f"one of {', '.join(known)}{hint(value, known)}"
    )


def as_list(name, value, items):
    """Return a list of what the argument holds; a text does not count as a list."""
    is_valid = isinstance(value, Iterable) and not isinstance(value, (str, bytes))
    check(name, value, is_valid, f"a list of {items}")
    return list(value)


def as_numbers(name, value):
    """Return an array of real numbers, from whatever NumPy makes one of."""
    import numpy as np  # which command lines do not need in order to parse

    try:
        array = np.asarray(value)
        is_valid = array.dtype.kind in "biuf"
    except ValueError:  # lists of different lengths
        is_valid = False
    check(name, value, is_valid, "an array of numbers")
    return array


def as_path(path: Any, name: str = "path", *, before: Any = None) -> pathlib.Path:
    """Return a path as a `pathlib.Path`.

    Numbers, which ``open`` takes for open files, are not paths.  `before` is the
    argument before this one; if that is the path, the two are swapped.
    """
    if not _is_path(path) or path == "":
        wanted = "a path: a str or a pathlib.Path"
        if _is_path(before):
            wanted += f". It is swapped with {shown(before)}"
        check(name, path, False, wanted)
    path = pathlib.Path(path)
    if "\0" in str(path):
        raise ArgumentError(f"{name} is {shown(str(path))}, with a NUL character")
    return path


def _is_path(value):
    return isinstance(value, (str, os.PathLike))
