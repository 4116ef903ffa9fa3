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
from kfkd.xla.runtime_checks import runtime_assert


@convert.register(IfElse)
def convert_ifelse(op, node, condition, *values):
    then, otherwise = values[: op.n_outs], values[op.n_outs :]
    shapes = [[jnp.shape(v) for v in branch] for branch in (then, otherwise)]
    if shapes[0] != shapes[1] or is_static(condition):
        # A program has one of the shapes.
        return tuple(then if specialize_on(bool, condition) else otherwise)
    return tuple(
        t if _equal(t, o) else jnp.where(condition != 0, t, o)
        for t, o in zip(then, otherwise, strict=True)
    )


def _equal(first, second):
    """Return whether two values are known to be the same, as most sizes are."""
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
