"""Choices between values: ``theano.ifelse``, ``choose`` and ``default``."""

import math

import jax.numpy as jnp
import numpy as np
from theano.ifelse import IfElse
from theano.tensor import basic as tb
from theano.typed_list import MakeList

from kfkd.xla.counts import Count, SizeVector, bounds_of, in_program, number_of
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
)
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.sizes import are_identical, is_computed, largest
from kfkd.xla.symbolic import Symbolic, compute, decide


@convert.register(IfElse, takes_padded=True, takes_counts=True)
def convert_ifelse(op, node, condition, *values):
    condition = number_of(condition)
    values = [number_of(v) if isinstance(v, SizeVector) else v for v in values]
    branches = values[op.n_outs :], values[: op.n_outs]
    pairs = list(zip(*branches, strict=True))
    alike = all(_alike(*pair) for pair in pairs)
    if isinstance(condition, Symbolic) and not alike:
        return tuple(branches[decide(compute(np.not_equal, condition, 0))])
    known = all(isinstance(n, int) for v in values for n in logical_shape(v))
    if is_static(condition) or (known and not alike):
        # A program has one of the shapes.
        return tuple(branches[specialize_on(bool, condition)])
    condition = in_program(condition) != 0
    return tuple(_chosen(condition, *pair) for pair in pairs)


def _alike(first, second):
    """Return whether the sizes of two values are known to be equal."""
    return all(map(are_identical, logical_shape(first), logical_shape(second)))


def _chosen(condition, otherwise, then):
    if _equal(then, otherwise):
        return then
    if is_computed(then) or is_computed(otherwise):
        least, most = zip(bounds_of(then), bounds_of(otherwise), strict=True)
        number = jnp.where(condition, *map(in_program, (then, otherwise)))
        return Count(number, max(most), min(least)) if max(most) < math.inf else number
    shapes = map(logical_shape, (then, otherwise))
    shape = [_chosen_size(condition, *sizes) for sizes in zip(*shapes, strict=True)]
    fitting = dict(enumerate(shape))
    arrays = (fitted(array_of(v), fitting) for v in (then, otherwise))
    return padded(jnp.where(condition, *arrays), shape)


def _chosen_size(condition, *sizes):
    if are_identical(*sizes):
        return sizes[0]
    number = jnp.where(condition, *map(in_program, sizes))
    return Count(number, max(map(largest, sizes)))


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
