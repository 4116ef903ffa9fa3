"""Numbers that a program computes of which the largest possible is known."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from theano.scalar import basic as ts
from theano.tensor import ScalarFromTensor, TensorFromScalar

from kfkd.xla.symbolic import Symbolic
from kfkd.xla.tables import numpy_function

__all__ = [
    "Count",
    "SizeVector",
    "bounds_of",
    "bounds_of_result",
    "count_of",
    "in_program",
    "number_of",
]

_LARGEST_TABLE = 2**17  # elements
_LARGEST_ROOM = 2**20  # of bounds that are estimated, which grow with each operation


@jax.tree_util.register_pytree_node_class
class Count:
    """A number that is computed, such as how many rows a mask chooses.

    Parameters
    ----------
    number : jax.Array
        A scalar.
    room : int
        The largest that it can be: an array has room for so many entries.
    least : int or float
        The smallest that it can be, maybe minus infinity.
    table : (Count, array), optional
        The `Count` that it follows from, and its values for all values of that.  By
        default it follows from itself.
    """

    def __init__(self, number, room, least=0, table=None):
        self.number, self.room, self.least = number, room, least
        if table is None and room - least < _LARGEST_TABLE:
            table = self, np.arange(least, room + 1)
        self.source, self.values = table or (None, None)

    def is_same(self, other):
        """Return whether another `Count` is known to be the same number."""
        if self.number is other.number:
            return True
        known = self.source is not None and self.source is other.source
        return known and np.array_equal(self.values, other.values)

    def tree_flatten(self):
        """Return what a loop carries, and what it keeps."""
        return (self.number,), (self.room, self.least)

    @classmethod
    def tree_unflatten(cls, kept, children):
        """Return the `Count` again; it follows from itself now."""
        return cls(*children, *kept)


class SizeVector(list):
    """A vector of sizes: each is known, a `Symbolic`, a `Count`, or computed."""

    __slots__ = ()

    @property
    def is_bounded(self):
        """Whether the largest that each size can be is known."""
        return not any(isinstance(size, jax.Array) for size in self)

    def product(self):
        """Return the product of the sizes."""
        number = math.prod(map(in_program, self))
        bounds = list(map(bounds_of, self))
        if not self.is_bounded or any(least < 0 for least, _ in bounds):
            return number
        return Count(number, math.prod(largest for _, largest in bounds))


def in_program(value):
    """Return the traced array of a `Symbolic` or `Count`; any other value as it is."""
    if isinstance(value, Count):
        return value.number
    return value.of.in_program(value) if isinstance(value, Symbolic) else value


def number_of(value):
    """Return the array of a `Count` or `SizeVector`, and any other value as it is."""
    if isinstance(value, SizeVector):
        return jnp.stack([jnp.asarray(in_program(size), "int64") for size in value])
    return value.number if isinstance(value, Count) else value


def count_of(node, values, number):
    """Return the result of an operation on scalars as a `Count`, if it has a largest.

    Parameters
    ----------
    values : list
        Of the inputs of the node; some may be a `Count`.
    number : array
        The result.
    """
    sources = {v.source for v in values if isinstance(v, Count)}
    if len(sources) == 1 and None not in sources and all(map(_is_known, values)):
        (source,) = sources
        tables = [v.values if isinstance(v, Count) else v for v in values]
        with np.errstate(all="ignore"):
            found = numpy_function(node)(*tables)
        return Count(number, int(found.max()), int(found.min()), (source, found))
    least, largest = bounds_of_result(node, map(bounds_of, values))
    return Count(number, largest, least) if largest < _LARGEST_ROOM else number


def _is_known(value):
    known = isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind in "biu"
    return known or isinstance(value, (int, Count))


def bounds_of(value):
    """Return the smallest and the largest that a scalar can be, maybe infinite."""
    if isinstance(value, Count):
        return value.least, value.room
    if isinstance(value, Symbolic) and value.dtype.kind in "biu":
        return int(value.table.min()), int(value.table.max())
    if _is_known(value):
        return int(value), int(value)
    return -math.inf, math.inf


def bounds_of_result(node, bounds):
    """Return those of an operation on scalars, from those of its inputs."""
    kind = type(getattr(node.op, "scalar_op", node.op))
    if kind not in _BOUNDS:
        return -math.inf, math.inf
    return _BOUNDS[kind](*zip(*bounds, strict=True))


def _bounds_of_product(least, largest):
    if min(least) < 0:
        return -math.inf, math.inf
    return math.prod(least), math.prod(largest)


# By operation, the bounds of the result from the least and largest of each operand.
_BOUNDS = {
    ts.Add: lambda least, largest: (sum(least), sum(largest)),
    ts.Sub: lambda least, largest: (least[0] - largest[1], largest[0] - least[1]),
    ts.Mul: _bounds_of_product,
    ts.ScalarMinimum: lambda least, largest: (min(least), min(largest)),
    ts.ScalarMaximum: lambda least, largest: (max(least), max(largest)),
    ts.Switch: lambda least, largest: (min(least[1:]), max(largest[1:])),
    ts.Cast: lambda least, largest: (*least, *largest),
    ts.Identity: lambda least, largest: (*least, *largest),
    ScalarFromTensor: lambda least, largest: (*least, *largest),
    TensorFromScalar: lambda least, largest: (*least, *largest),
}
