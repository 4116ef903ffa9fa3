"""Choices between values: ``theano.ifelse``, ``choose`` and ``default``."""

import jax.numpy as jnp
import numpy as np
from theano.ifelse import IfElse
from theano.tensor import basic as tb
from theano.typed_list import MakeList

from kfkd.xla.dispatch import (
    Listed,
    as_dtype,
    convert,
    dtype_of,
    is_static,
    specialize_on,
)
from kfkd.xla.padded import (
    array_of,
    fitted,
    logical_shape,
    padded,
    refuse_computed,
)
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.symbolic import Symbolic, always, compute, decide, in_program, same


@convert.register(IfElse, takes_padded=True)
def convert_ifelse(op, node, condition, *values):
    branches = values[op.n_outs :], values[: op.n_outs]
    pairs = list(zip(*branches, strict=True))
    if isinstance(condition, Symbolic):
        if not all(_alike(*pair, _always_same) for pair in pairs):
            return tuple(branches[decide(compute(np.not_equal, condition, 0))])
        condition = in_program(condition)
    if is_static(condition) or not all(_alike(*pair, same) for pair in pairs):
        # A program has one of the shapes.
        return tuple(branches[specialize_on(bool, condition)])
    return tuple(_chosen(condition, *pair) for pair in pairs)


def _alike(first, second, equal):
    """Return whether the sizes of two values are equal."""
    sizes = logical_shape(first), logical_shape(second)
    refuse_computed(*sizes[0], *sizes[1])
    return all(map(equal, *sizes))


def _always_same(first, second):
    return always(compute(np.equal, first, second))


def _chosen(condition, otherwise, then):
    if _equal(then, otherwise):
        return then
    lengths = dict(enumerate(logical_shape(then)))
    arrays = (fitted(array_of(v), lengths) for v in (then, otherwise))
    return padded(jnp.where(condition != 0, *arrays), lengths)


def _equal(first, second):
    """Return whether two values are known to be the same, as most sizes are."""
    if isinstance(first, Symbolic):
        return first == second
    known = is_static(first) and is_static(second)
    return known and np.array_equal(first, second)


@convert.register(MakeList, no_constant_folding=True)
def convert_make_list(op, node, *values):
    return (Listed(values),)


@convert.register(tb.Choose, no_constant_folding=True)
def convert_choose(op, node, places, choices):
    n, mode = len(choices), op.mode
    if n == 0:
        raise ValueError("There is nothing to choose from")
    if mode == "raise":
        error = ValueError(f"invalid entry in choice array: there are {n}")
        runtime_assert((places >= 0) & (places < n), error)
        mode = "clip"
    choices = [as_dtype(choice, dtype_of(node.outputs[0])) for choice in choices]
    return jnp.choose(places, choices, mode=mode)


@convert.register(tb.Default, takes_none=True)
def convert_default(op, node, x, default):
    return default if x is None else x
