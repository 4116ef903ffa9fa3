"""Runtime asserts of a program, and its calls of Python, found while it is traced."""

import builtins
import threading

import jax.numpy as jnp
import numpy as np

from kfkd.xla.dispatch import is_static

__all__ = [
    "CallsPython",
    "NeedsChecks",
    "add_check",
    "collect_python_calls",
    "collect_runtime_asserts",
    "error_of",
    "note_python_call",
    "note_python_error",
    "raise_broken",
    "runtime_assert",
]


class NeedsChecks(Exception):
    """A program with runtime asserts must keep the old values of updated variables."""


class CallsPython(Exception):
    """A program that calls functions in Python must leave variables free for them."""


class _Traced(threading.local):
    def __init__(self):
        self.asserts, self.calls_python = [], False


_errors = []  # of functions in Python that running programs call
_traced = _Traced()  # about the program that this thread traces


def runtime_assert(condition, error):
    """Raise *error* unless all of *condition* holds.

    A condition that is known is checked now.  Any other is checked after each call of
    the program; if it fails, no shared variable is updated, and of *error* only the
    type and the text count.
    """
    if not is_static(condition):
        _traced.asserts.append((condition, error))
    elif not np.all(condition):
        raise error


def add_check(checks, condition, error):
    """Add to *checks* whether a condition holds, by type and text of its error.

    JAX wants plain values as keys of a result; `error_of` makes the error again.
    """
    key = type(error).__name__, str(error)
    checks[key] = checks.get(key, True) & jnp.all(condition)


def error_of(key):
    """Return the error that a key of `add_check` stands for."""
    kind, message = key
    return getattr(builtins, kind, np.linalg.LinAlgError)(message)


def collect_runtime_asserts():
    """Return the conditions to check after the call, with their errors; forget them."""
    pending, _traced.asserts = _traced.asserts, []
    return pending


def note_python_call():
    """Say that a program calls a function in Python, which may do anything."""
    _traced.calls_python = True


def collect_python_calls():
    """Return whether there was a `note_python_call`; forget it."""
    found, _traced.calls_python = _traced.calls_python, False
    return found


def note_python_error(error):
    """Keep the error of a function in Python, which JAX would lose, for this call."""
    _errors.append(error)


def raise_broken(checks):
    """Raise the error of the first runtime assert that does not hold, if any."""
    for key, holds in checks.items():
        if not holds:
            raise error_of(key) from _pop_error()


def _pop_error():
    """Return the error that a program has failed with, if any; once."""
    errors = [*_errors, None]
    _errors.clear()
    return errors[0]
