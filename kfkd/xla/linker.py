"""From an optimised Theano graph to one jitted program; knows no operation."""

import builtins
import contextlib

import jax
import jax.numpy as jnp
import numpy as np
from theano.graph.basic import Constant, ancestors
from theano.graph.utils import get_variable_trace_string
from theano.link.basic import Container, Linker
from theano.link.utils import map_storage
from theano.scalar import Scalar
from theano.tensor import TensorType

from kfkd._signals import ctrl_c_held_back
from kfkd.xla.device import get_device
from kfkd.xla.dispatch import (
    NotStatic,
    collected_checks,
    convert,
    dtype_of,
    evaluate,
    is_static,
)
from kfkd.xla.layout import channels_first
from kfkd.xla.precision import get_precision, precisely
from kfkd.xla.programs import compiling
from kfkd.xla.storage import Cell, exclusive, to_device, to_host

__all__ = [
    "NeedsChecks",
    "Program",
    "Thunk",
    "XLALinker",
    "distinct",
    "raise_broken",
    "variant",
]

# Constants with more elements are handed to the program instead of written into it.
_LARGE_CONSTANT = 4096


def _where(node):
    """Say what *node* is and which line of the user's program it comes from."""
    inputs = ", ".join(str(v.type) for v in node.inputs)
    trace = get_variable_trace_string(node.outputs[0])
    return f"{node.op} of {inputs}\n{trace}".rstrip()


def _is_array(variable):
    return isinstance(variable.type, (TensorType, Scalar))


class NeedsChecks(Exception):
    """A program that may fail after the fact must keep the old values of updates."""


def raise_broken(checks):
    """Raise the error of the first condition that does not hold, if any."""
    for (kind, message), holds in checks.items():
        if not holds:
            raise getattr(builtins, kind)(message)


def distinct(new, given):
    """Return *new* with copies of what is among *given* or in it twice.

    JAX hands on an input, or the same output twice, without copying it: two shared
    variables would have one buffer, and each would give it away.
    """
    new, taken = list(new), {id(array) for array in given}
    for i, array in enumerate(new):
        new[i] = jnp.copy(array) if id(array) in taken else array
        taken.add(id(array))
    return new


class Program:
    """The computation of a graph as a function that JAX can trace.

    Parameters
    ----------
    fgraph : theano.graph.fg.FunctionGraph
        The optimised graph.
    order : list of theano.graph.basic.Apply
        Its nodes in an order in which they can be computed.

    Raises
    ------
    NotImplementedError
        If an operation has no conversion; the message names it and the line of the
        user's program that it comes from.
    """

    def __init__(self, fgraph, order):
        self.inputs = list(fgraph.inputs)
        self.outputs = list(fgraph.outputs)
        self.steps = [(node, self._convert(node)) for node in order]
        used = [v for node in order for v in node.inputs] + self.outputs
        self.constants = {v: v.data for v in used if isinstance(v, Constant)}

    @staticmethod
    def _convert(node):
        try:
            return convert(node.op, node)
        except NotImplementedError as error:
            raise NotImplementedError(
                f"Mode 'xla': {error}.\nIt is {_where(node)}\n"
                "Theano's own, slow evaluation may know it: use mode='FAST_RUN'."
            ) from None

    def __call__(self, values, check):
        """Compute the outputs of the graph.

        Parameters
        ----------
        values : dict
            The arrays of the inputs and, instead of those in the graph, of constants.
        check : callable
            Called with each condition that has to hold for the outputs to be right,
            a boolean array, and the error to raise if it does not.

        Returns
        -------
        list of arrays
            One for each output; NumPy's where it does not depend on an input.
        """
        values = self.constants | values
        for node, function in self.steps:
            inputs = [values[v] for v in node.inputs]
            if not getattr(function, "keeps_layout", False):
                inputs = [channels_first(v) for v in inputs]
            static = all(is_static(v) for v in inputs)
            try:
                if static and not getattr(function, "generates", False):
                    outputs = evaluate(node, inputs)
                else:
                    outputs = function(*inputs)
            except NotStatic:
                known = {v for v, array in values.items() if is_static(array)}
                raise NotStatic(node, known) from None
            except (AssertionError, IndexError, TypeError, ValueError) as error:
                kind = ValueError if isinstance(error, TypeError) else type(error)
                raise kind(f"{error}\nIt is {_where(node)}") from error
            finally:
                checks = collected_checks()
            for condition, error in checks:
                check(condition, type(error)(f"{error}\nIt is {_where(node)}"))
            if not isinstance(outputs, tuple):
                outputs = (outputs,)
            values.update(zip(node.outputs, outputs, strict=True))
        return [channels_first(values[v]) for v in self.outputs]


class XLALinker(Linker):
    """A Theano linker: one graph becomes one XLA program.

    The program computes all outputs and all updates, each node once.  The buffers of
    updated shared variables are given to it (donated), so that it writes the new
    values over the old; not so in a program with conditions on computed values, such as
    that indices are in range, which are checked after the call.

    Notes
    -----
    Theano computes in the dtypes of the graph, in 64 bits where it says so, whatever
    ``jax_enable_x64`` is; so programs are traced and called with 64 bits enabled.
    Sizes must be known when a program is made.  An integer argument of the function
    that a size depends on is therefore built in, and a program made for each value of
    it that occurs.
    """

    def __init__(self, allow_gc=False):
        super().__init__(allow_gc=allow_gc)
        self.fgraph = None
        self.updates = {}

    def accept(self, fgraph, no_recycling=None, profile=None):
        """Return a linker for *fgraph*."""
        linker = type(self)(allow_gc=self.allow_gc)
        linker.fgraph = fgraph
        return linker

    def accept_var_updates(self, updates):
        """Take note which input is replaced by which output after a call."""
        self.updates = dict(updates)

    def make_thunk(self, input_storage=None, output_storage=None, storage_map=None):
        """Return the function of no arguments that Theano calls, and its containers."""
        fgraph = self.fgraph
        order = self.schedule(fgraph)
        input_storage, output_storage, storage_map = map_storage(
            fgraph, order, input_storage, output_storage, storage_map
        )
        program = Program(fgraph, order)
        thunk = Thunk(program, input_storage, self.updates, storage_map)
        inputs = [
            Container(v, storage)
            for v, storage in zip(program.inputs, input_storage, strict=True)
        ]
        outputs = [
            Container(v, storage, readonly=True)
            for v, storage in zip(program.outputs, output_storage, strict=True)
        ]
        return thunk, inputs, outputs


def variant():
    """Return what conversions may choose by, so that a program is made for each."""
    return get_device().platform, get_precision()


class Thunk:
    """A program with the storage that it reads and updates."""

    allow_gc = True  # nothing is kept for Function.free to take away
    need_update_inputs = False  # done here, so that values stay on the device

    def __init__(self, program, storage, updates, storage_map):
        self.program = program
        self.storage_map = storage_map  # for Function.copy
        self.cells = dict(zip(program.inputs, storage, strict=True))
        # Theano appends the new values to the outputs of the function.
        self.n_returned = len(program.outputs) - len(updates)
        replaced = {new: v for v, new in updates.items()}
        self.updated = [replaced[v] for v in program.outputs[self.n_returned :]]
        self.large = {
            v: Cell([data])
            for v, data in program.constants.items()
            if np.size(data) > _LARGE_CONSTANT
        }
        self.built_in = [v for v in program.inputs if not _is_array(v)]
        self.checked = False  # whether conditions are known to be checked after calls
        self.jitted = {}  # by variant and what is built in; those of loops, too
        self.signatures = set()
        self.reads = True  # what it computes, so that a call waits for it

    def __call__(self, output_subset=None):
        """Run the program on what is in storage; store updates, return the rest."""
        with jax.enable_x64(True), precisely():
            # Buffers that have been given away must not go before the new ones come.
            held_back = ctrl_c_held_back if self.updated else contextlib.nullcontext
            with exclusive, held_back():
                returned = self._step()
            if self.reads:
                returned = [to_host(array) for array in returned]
                jax.effects_barrier()  # what the program prints comes first
            return [*returned, *[None] * len(self.updated)]

    def _step(self):
        while True:
            try:
                returned, new, checks = self._run()
                break
            except NotStatic as error:
                self._build_in(*error.args)
            except NeedsChecks:
                self.check()
        raise_broken(checks)
        self.store(new)
        return returned

    def _run(self):
        donated, kept = self.shared()
        for v, cell in self.cells.items():
            if v not in self.built_in and not isinstance(cell, Cell):
                kept[v] = to_device(np.asarray(cell[0]))
        key = *variant(), *(_key(self.cells[v][0]) for v in self.built_in)
        if key not in self.jitted:
            self.jitted[key] = self._jit(list(donated), list(kept))
        arguments = list(donated.values()), list(kept.values())
        signature = key, tuple((a.shape, a.dtype) for part in arguments for a in part)
        if signature in self.signatures:
            return self.jitted[key](*arguments)
        with compiling():
            result = self.jitted[key](*arguments)
        self.signatures.add(signature)
        return result

    def _jit(self, donated, kept):
        built_in = {v: self.cells[v][0] for v in self.built_in}

        def run(donated_arrays, kept_arrays):
            arrays = [*donated_arrays, *kept_arrays]
            values = dict(zip([*donated, *kept], arrays, strict=True))
            returned, new, checks = self.compute(built_in | values)
            return returned, distinct(new, arrays), checks

        return jax.jit(run, donate_argnums=() if self.checked else 0)

    def check(self):
        """Have conditions checked after each call from now on."""
        self.checked = True
        self.jitted.clear()
        self.signatures.clear()

    def shared(self):
        """Return the arrays of shared variables and of large constants, by variable.

        Returns
        -------
        donated, kept : dict
            Those that an update replaces, and the others.
        """
        donated, kept = {}, {v: cell.on_device for v, cell in self.large.items()}
        updated = {id(self.cells[v]) for v in self.updated}
        for v, cell in self.cells.items():
            if v not in self.built_in and isinstance(cell, Cell):
                if v in self.updated:
                    donated[v] = cell.on_device
                else:  # copied where a clone of the variable is updated
                    array = cell.on_device
                    kept[v] = jnp.copy(array) if id(cell) in updated else array
        return donated, kept

    def compute(self, values):
        """Trace the program.

        Parameters
        ----------
        values : dict
            The arrays of all inputs and of large constants, by variable.

        Returns
        -------
        returned, new : list of arrays
            What the function returns, and what the updated variables become.
        checks : dict
            For each condition to be checked after the call, named by the error to
            raise if it does not hold, whether it does.

        Raises
        ------
        NeedsChecks
            If there is such a condition and nobody has known of it.
        """
        checks = {}

        def check(condition, error):
            if not self.checked:
                raise NeedsChecks
            # Plain values, as JAX wants them for the keys of a result.
            key = type(error).__name__, str(error)
            checks[key] = checks.get(key, True) & jnp.all(condition)

        outputs = [
            jnp.asarray(array, dtype_of(v))
            for v, array in zip(
                self.program.outputs, self.program(values, check), strict=True
            )
        ]
        return outputs[: self.n_returned], outputs[self.n_returned :], checks

    def store(self, new):
        """Give the updated variables their new values."""
        for variable, array in zip(self.updated, new, strict=True):
            cell = self.cells[variable]
            if isinstance(cell, Cell):
                cell.put(array)
            else:
                cell[0] = to_host(array)

    def _build_in(self, node, known):
        """Have the integer arguments that *node*'s sizes depend on built in."""
        found = [
            v
            for v in ancestors(node.inputs, blockers=known)
            if v in self.cells
            and v not in self.built_in
            and v not in self.updated
            and dtype_of(v).kind in "iub"
            and v.ndim <= 1
        ]
        if not found:
            raise NotImplementedError(
                "Mode 'xla': a size must be known when the program is made, but here "
                f"it depends on computed values.\nIt is {_where(node)}"
            )
        self.built_in += found


def _key(value):
    """Return something hashable that stands for the value of a built-in input."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype, value.tobytes()
    return value
