"""Arrays whose length is known only after the call, such as the rows of a mask.

Or what a loop leaves that ends early.  A program has no such arrays; it has all rows
there may be, and the number of those that count.  What a function returns is cut after
the call.  Of the operations, only those that work on elements, sum or compare them,
take rows, or ask for the length, know of it.
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
    """Return *value*, which is not being traced, as the array that it stands for."""
    if isinstance(value, PaddedArray):
        return value.array[: int(value.count)]
    return value
