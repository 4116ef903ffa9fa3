"""Runtime asserts of a program, and its calls of Python, found while it is traced."""

import builtins
import contextlib
import threading

import jax
import jax.numpy as jnp
import numpy as np

__all__ = [
    "CallsPython",
    "NeedsChecks",
    "add_check",
    "calling_python",
    "collecting_asserts",
    "error_of",
    "python_calls",
    "raise_broken",
    "runtime_assert",
]


class NeedsChecks(Exception):
    """A program with runtime asserts must keep the old values of updated variables."""


class CallsPython(Exception):
    """A program that calls functions in Python must leave variables free for them."""


class _Traced(threading.local):
    def __init__(self):
        self.asserts, self.errors = [], None


_traced = _Traced()  # about the program that this thread traces


def runtime_assert(condition, error):
    """Raise *error* unless all of *condition* holds.

    A condition that is known is checked now.  Any other is checked after each call of
    the program; if it fails, no shared variable is updated, and of *error* only the
    type and the text count.
    """
    if isinstance(condition, jax.Array):
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


@contextlib.contextmanager
def collecting_asserts():
    """Collect the runtime asserts of a block, as pairs of condition and error."""
    before, _traced.asserts = _traced.asserts, []
    try:
        yield _traced.asserts
    finally:
        _traced.asserts = before


def raise_broken(checks, error=None):
    """Raise the error of the first runtime assert that does not hold, if any.

    Its cause is `error`, that of a function in Python.
    """
    for key, holds in checks.items():
        if not holds:
            raise error_of(key) from error


@contextlib.contextmanager
def python_calls(errors):
    """Let the program that is traced in the block call functions in Python.

    Parameters
    ----------
    errors : list or None
        For the errors of functions, which JAX would lose.  None if they cannot be
        called: that is a CallsPython.
    """
    before, _traced.errors = _traced.errors, errors
    try:
        yield
    finally:
        _traced.errors = before


def calling_python():
    """Return the list for errors of functions in Python, before one is traced.

    Raises
    ------
    CallsPython
        If the program cannot call any.
    """
    if _traced.errors is None:
        raise CallsPython
    return _traced.errors
