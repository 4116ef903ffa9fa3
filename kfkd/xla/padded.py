"""Padded arrays: their length is known only after the call.

Examples are the rows that a mask chooses, or that a loop leaves when it ends early.
XLA has no arrays of unknown length.  So the program computes as many rows as there may
be, and the number of those that count.  What a function returns is cut after the call.
Only conversions that are registered with ``takes_padded`` see such arrays.  For the
others the length is computed before the call.
"""

import dataclasses

import jax

__all__ = ["PaddedArray", "unpad"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(eq=False)
class PaddedArray:
    """The first `count` rows of `array`."""

    array: jax.Array
    count: jax.Array


def unpad(value):
    """Return a result of a program without the rows that do not count."""
    if isinstance(value, PaddedArray):
        return value.array[: int(value.count)]
    return value
