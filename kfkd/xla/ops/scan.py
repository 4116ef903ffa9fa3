"""Loops in a graph: ``theano.scan``, its gradient, and loops that end early.

The graph of one step becomes a program like that of the whole function, and the steps a
loop of XLA's.  Theano's buffers stay as they are: those of sequences and states have a
row for each step, or fewer where only the last are asked for, and then wrap around.
"""

import jax
import jax.numpy as jnp
import numpy as np
import theano
from jax import lax
from theano.scan.op import Scan

from kfkd.xla.dispatch import (
    NotStatic,
    convert,
    current_specializer,
    dtype_of,
    runtime_assert,
    sizes,
)
from kfkd.xla.padded import PaddedArray
from kfkd.xla.specialization import hashable


@convert.register(Scan, no_constant_folding=True)
def convert_scan(op, node):
    step = theano.function(
        op.inputs, op.outputs, mode="xla", on_unused_input="ignore", profile=False
    )
    program = step.fn.program
    # The optimiser forgets which line a loop is of; its steps know.
    known = [v.tag.trace for v in op.outputs if getattr(v.tag, "trace", None)]
    if known and not getattr(node.outputs[0].tag, "trace", None):
        node.outputs[0].tag.trace = known[0]

    def scan(n_steps, *values):
        return _Loop(op, program, n_steps, values).run()

    return scan


class _Loop:
    """One trace of a loop.

    A state is what changes from step to step, a dict of these lists:

    - ``sums``, the buffers in which gradients are gathered (mit_mot);
    - ``windows``, for each of those a list of the rows that a step reads and writes;
    - ``last``, for each recurrent output (mit_sot and sit_sot) a list of its values at
      the last steps, as far as a step looks back;
    - ``rows``, the buffers of recurrent and of other (nit_sot) outputs;
    - ``shared``, the states of random streams and the like;
    - ``holds``, a dict of the conditions that steps require.

    Buffers are only written to: one that was read as well XLA might copy at each step.
    """

    def __init__(self, op, program, n_steps, values):
        (self.n_steps,) = sizes(n_steps)
        if self.n_steps < 0:
            raise IndexError(f"a scan cannot have {self.n_steps} steps")
        if self.n_steps == 0:
            raise ValueError("a scan of no steps is not defined")
        self.op, self.program = op, program
        values = [n_steps, *values]
        self.sequences = op.outer_seqs(values)
        for sequence in self.sequences:
            if len(sequence) < self.n_steps:
                raise ValueError(
                    f"a sequence of {len(sequence)} is shorter than the "
                    f"{self.n_steps} steps of the scan"
                )
        recurrent = [*op.outer_mitsot(values), *op.outer_sitsot(values)]
        self.recurrent = [jnp.asarray(buffer) for buffer in recurrent]
        self.sums = [jnp.asarray(buffer) for buffer in op.outer_mitmot(values)]
        self.shared = [jnp.asarray(value) for value in op.outer_shared(values)]
        self.others = op.outer_non_seqs(values)
        self.counts = sizes(*op.outer_nitsot(values))
        self.specialize_on = current_specializer()
        self.errors = {}
        n_sums = len(self.sums)
        self.taps_of_sums = op.tap_array[:n_sums]
        self.spans = [
            range(min(*read, *written), max(*read, *written) + 1)
            for read, written in zip(
                self.taps_of_sums, op.mitmot_out_taps(), strict=True
            )
        ]
        self.taps = op.tap_array[n_sums:]
        self.depths = [-min(taps) for taps in self.taps]

    def run(self):
        """Return the outputs of the node."""
        i, state = self._looped()
        for key, holds in state["holds"].items():
            runtime_assert(holds, self.errors[key])
        depths = [*self.depths, *(0 for _ in self.counts)]
        rows = [
            self._ordered(buffer, depth + i, depth)
            for buffer, depth in zip(state["rows"], depths, strict=True)
        ]
        sums = list(state["sums"])
        for k, window in enumerate(state["windows"]):
            for tap, row in zip(self.spans[k][:-1], window, strict=False):
                sums[k] = _with_row(sums[k], self._place(k, tap, i), row)
        return *sums, *rows, *state["shared"]

    def _looped(self):
        state = self._begin()
        if not self.op.as_while:
            n = self.n_steps
            return n, lax.fori_loop(0, n, lambda i, s: self._step(i, s)[0], state)

        def step(carried):
            i, _, state = carried
            state, ends = self._step(i, state)
            return i + 1, ~ends, state

        first = jnp.asarray(0), jnp.asarray(True), state
        i, _, state = lax.while_loop(
            lambda carried: (carried[0] < self.n_steps) & carried[1], step, first
        )
        return i, state

    def _begin(self):
        state = {
            "sums": self.sums,
            "windows": [
                [_row(self.sums[k], self._place(k, tap, 0)) for tap in span]
                for k, span in enumerate(self.spans)
            ],
            "last": [
                list(buffer[:depth])
                for buffer, depth in zip(self.recurrent, self.depths, strict=True)
            ],
            "shared": self.shared,
        }
        # What a step returns besides, and requires, is known once it has been traced.
        outputs, holds = jax.eval_shape(
            lambda i: self._computed(i, state), jax.ShapeDtypeStruct((), "int64")
        )
        made = [
            jnp.zeros((count, *output.shape), output.dtype)
            for count, output in zip(
                self.counts, self.op.inner_nitsot_outs(outputs), strict=True
            )
        ]
        state["rows"] = [*self.recurrent, *made]
        state["holds"] = {key: jnp.asarray(True) for key in holds}
        return state

    def _computed(self, i, state):
        """Return the outputs of step *i*, and what it requires."""
        inputs = [_row(sequence, i) for sequence in self.sequences]
        for window, span, taps in zip(
            state["windows"], self.spans, self.taps_of_sums, strict=True
        ):
            inputs += [window[span.index(tap)] for tap in taps]
        for last, taps in zip(state["last"], self.taps, strict=True):
            inputs += [last[tap] for tap in taps]
        inputs += [*state["shared"], *self.others]
        holds = {}

        def check(condition, error):
            key = type(error).__name__, str(error)
            self.errors[key] = error
            holds[key] = holds.get(key, True) & jnp.all(condition)

        values = dict(zip(self.program.inputs, inputs, strict=True))
        outputs = self.program(values, check, self._resolve)
        if any(isinstance(output, PaddedArray) for output in outputs):
            raise NotStatic
        variables = self.program.outputs
        return [
            jnp.asarray(output, dtype_of(v))
            for v, output in zip(variables, outputs, strict=True)
        ], holds

    def _step(self, i, state):
        """Return the state after step *i*, and whether it is the last."""
        op = self.op
        outputs, holds = self._computed(i, state)
        sums, windows = [], []
        new = iter(op.inner_mitmot_outs(outputs))
        for k, span in enumerate(self.spans):
            window = list(state["windows"][k])
            for tap in op.mitmot_out_taps()[k]:
                window[span.index(tap)] = jnp.broadcast_to(next(new), window[0].shape)
            place = self._place(k, span.start, i)
            sums.append(_with_row(state["sums"][k], place, window[0]))
            coming = _row(self.sums[k], self._place(k, span.stop, i))
            windows.append([*window[1:], coming])
        recurrent = [*op.inner_mitsot_outs(outputs), *op.inner_sitsot_outs(outputs)]
        last = [
            [*old[1:], jnp.broadcast_to(output, old[0].shape)]
            for old, output in zip(state["last"], recurrent, strict=True)
        ]
        depths = [*self.depths, *(0 for _ in self.counts)]
        made = op.inner_nitsot_outs(outputs)
        rows = [
            _with_row(buffer, (depth + i) % len(buffer), output)
            for buffer, depth, output in zip(
                state["rows"], depths, [*recurrent, *made], strict=True
            )
        ]
        state = {
            "sums": sums,
            "windows": windows,
            "last": last,
            "rows": rows,
            "shared": op.inner_shared_outs(outputs),
            "holds": {k: held & holds[k] for k, held in state["holds"].items()},
        }
        return state, outputs[-1] != 0

    def _place(self, k, tap, i):
        """Return which row of the sum *k* is meant by *tap* at step *i*."""
        return (i + tap - min(self.taps_of_sums[k])) % len(self.sums[k])

    def _ordered(self, buffer, end, depth):
        """Return *buffer*, of which *end* rows have been written, as Theano leaves it.

        That is from the first that is left of them to the last, and zeros after it;
        but of rows that the loop has not come to, as it ended early, there are none.
        """
        size = len(buffer)
        if not isinstance(end, jax.Array):
            if size < end:
                return jnp.roll(buffer, -(end % size), 0)
            return buffer.at[end:].set(0) if size > end else buffer
        buffer = jnp.roll(buffer, jnp.where(size < end, -(end % size), 0), 0)
        if size <= depth + 1 or self.n_steps == 1:
            return buffer
        written = jnp.arange(size) < end
        buffer = jnp.where(jnp.expand_dims(written, range(1, buffer.ndim)), buffer, 0)
        left = self.n_steps + depth - end
        return PaddedArray(buffer, jnp.where(size > end, size - left, size))

    def _resolve(self, query):
        """Resolve a query of a step, if the result is the same at all steps."""
        n_others = len(self.others)
        variables = self.program.inputs
        sources = dict(zip(variables, self.sequences, strict=False))
        sources |= dict(
            zip(variables[len(variables) - n_others :], self.others, strict=True)
        )
        try:
            values = [sources[v] for v in query.inputs]
        except KeyError:  # a state
            raise NotStatic from None
        if not query.on_host:
            raise NotStatic
        n_changing = len(self.sequences)
        changes = [v in variables[:n_changing] for v in query.inputs]
        result = self.specialize_on(_AtAllSteps(query, changes), self.n_steps, *values)
        if result is None:
            raise NotStatic
        return result


class _AtAllSteps:
    """The function of a loop's inputs that evaluates a query of its steps.

    Or returns None if it is not the same at each step.
    """

    def __init__(self, query, changes):
        self.query = query
        self.changes = changes

    def __eq__(self, other):
        return isinstance(other, _AtAllSteps) and self.query.key == other.query.key

    def __hash__(self):
        return hash(self.query.key)

    def __call__(self, n_steps, *values):
        results = {}
        for i in range(n_steps if any(self.changes) else 1):
            given = {
                v: np.asarray(value[i] if changes else value)
                for v, value, changes in zip(
                    self.query.inputs, values, self.changes, strict=True
                )
            }
            result = self.query.evaluate(given.__getitem__)
            results[hashable(result)] = result
        return result if len(results) == 1 else None


def _row(buffer, i):
    return lax.dynamic_index_in_dim(buffer, i, keepdims=False)


def _with_row(buffer, i, row):
    row = jnp.broadcast_to(row, buffer.shape[1:])
    return lax.dynamic_update_index_in_dim(buffer, row, i, 0)
