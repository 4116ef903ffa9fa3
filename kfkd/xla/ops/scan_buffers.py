"""Buffers of a scan, which have a row for each step, or fewer and then wrap around."""

import jax
import jax.numpy as jnp
from jax import lax

from kfkd.xla.padded import PaddedArray

__all__ = ["GradientSum", "in_order", "row_of", "with_row"]


def row_of(buffer, i):
    """Return row *i*."""
    return lax.dynamic_index_in_dim(buffer, i, keepdims=False)


def with_row(buffer, i, row):
    """Return *buffer* with *row*, broadcast to its shape, in the place of row *i*."""
    row = jnp.broadcast_to(row, buffer.shape[1:])
    return lax.dynamic_update_index_in_dim(buffer, row, i, 0)


def in_order(buffer, end, depth, n_steps):
    """Return *buffer*, of which *end* rows have been written, as Theano leaves it.

    The rows that are left of those are in order, from the first to the last, with
    zeros after them.  Rows that a loop that ended early has not reached are cut.
    """
    size = len(buffer)
    if not isinstance(end, jax.Array):
        if size < end:
            return jnp.roll(buffer, -(end % size), 0)
        return buffer.at[end:].set(0) if size > end else buffer
    buffer = jnp.roll(buffer, jnp.where(size < end, -(end % size), 0), 0)
    if size <= depth + 1 or n_steps == 1:
        return buffer
    written = jnp.arange(size) < end
    buffer = jnp.where(jnp.expand_dims(written, range(1, buffer.ndim)), buffer, 0)
    left = n_steps + depth - end
    return PaddedArray(buffer, jnp.where(size > end, size - left, size))


class GradientSum:
    """A buffer in which a gradient is gathered, and the rows that a step uses.

    A tap is the place of a row relative to the step.  The buffer wraps around.  A loop
    carries the buffer and a window: a list of the rows that a step reads and writes.
    """

    def __init__(self, buffer, read, written):
        self.buffer = jnp.asarray(buffer)  # before the first step
        self.read, self.written = read, written
        self.span = range(min(*read, *written), max(*read, *written) + 1)

    def _place(self, tap, i):
        return (i + tap - min(self.read)) % len(self.buffer)

    def first(self):
        """Return buffer and window before the first step."""
        return self.buffer, [
            row_of(self.buffer, self._place(tap, 0)) for tap in self.span
        ]

    def inputs(self, carried):
        """Return the rows that a step reads."""
        _, window = carried
        return [window[self.span.index(tap)] for tap in self.read]

    def advance(self, i, carried, outputs):
        """Return buffer and window after step *i*, which takes its *outputs*."""
        total, window = carried[0], list(carried[1])
        for tap in self.written:
            output = next(outputs)
            window[self.span.index(tap)] = jnp.broadcast_to(output, window[0].shape)
        total = with_row(total, self._place(self.span.start, i), window[0])
        following = row_of(self.buffer, self._place(self.span.stop, i))
        return total, [*window[1:], following]

    def finish(self, i, carried):
        """Return the buffer after *i* steps, with what is left in the window."""
        total, window = carried
        for tap, row in zip(self.span[:-1], window, strict=False):
            total = with_row(total, self._place(tap, i), row)
        return total
