"""Sizes of InputLayer: a tuple, none of them 0, and broadcastable where they are 1."""

import functools

import theano
import theano.tensor as T
from lasagne.layers import InputLayer

from kfkd.stack.lasagne_dev.integers import Integer

__all__ = []


def patch():
    """Check the shape, and let variables that the layer makes be of it."""
    initialize = InputLayer.__init__

    @functools.wraps(initialize)
    def __init__(self, shape, input_var=None, name=None, **kwargs):
        shape = tuple(int(n) if isinstance(n, Integer) else n for n in shape)
        if any(size is not None and size <= 0 for size in shape):
            raise ValueError(
                f"Cannot create InputLayer with a non-positive shape dimension: {shape}"
            )
        if input_var is None:
            kind = T.TensorType(theano.config.floatX, [size == 1 for size in shape])
            input_var = kind("input" if name is None else f"{name}.input")
        initialize(self, shape, input_var, name, **kwargs)

    InputLayer.__init__ = __init__
