"""Layouts: arrays stored in another order of axes than the graph says.

On the CPU, XLA's convolutions are faster with the channels of images last, where
Theano's graphs have them second, and its products with tall matrices of weights are
faster with the matrix transposed.  XLA does not move a transposition through the
operations in between.  So an image may pass through a program as a `ChannelsLast`, and
a matrix as a `Transposed`.  Only conversions that are registered with ``keeps_layout``
see the difference.
"""

import contextlib
import contextvars

import jax
import jax.numpy as jnp

__all__ = [
    "ChannelsLast",
    "Permuted",
    "Transposed",
    "channels_last",
    "in_loop",
    "looping",
    "to_logical",
]


class Permuted:
    """A value whose physical axes are the logical axes of the graph in this `order`."""

    order = ()

    def __init__(self, array):
        self.array = array

    @classmethod
    def physical(cls, value):
        """Return the physical array of a value, which may be permuted already."""
        if isinstance(value, cls):
            return value.array
        return jnp.transpose(value, cls.order)

    @property
    def shape(self):
        """The logical shape, as in the graph."""
        return tuple(self.array.shape[self.order.index(i)] for i in range(self.ndim))

    @property
    def ndim(self):
        """The number of axes."""
        return len(self.order)

    @property
    def dtype(self):
        """The dtype of the array."""
        return self.array.dtype


class ChannelsLast(Permuted):
    """A value of logical shape (n, c, h, w), stored as (n, h, w, c)."""

    order = (0, 2, 3, 1)

    @classmethod
    def physical(cls, value):
        """Return the (n, h, w, c) array of an image in either layout."""
        if not isinstance(value, cls) and value.shape[1] == 1:
            n, c, h, w = value.shape
            return jnp.reshape(value, (n, h, w, c))
        return super().physical(value)


class Transposed(Permuted):
    """A matrix that is stored as its transpose.

    Loops carry it from step to step.  A single step has to transpose it back, which
    takes longer than the product with the matrix as it is.
    """

    order = (1, 0)


jax.tree_util.register_pytree_node(
    Transposed,
    lambda matrix: ((matrix.array,), None),
    lambda _, arrays: Transposed(*arrays),
)


channels_last = ChannelsLast.physical

_in_loop = contextvars.ContextVar("in_loop", default=False)


@contextlib.contextmanager
def looping():
    """Trace a loop within a ``with`` block."""
    token = _in_loop.set(True)
    try:
        yield
    finally:
        _in_loop.reset(token)


def in_loop():
    """Return whether a loop is traced, which may carry a `Transposed`."""
    return _in_loop.get()


def to_logical(value):
    """Return *value* as an array in the layout of the graph."""
    if isinstance(value, Permuted):
        back = [value.order.index(i) for i in range(value.ndim)]
        return jnp.transpose(value.array, back)
    return value
