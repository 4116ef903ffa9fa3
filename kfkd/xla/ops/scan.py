"""Loops in a graph: ``theano.scan``, its gradient, and loops that end early.

The graph of one step becomes a program like that of the whole function, and the steps
become a loop of XLA's.  The buffers are those of Theano.  Sequences and states have a
row for each step.  Where only the last rows are asked for, a buffer has fewer, and
wraps around.
"""

import contextvars
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from theano.scan.op import Scan

from kfkd.xla.counts import SizeVector, in_program, number_of
from kfkd.xla.dispatch import NotStatic, convert, dtype_of, specialize_on
from kfkd.xla.lengths import room_below, room_for, size_of
from kfkd.xla.ops.scan_buffers import (
    Buffer,
    GradientSum,
    buffer_for,
    check_sizes,
    computed_sizes,
    row_of,
    with_sizes,
)
from kfkd.xla.ops.scan_steps import AtAllSteps, compile_steps
from kfkd.xla.padded import array_of, lengths_of, logical_shape, padded, refuse_varying
from kfkd.xla.runtime_checks import (
    add_check,
    collecting_asserts,
    error_of,
    runtime_assert,
)
from kfkd.xla.size_variables import deciding_scalars
from kfkd.xla.sizes import is_computed
from kfkd.xla.symbolic import NotPaddable, compute, decide


@convert.register(
    Scan,
    factory=True,
    no_constant_folding=True,
    takes_padded=True,
    takes_counts=True,
)
def convert_scan(op, node):
    program = compile_steps(op)
    # The optimiser loses the user's line that a loop comes from; its steps have it.
    known = [v.tag.trace for v in op.outputs if getattr(v.tag, "trace", None)]
    if known and not getattr(node.outputs[0].tag, "trace", None):
        node.outputs[0].tag.trace = known[0]

    def scan(n_steps, *values):
        try:
            return _Loop(op, program, n_steps, values).run()
        except NotPaddable as error:
            # Inputs of a step are others outside of the loop.
            outer = op.outer_non_seqs(node.inputs)
            inner = program.inputs[len(program.inputs) - len(outer) :]
            outer = dict(zip(inner, outer, strict=True))
            error.also = deciding_scalars(outer[v] for v in error.also if v in outer)
            raise

    return scan


class _State(NamedTuple):
    """What changes from step to step.

    Buffers are only written to: if they were read as well, XLA might copy them at each
    step.  What a step reads of them is carried beside them.
    """

    sums: list  # what each `GradientSum` (mit_mot) carries
    last: list  # what a step reads of each recurrent output (mit_sot and sit_sot)
    rows: list  # the buffers of recurrent and of other (nit_sot) outputs
    sizes: list  # those that steps compute of each row of other outputs, by axis
    shared: list  # the states of random streams and the like
    holds: dict  # whether each runtime assert has held at all steps


class _Returned(NamedTuple):
    """What a step returns."""

    sums: list  # the rows of each `GradientSum`
    recurrent: list  # the row of each recurrent output
    others: list  # that of each other output, which may be padded
    shared: list
    ends: object  # whether it is the last step
    holds: dict  # whether each runtime assert holds


class _Loop:
    """A scan as one loop of XLA's, while the program is traced."""

    def __init__(self, op, program, n_steps, values):
        self.op, self.program = op, program
        self.n_steps = size_of(n_steps)
        values = [n_steps, *values]
        self.others = op.outer_non_seqs(values)
        values = [number_of(v) if isinstance(v, SizeVector) else v for v in values]
        self.sequences = op.outer_seqs(values)
        self._check_lengths()
        buffers = op.outer_mitmot(values)
        read, self.taps = op.tap_array[: len(buffers)], op.tap_array[len(buffers) :]
        self.sums = list(map(GradientSum, buffers, read, op.mitmot_out_taps()))
        recurrent = [*op.outer_mitsot(values), *op.outer_sitsot(values)]
        self.recurrent = [
            Buffer(value, -min(taps))
            for value, taps in zip(recurrent, self.taps, strict=True)
        ]
        self.buffers = []  # of recurrent and of other (nit_sot) outputs
        self.shared = list(map(_exact, op.outer_shared(values)))
        self.counts = list(map(size_of, op.outer_nitsot(values)))
        # In which `specialize_on` is about this node, and not about one of a step.
        self.context = contextvars.copy_context()

    def _check_lengths(self):
        n = self.n_steps
        told = "its" if is_computed(n) else n
        _refuse(np.less, n, 0, IndexError(f"a scan cannot have {told} steps"))
        _refuse(np.equal, n, 0, ValueError("a scan of no steps is not defined"))
        for sequence in self.sequences:
            length = logical_shape(sequence)[0]
            error = f"a sequence of {length} is shorter than the {n} steps of the scan"
            if is_computed(length) or is_computed(n):
                error = "a sequence is shorter than the steps of the scan"
            _refuse(np.less, length, n, ValueError(error))

    def run(self):
        """Return the outputs of the node."""
        i, state = self._iterate(self._first_state())
        for key, holds in state.holds.items():
            runtime_assert(holds, error_of(key))
        sums = [
            s.finish(i, carried)
            for s, carried in zip(self.sums, state.sums, strict=True)
        ]
        end = i if self.op.as_while else None
        rows = [
            buffer.in_order(array, self.n_steps, end)
            for buffer, array in zip(self.buffers, state.rows, strict=True)
        ]
        k = len(rows) - len(state.sizes)
        others = list(map(with_sizes, rows[k:], state.sizes))
        return *sums, *rows[:k], *others, *state.shared

    def _first_state(self):
        state = _State(
            sums=[s.first() for s in self.sums],
            last=[list(b.array[: b.depth]) for b in self.recurrent],
            rows=[],
            sizes=None,
            shared=self.shared,
            holds={},
        )
        # The other outputs and the asserts of a step are known once it has been traced.
        step = jax.eval_shape(
            lambda i: self._call(i, state), jax.ShapeDtypeStruct((), "int64")
        )
        others = [
            buffer_for(count, row)
            for count, row in zip(self.counts, step.others, strict=True)
        ]
        self.buffers = [*self.recurrent, *others]
        sizes = [computed_sizes(row) for row in step.others]
        return state._replace(
            rows=[buffer.array for buffer in self.buffers],
            sizes=jax.tree.map(lambda n: jnp.zeros(n.shape, n.dtype), sizes),
            holds={key: jnp.asarray(True) for key in step.holds},
        )

    def _iterate(self, state):
        """Return the number of steps that were made, and the state after them."""
        n = in_program(self.n_steps)
        if not self.op.as_while:
            return n, lax.fori_loop(0, n, lambda i, s: self._step(i, s)[0], state)

        def goes_on(carried):
            i, unfinished, _ = carried
            return (i < n) & unfinished

        def step(carried):
            i, _, state = carried
            state, ends = self._step(i, state)
            return i + 1, ~ends, state

        first = jnp.asarray(0), jnp.asarray(True), state
        i, _, state = lax.while_loop(goes_on, step, first)
        return i, state

    def _step(self, i, state):
        """Return the state after step *i*, and whether it is the last."""
        new = self._call(i, state)
        new_rows = [*new.recurrent, *map(array_of, new.others)]
        state = _State(
            sums=[
                s.advance(i, carried, rows)
                for s, carried, rows in zip(
                    self.sums, state.sums, new.sums, strict=True
                )
            ],
            last=[
                [*old[1:], row]
                for old, row in zip(state.last, new.recurrent, strict=True)
            ],
            rows=[
                buffer.written(array, i, row)
                for buffer, array, row in zip(
                    self.buffers, state.rows, new_rows, strict=True
                )
            ],
            sizes=list(map(computed_sizes, new.others)),
            shared=new.shared,
            holds={key: held & new.holds[key] for key, held in state.holds.items()},
        )
        return state, new.ends

    def _call(self, i, state):
        """Return what step *i* returns."""
        inputs = [row_of(sequence, i) for sequence in self.sequences]
        for s, carried in zip(self.sums, state.sums, strict=True):
            inputs += s.inputs(carried)
        for buffer, last, taps in zip(
            self.recurrent, state.last, self.taps, strict=True
        ):
            inputs += [buffer.row(last[tap]) for tap in taps]
        inputs += [*state.shared, *self.others]
        values, holds = dict(zip(self.program.inputs, inputs, strict=True)), {}
        check = functools.partial(add_check, holds)
        outputs = self.program(values, check, self._resolve)
        dtypes = map(dtype_of, self.program.outputs)
        outputs = [
            padded(jnp.asarray(array_of(value), dtype), lengths_of(value))
            for value, dtype in zip(outputs, dtypes, strict=True)
        ]
        with collecting_asserts() as asserts:
            returned = self._returned(outputs, holds)
            sizes = list(map(computed_sizes, returned.others))
            check_sizes(i, state.sizes or sizes, sizes)
        for condition, error in asserts:
            check(condition, error)
        return returned

    def _returned(self, outputs, holds):
        op, of_sums = self.op, iter(self.op.inner_mitmot_outs(outputs))
        recurrent = [*op.inner_mitsot_outs(outputs), *op.inner_sitsot_outs(outputs)]
        return _Returned(
            sums=[
                [s.buffer.new_row(next(of_sums)) for _ in s.written] for s in self.sums
            ],
            recurrent=[
                buffer.new_row(row)
                for buffer, row in zip(self.recurrent, recurrent, strict=True)
            ],
            others=op.inner_nitsot_outs(outputs),
            shared=list(map(_exact, op.inner_shared_outs(outputs))),
            ends=_exact(outputs[-1]) != 0 if op.as_while else False,
            holds=holds,
        )

    def _resolve(self, query):
        """Resolve a static query of a step, if the result is the same at all steps.

        Raise NotStatic if it is not, depends on the state, or takes a program.
        """
        variables = self.program.inputs
        in_sequence = dict(zip(variables, self.sequences, strict=False))
        n_before = len(variables) - len(self.others)
        constant = dict(zip(variables[n_before:], self.others, strict=True))
        values = in_sequence | constant
        if not query.on_host or any(v not in values for v in query.inputs):
            raise NotStatic
        of_room = query.function in (room_for, room_below)
        result = self.context.run(
            specialize_on,
            AtAllSteps(query, [v in in_sequence for v in query.inputs]),
            None if of_room else self.n_steps,
            *(values[v] for v in query.inputs),
            for_all_lengths=of_room,
        )
        if result is None:
            raise NotStatic
        return result


def _refuse(condition, first, second, error):
    """Raise *error* if a condition on two sizes holds."""
    if is_computed(first) or is_computed(second):
        of_arrays = getattr(jnp, condition.__name__)
        broken = of_arrays(in_program(first), in_program(second))
        runtime_assert(~broken, error)
    elif decide(compute(condition, first, second)):
        raise error


def _exact(value):
    refuse_varying(value)
    return jnp.asarray(in_program(value))
