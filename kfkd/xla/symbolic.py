"""Symbolic values: small numbers that follow from lengths that vary between calls.

A program may serve all calls whose lengths are of one class (see `kfkd.xla.lengths`).
While it is traced, a number such as ``n + 1`` is not known.  It is a `Symbolic`: a
table of its values for all lengths of the class.  So its largest value is known, which
is what arrays are padded to, and whether two numbers are always equal.  Numbers that
the program computes with are looked up before each call, and passed to it.
"""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np

__all__ = [
    "LengthClass",
    "NotPaddable",
    "NotStatic",
    "Symbolic",
    "always",
    "compute",
    "decide",
    "reduced",
    "same",
    "tables_of",
]

_CAPACITY = 4096  # numbers that a program can be passed
_LARGEST_TABLE = 2**20  # elements


class NotStatic(Exception):
    """A value has to be known when the program is made, but is computed."""


class NotPaddable(Exception):
    """A length that varies must be known exactly.

    Parameters
    ----------
    places : list of int
        Those of such lengths in a `LengthClass`.
    also : list of variables
        Inputs of the graph that must be known, too.  If some are lengths themselves,
        then none may have to be known exactly.

    Attributes
    ----------
    node : node or None
        The one that must know it.
    """

    def __init__(self, places, also=()):
        super().__init__(places)
        self.places, self.also, self.node = list(places), list(also), None


class LengthClass:
    """The lengths for which one program is made.

    Parameters
    ----------
    ranges : list of range
        Of each length that varies.
    lengths : tuple of int
        Those of the call for which the program is traced.

    Attributes
    ----------
    conditions : dict
        The keys are conditions that hold for some of the lengths.  Their values in this
        call are part of the program.
    """

    def __init__(self, ranges, lengths):
        self.ranges, self.lengths = ranges, lengths
        self.conditions = {}
        self.used = {}  # place in the vector, by `Symbolic`
        self.n_used = 0
        self.vector = None  # of the numbers in use, while the program is traced

    @contextlib.contextmanager
    def traced(self, vector):
        """Trace the program in a ``with`` block, to which *vector* is passed."""
        self.vector = vector
        try:
            yield
        finally:
            self.vector = None

    def length(self, place):
        """Return a varying length as a `Symbolic`, or as an int if it is known."""
        values = np.asarray(self.ranges[place])
        shape = [1] * len(self.ranges)
        shape[place] = -1
        return reduced(self, values.reshape(shape))

    def in_program(self, value):
        """Return the traced array of a `Symbolic`."""
        if value not in self.used:
            if self.n_used + value.size > _CAPACITY:
                raise NotPaddable(range(len(self.ranges)))
            self.used[value] = self.n_used
            self.n_used += value.size
        place = self.used[value]
        numbers = self.vector[place : place + value.size]
        if value.dtype.kind == "f":
            numbers = jax.lax.bitcast_convert_type(numbers, jnp.float64)
        return jnp.reshape(numbers, value.shape).astype(value.dtype)

    def numbers(self, lengths):
        """Return the vector that a call with such lengths passes to the program."""
        vector = np.zeros(_CAPACITY, "int64")
        for value, place in self.used.items():
            found = value.at(lengths)
            wide = found.astype("float64" if value.dtype.kind == "f" else "int64")
            vector[place : place + value.size] = np.ravel(wide).view("int64")
        return vector


class Symbolic:
    """The values of a number, or of a small array, for all lengths of a class.

    Parameters
    ----------
    of : LengthClass
    table : array
        Its first axes are those of the lengths, of size 1 where the value does not
        depend on one.  The others are those of the value.
    """

    __slots__ = ("_key", "of", "table")

    def __init__(self, of, table):
        self.of, self.table = of, table
        self._key = tuple(of.ranges), table.shape, table.dtype.str, table.tobytes()

    def __eq__(self, other):
        return isinstance(other, Symbolic) and self._key == other._key

    def __hash__(self):
        return hash(self._key)

    def __repr__(self):
        return f"Symbolic(from {self.table.min()} to {self.table.max()})"

    @property
    def dtype(self):
        """The NumPy dtype."""
        return self.table.dtype

    @property
    def shape(self):
        """The shape of the value."""
        return self.table.shape[len(self.of.ranges) :]

    @property
    def ndim(self):
        """The number of axes of the value."""
        return len(self.shape)

    @property
    def size(self):
        """The number of elements of the value."""
        return int(np.prod(self.shape))

    @property
    def places(self):
        """The places of the varying lengths that the value depends on."""
        return [i for i in range(len(self.of.ranges)) if self.table.shape[i] > 1]

    def __getitem__(self, index):
        """Return an entry of a vector."""
        return reduced(self.of, self.table[..., index])

    def __len__(self):
        return self.shape[0]

    def at(self, lengths):
        """Return the value in a call with such lengths, as an array."""
        index = (
            n - values[0] if size > 1 else 0
            for n, values, size in zip(
                lengths, self.of.ranges, self.table.shape, strict=False
            )
        )
        return np.asarray(self.table[tuple(index)])


# A loop carries what is padded; its lengths are the same at each step.
jax.tree_util.register_pytree_node(
    Symbolic, lambda value: ((), value), lambda value, _: value
)


def reduced(of, table):
    """Return a `Symbolic` of a table, or an array if it is the same for all lengths."""
    k = len(of.ranges)
    for axis in range(k):
        first = table.take([0], axis)
        if table.shape[axis] > 1 and (table == first).all():
            table = first
    if table.shape[:k] == (1,) * k:
        return table.reshape(table.shape[k:])
    return Symbolic(of, np.ascontiguousarray(table))


def tables_of(values):
    """Return the class of the `Symbolic` among *values*, and tables of all."""
    of = next(v.of for v in values if isinstance(v, Symbolic))
    tables = []
    for value in values:
        if not isinstance(value, Symbolic):
            value = np.asarray(value)
            value = value.reshape((1,) * len(of.ranges) + value.shape)
        tables.append(getattr(value, "table", value))
    sizes = np.broadcast_shapes(*(t.shape[: len(of.ranges)] for t in tables))
    if np.prod(sizes) > _LARGEST_TABLE:
        raise NotPaddable([i for i, size in enumerate(sizes) if size > 1])
    return of, tables


def compute(function, *values):
    """Return a function of numbers, of which some may be `Symbolic`.

    The function takes arrays, and computes with each element.
    """
    if not any(isinstance(value, Symbolic) for value in values):
        return np.asarray(function(*map(np.asarray, values)))
    of, tables = tables_of(values)
    with np.errstate(all="ignore"):
        return reduced(of, np.asarray(function(*tables)))


def always(condition):
    """Return whether a condition, maybe `Symbolic`, holds for all lengths."""
    return not isinstance(condition, Symbolic) and bool(condition)


def decide(condition):
    """Return whether a condition holds; make the program for such calls alone."""
    if not isinstance(condition, Symbolic):
        return bool(condition)
    condition.of.conditions[condition] = None
    return bool(condition.at(condition.of.lengths))


def same(first, second):
    """Return whether two numbers are equal; make the program for such calls alone."""
    return decide(compute(np.equal, first, second))
