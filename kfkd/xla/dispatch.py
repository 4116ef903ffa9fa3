"""What a conversion is, and the words that conversions share."""

import contextlib
import contextvars
import threading

import jax
import jax.numpy as jnp
import numpy as np

from kfkd.xla.layout import Permuted
from kfkd.xla.padded import PaddedArray

__all__ = [
    "Listed",
    "NotStatic",
    "TheanosTypeError",
    "as_dtype",
    "collect_runtime_asserts",
    "convert",
    "current_specializer",
    "dtype_of",
    "evaluate",
    "evaluation",
    "is_static",
    "no_constant_folding",
    "runtime_assert",
    "sizes",
    "specialize_on",
    "specializing_with",
    "static_value",
    "takes_none",
]


def convert(op, node):
    """Return the function of arrays that computes *node*, an application of *op*.

    The function takes one array for each input of the node and returns one array, or
    a tuple with one for each output.  It is called while JAX traces the program.
    Arrays that are known by then, such as shapes, are NumPy arrays; the others are
    JAX's; `specialize_on` and `static_value` tell what a program cannot leave open.
    Where all are known, Theano's own evaluation is called instead, unless the function
    is marked with `no_constant_folding`.  Conversions are registered by the type of the
    operation, or one that it derives from: ``@convert.register(Dot)``.

    Raises
    ------
    NotImplementedError
        If there is no conversion for *op*, or none for it with such inputs.
    """
    for kind in type(op).__mro__:
        if kind in _conversions:
            return _conversions[kind](op, node)
    raise NotImplementedError(f"{type(op).__name__} has no conversion")


def _register(kind):
    # functools.singledispatch would ask each type for virtual subclasses, of which
    # Theano has none: 50 ms for each operation that a process sees first.
    def register(conversion):
        _conversions[kind] = conversion
        return conversion

    return register


_conversions = {}
convert.register = _register


def no_constant_folding(function):
    """Mark a conversion's function that makes large arrays from known numbers."""
    function.no_constant_folding = True
    return function


def takes_none(function):
    """Mark a conversion's function that takes None where there should be an array."""
    function.takes_none = True
    return function


class NotStatic(Exception):
    """A value has to be known when the program is made, and is not."""


class TheanosTypeError(TypeError):
    """A TypeError that Theano's own evaluation raises as well.

    Those of JAX are of shapes that do not fit, of which Theano says ValueError.
    """


class Listed(tuple):
    """The value of a typed list, within a program."""

    __slots__ = ()


def is_static(value):
    """Tell whether *value* is known while the program is being made."""
    return not isinstance(value, (jax.Array, Listed, Permuted, PaddedArray))


_specializer = contextvars.ContextVar("specializer", default=None)


@contextlib.contextmanager
def specializing_with(specializer):
    """Pass the arguments of `specialize_on` to *specializer* within a block."""
    token = _specializer.set(specializer)
    try:
        yield
    finally:
        _specializer.reset(token)


def specialize_on(function, *values, host_only=False):
    """Return ``function(*values)``, to make the program for this result alone.

    Values that are not known yet, which must be among those that the conversion's
    function got, are computed before each call: on the host, or by a program of their
    own.  A program is made for each result that occurs, however many values have it.

    Parameters
    ----------
    function : callable
        Takes NumPy arrays and returns one or something hashable.  The same one each
        time, no closure, so that nothing is computed twice.
    *values : arrays, ints or None
    host_only : bool
        Whether to compute on the host or not at all.

    Raises
    ------
    NotStatic
        If a value cannot be computed before.
    """
    if all(is_static(v) for v in values):
        return function(*values)
    specializer = _specializer.get()
    if specializer is None:
        raise NotStatic
    return specializer(function, values, host_only)


def current_specializer():
    """Return `specialize_on` for the node at hand, for calls from nodes within it."""
    specializer = _specializer.get()

    def specialize(function, *values):
        with specializing_with(specializer):
            return specialize_on(function, *values)

    return specialize


def static_value(value, host_only=False):
    """Return *value* as a NumPy array, and specialize the program on it."""
    if is_static(value):
        return np.asarray(value)
    return specialize_on(np.array, value, host_only=host_only)


def sizes(*values):
    """Return scalars, and the entries of vectors, as a tuple of ints; or NotStatic."""
    return tuple(int(i) for value in values for i in np.ravel(static_value(value)))


class _Checks(threading.local):
    def __init__(self):
        self.found = []


_checks = _Checks()  # of the program that this thread traces


def runtime_assert(condition, error):
    """Have *error* raised unless all of *condition* holds.

    Now, if the condition is known; else after the call that finds it broken, with no
    shared variable updated.  Of the error only the type and the text count.
    """
    if not is_static(condition):
        _checks.found.append((condition, error))
    elif not np.all(condition):
        raise error


def collect_runtime_asserts():
    """Return the conditions to be checked after the call, with their errors, once."""
    found, _checks.found = _checks.found, []
    return found


def as_dtype(value, dtype):
    """Return *value* as an array of *dtype*: NumPy's if it is static."""
    return (np if is_static(value) else jnp).asarray(value, dtype)


def dtype_of(variable):
    """Return the NumPy dtype of a Theano variable."""
    return np.dtype(variable.type.dtype)


def evaluate(node, inputs):
    """Compute *node* from known values by Theano's own evaluation."""
    storage = dict(zip(node.inputs, ([v] for v in inputs), strict=True))
    storage |= {v: [None] for v in node.outputs}
    evaluation(node, storage)()
    return tuple(storage[v][0] for v in node.outputs)


def evaluation(node, storage):
    """Return Theano's own evaluation of *node*, from and into lists of one value."""
    computed = {v: [v in node.inputs] for v in (*node.inputs, *node.outputs)}
    return node.op.make_thunk(node, storage, computed, no_recycling=[], impl="py")
