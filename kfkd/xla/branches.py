"""Choices between values: ``theano.ifelse``."""

import jax.numpy as jnp
import numpy as np
from theano.ifelse import IfElse

from kfkd.xla.dispatch import convert, is_static, learn


@convert.register(IfElse)
def _(op, node):
    def ifelse(condition, *values):
        then, otherwise = values[: op.n_outs], values[op.n_outs :]
        shapes = [[jnp.shape(v) for v in branch] for branch in (then, otherwise)]
        if shapes[0] != shapes[1] or is_static(condition):
            # A program has one of the shapes.
            return tuple(then if learn(bool, condition) else otherwise)
        return tuple(
            t if _equal(t, o) else jnp.where(condition != 0, t, o)
            for t, o in zip(then, otherwise, strict=True)
        )

    return ifelse


def _equal(first, second):
    """Tell whether two values are known to be the same, as sizes of both mostly are."""
    known = is_static(first) and is_static(second)
    return known and np.array_equal(first, second)
