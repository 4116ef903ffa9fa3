"""Buffers of a scan, which have a row for each step, or fewer and then wrap around."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from kfkd.xla.counts import Count, in_program, number_of
from kfkd.xla.dispatch import NotStatic
from kfkd.xla.padded import array_of, fitted, lengths_of, logical_shape, padded
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.sizes import is_computed, largest, same_length, sum_of_sizes
from kfkd.xla.symbolic import always, compute

__all__ = [
    "Buffer",
    "GradientSum",
    "buffer_for",
    "check_sizes",
    "computed_sizes",
    "row_of",
    "with_sizes",
]


def row_of(value, i):
    """Return row *i* of an array that may be padded."""
    row = lax.dynamic_index_in_dim(jnp.asarray(array_of(value)), i, keepdims=False)
    lengths = lengths_of(value).items()
    return padded(row, {axis - 1: n for axis, n in lengths if axis > 0})


class Buffer:
    """An array with rows that steps write to.

    Parameters
    ----------
    value : array or PaddedArray
        As it is before the first step.
    depth : int
        How many rows have been written by then.

    Attributes
    ----------
    array : jax.Array
    size : int, Symbolic or Count
        The number of rows.
    row_sizes : list
        The sizes of a row that count.
    """

    def __init__(self, value, depth):
        self.array, self.depth = jnp.asarray(array_of(value)), depth
        self.size, *self.row_sizes = logical_shape(value)
        if any(map(is_computed, self.row_sizes)):
            raise NotStatic

    def row(self, array):
        """Return a row's array as the step takes it."""
        return padded(array, self.row_sizes)

    def new_row(self, value):
        """Return the array of a row that a step returns, broadcast."""
        lengths = {}
        for axis, n in enumerate(self.row_sizes):
            size = logical_shape(value)[axis]
            if size != 1 and not (isinstance(size, int) and isinstance(n, int)):
                lengths[axis] = n
                if not same_length(size, n):
                    raise ValueError(f"a state of {n} cannot become one of {size}")
        return jnp.broadcast_to(fitted(array_of(value), lengths), self.array.shape[1:])

    def written(self, array, step, row):
        """Return the array of rows with the array of one that belongs to a step."""
        place = (self.depth + step) % in_program(self.size)
        return lax.dynamic_update_index_in_dim(array, row, place, 0)

    def in_order(self, array, n_steps, end=None):
        """Return the rows as Theano leaves them.

        Those that are left of the ones written are in order, from the first to the
        last, with zeros after them.  Rows that a loop that ended early has not reached
        are cut.

        Parameters
        ----------
        n_steps : int, Symbolic or Count
        end : traced int, optional
            How many steps there were, if the loop can end early.
        """
        size, depth = self.size, self.depth
        most = sum_of_sizes(n_steps, depth)
        written = most if end is None else end + depth
        if end is None and _always(np.equal, size, most):
            return padded(array, [size, *self.row_sizes])
        if end is None and all(isinstance(n, int) for n in (size, n_steps)):
            if size < most:
                return padded(
                    jnp.roll(array, -(most % size), 0), [size, *self.row_sizes]
                )
            return padded(array.at[most:].set(0), [size, *self.row_sizes])
        n, end_of = in_program(size), in_program(written)
        rows = jnp.arange(len(array))
        if end is not None or not _always(np.greater, size, most):
            shift = jnp.where(n < end_of, end_of % n, 0)
            array = jnp.take(array, (rows + shift) % n, axis=0, mode="clip")
        if end is None or not self._holds_last_rows_alone(n_steps):
            reached = jnp.expand_dims(rows < end_of, range(1, array.ndim))
            array = jnp.where(reached, array, 0)
        if end is None or self._holds_last_rows_alone(n_steps):
            return padded(array, [size, *self.row_sizes])
        left = in_program(most) - end_of
        count = jnp.where(n > end_of, n - left, n)
        return padded(array, [count, *self.row_sizes])

    def _holds_last_rows_alone(self, n_steps):
        few = _always(np.less_equal, self.size, self.depth + 1)
        return few or _always(np.equal, n_steps, 1)


def _always(condition, first, second):
    """Return whether a condition on two sizes is known to hold in all calls."""
    if is_computed(first) or is_computed(second):
        return False
    return always(compute(condition, first, second))


class GradientSum:
    """A buffer in which a gradient is gathered, and the rows that a step uses.

    A tap is the place of a row relative to the step.  The buffer wraps around.  A loop
    carries the buffer and a window: a list of the rows that a step reads and writes.
    """

    def __init__(self, value, read, written):
        self.buffer = Buffer(value, -min(read))
        self.read, self.written = read, written
        self.span = range(min(*read, *written), max(*read, *written) + 1)

    def _row(self, tap, i):
        place = (i + tap - min(self.read)) % in_program(self.buffer.size)
        return lax.dynamic_index_in_dim(self.buffer.array, place, keepdims=False)

    def first(self):
        """Return buffer and window before the first step."""
        return self.buffer.array, [self._row(tap, 0) for tap in self.span]

    def inputs(self, carried):
        """Return the rows that a step reads."""
        _, window = carried
        return [self.buffer.row(window[self.span.index(tap)]) for tap in self.read]

    def advance(self, i, carried, rows):
        """Return buffer and window after step *i*, which returns new *rows*."""
        total, window = carried[0], list(carried[1])
        for tap, row in zip(self.written, rows, strict=True):
            window[self.span.index(tap)] = row
        total = self.buffer.written(total, i + self.span.start, window[0])
        return total, [*window[1:], self._row(self.span.stop, i)]

    def finish(self, i, carried):
        """Return the buffer after *i* steps, with what is left in the window."""
        total, window = carried
        for tap, row in zip(self.span[:-1], window, strict=False):
            total = self.buffer.written(total, i + tap, row)
        return padded(total, [self.buffer.size, *self.buffer.row_sizes])


def buffer_for(count, row):
    """Return a buffer of rows that are like *row*, which is abstract.

    Where a size of the row is computed, the buffer has room for the largest.
    """
    shape = array_of(row).shape
    sizes_of_row = [
        room if is_computed(n) else n
        for room, n in zip(shape, logical_shape(row), strict=True)
    ]
    array = jnp.zeros((largest(count), *shape), row.dtype)
    return Buffer(padded(array, [count, *sizes_of_row]), 0)


def computed_sizes(row):
    """Return the sizes of a row that are computed, by axis."""
    lengths = lengths_of(row).items()
    return {axis: number_of(n) for axis, n in lengths if is_computed(n)}


def check_sizes(i, before, sizes):
    """Check that rows are as long as those of the step before."""
    for old, new in zip(before, sizes, strict=True):
        for axis, n in new.items():
            error = "what a step returns must be as long as what the others return"
            runtime_assert((i == 0) | (n == old[axis]), ValueError(error))


def with_sizes(rows, sizes):
    """Return rows of computed sizes, as those of the last step tell."""
    array = array_of(rows)
    lengths = {axis + 1: Count(n, array.shape[axis + 1]) for axis, n in sizes.items()}
    return padded(array, lengths_of(rows) | lengths)
