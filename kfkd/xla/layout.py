"""Images with their channels last, behind graphs that say channels first.

XLA's convolutions and matrix products on the CPU want the channels last, Theano's
graphs have them second, and XLA does not carry a transposition through the operations
in between.  So an image may travel through a program as a `ChannelsLast`, and only an
operation that cares sees the difference.
"""

import jax.numpy as jnp

__all__ = ["ChannelsLast", "channels_first", "channels_last", "keeps_layout"]


class ChannelsLast:
    """A value of logical shape (n, c, h, w) that is held as (n, h, w, c)."""

    def __init__(self, array):
        self.array = array

    @property
    def shape(self):
        """The shape (n, c, h, w) that the graph knows."""
        n, h, w, c = self.array.shape
        return n, c, h, w

    @property
    def dtype(self):
        """The dtype of the array."""
        return self.array.dtype


def channels_first(value):
    """Return *value* as the array that the graph means."""
    if isinstance(value, ChannelsLast):
        return jnp.transpose(value.array, (0, 3, 1, 2))
    return value


def channels_last(value):
    """Return the (n, h, w, c) array of *value*, an image either way."""
    if isinstance(value, ChannelsLast):
        return value.array
    n, c, h, w = value.shape
    if c == 1:
        return jnp.reshape(value, (n, h, w, c))
    return jnp.transpose(value, (0, 2, 3, 1))


def keeps_layout(function):
    """Mark the function of a conversion that takes `ChannelsLast` as well."""
    function.keeps_layout = True
    return function
