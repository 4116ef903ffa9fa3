"""Registry of conversions, and the functions that conversions share."""

import contextlib
import contextvars
import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from kfkd.xla.counts import Count, SizeVector
from kfkd.xla.layout import Permuted
from kfkd.xla.padded import PaddedArray
from kfkd.xla.symbolic import NotStatic, Symbolic

__all__ = [
    "Conversion",
    "Listed",
    "NotStatic",
    "TheanosTypeError",
    "apply_transpose",
    "as_dtype",
    "convert",
    "dtype_of",
    "evaluate",
    "evaluation",
    "is_static",
    "sizes",
    "specialize_on",
    "specializing_with",
    "static_value",
]


@dataclasses.dataclass(frozen=True)
class Conversion:
    """The function of arrays that computes a node, and how it is to be called.

    Attributes
    ----------
    function : callable
        Takes one array for each input of the node.  Returns one array, or a tuple with
        one for each output.  It is called while JAX traces the program.  Arrays that
        are known by then, such as shapes, are NumPy arrays.  The others are JAX's.
    keeps_layout : bool
        Whether the function takes a `Permuted` array as well.
    takes_padded : bool
        Whether the function takes a `PaddedArray` or a `Symbolic` as well.
    takes_counts : bool
        Whether the function takes a `Count` or a `SizeVector` as well.
    takes_none : bool
        Whether the function takes None where there should be an array.
    no_constant_folding : bool
        Whether the function is called even if all inputs are known.  Otherwise Theano's
        own evaluation is called then.  For functions that make large arrays from known
        numbers, or have an effect at each call.
    """

    function: Callable
    keeps_layout: bool = False
    takes_padded: bool = False
    takes_counts: bool = False
    takes_none: bool = False
    no_constant_folding: bool = False


def convert(op, node):
    """Find the `Conversion` of *node*, an application of *op*.

    Raises
    ------
    NotImplementedError
        If there is no conversion for *op*, or none for it with such inputs.
    """
    for kind in type(op).__mro__:
        if kind in _registered:
            function, factory, traits = _registered[kind]
            if factory:
                return Conversion(function(op, node), **traits)
            return Conversion(functools.partial(function, op, node), **traits)
    raise NotImplementedError(f"{type(op).__name__} has no conversion")


def _register(kind, *, factory=False, **traits):
    """Register a function of an operation, its node and arrays as their conversion.

    Parameters
    ----------
    kind : type
        The type of the operation; conversions apply to types derived from it, too.
    factory : bool
        Whether the function takes only the operation and the node, when Theano compiles
        a function, and returns the function of arrays.
    **traits : bool
        The attributes of the `Conversion`.
    """

    # functools.singledispatch would ask each type for virtual subclasses, of which
    # Theano has none: 50 ms for each operation that a process sees first.
    def register(function):
        _registered[kind] = function, factory, traits
        return function

    return register


_registered = {}
convert.register = _register


class TheanosTypeError(TypeError):
    """A TypeError that Theano's own evaluation raises as well.

    JAX's own TypeErrors are about shapes that do not fit, for which Theano raises
    ValueError.
    """


class Listed(tuple):
    """The value of a typed list, within a program."""

    __slots__ = ()


def is_static(value):
    """Return whether *value* is known while the program is being made."""
    return not isinstance(
        value,
        (jax.Array, Count, Listed, PaddedArray, Permuted, SizeVector, Symbolic),
    )


_specializer = contextvars.ContextVar("specializer", default=None)


@contextlib.contextmanager
def specializing_with(specializer):
    """Pass the arguments of `specialize_on` to *specializer* within a block."""
    token = _specializer.set(specializer)
    try:
        yield
    finally:
        _specializer.reset(token)


def specialize_on(function, *values, host_only=False, for_all_lengths=False, places=()):
    """Return ``function(*values)``, and specialize the program on the result.

    Values that are not known yet are computed before each call, on the host or by a
    program of their own.  They must be among the arguments of the conversion's
    function.  A program is made for each result that occurs, however many values have
    the same result.

    Parameters
    ----------
    function : callable
        Takes NumPy arrays and returns one or something hashable.  It must be the same
        object each time, not a closure, so that results are computed once.
    *values : arrays, ints or None
    host_only : bool
        Whether to compute on the host or not at all.
    for_all_lengths : bool
        Whether the program needs the result alone.  Then the values may depend on
        lengths that vary from call to call.
    places : sequence of arrays or ints
        Those of the values that tell where something is.  Whole numbers that others
        follow from may be taken for lengths that vary.

    Raises
    ------
    NotStatic
        If a value cannot be computed before the call.
    """
    if all(is_static(v) for v in values):
        return function(*values)
    specializer = _specializer.get()
    if specializer is None:
        raise NotStatic
    return specializer(function, values, host_only, for_all_lengths, places)


def static_value(value, host_only=False):
    """Return *value* as a NumPy array; specialize the program on it if need be."""
    if is_static(value):
        return np.asarray(value)
    return specialize_on(np.array, value, host_only=host_only)


def sizes(*values):
    """Return scalars, and the entries of vectors, as a tuple of static ints."""
    return tuple(int(i) for value in values for i in np.ravel(static_value(value)))


def apply_transpose(function, shape, value):
    """Return *value* times the transpose of a linear function of arrays of *shape*."""
    argument = jax.ShapeDtypeStruct(shape, value.dtype)
    return jax.linear_transpose(function, argument)(value)[0]


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
