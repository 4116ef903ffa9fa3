"""Padded arrays: their length is known only after the call.

Such are the rows that a mask chooses, or that a loop leaves when it ends early.  XLA
has no arrays of unknown length.  So the program computes all rows there may be, and how
many of them count.  What a function returns is cut after the call.  Only conversions
that are registered with ``takes_padded`` see such arrays.  For the others the length is
computed before the call.
"""

import jax

__all__ = ["PaddedArray", "unpad"]


@jax.tree_util.register_pytree_node_class
class PaddedArray:
    """The first `count` rows of `array`; `count` is a scalar of JAX's."""

    def __init__(self, array, count):
        self.array = array
        self.count = count

    def tree_flatten(self):
        """Return the arrays that programs hand on."""
        return (self.array, self.count), None

    @classmethod
    def tree_unflatten(cls, _, arrays):
        """Return the padded array of such arrays."""
        return cls(*arrays)


def unpad(value):
    """Return a result of a program without the rows that do not count."""
    if isinstance(value, PaddedArray):
        return value.array[: int(value.count)]
    return value
