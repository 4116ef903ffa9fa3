"""From an optimised Theano graph to one jitted program; knows no operation."""

import builtins
import contextlib
import functools

import jax
import jax.numpy as jnp
import numpy as np
from theano.link.basic import Container, Linker
from theano.link.utils import map_storage
from theano.scalar import Scalar

from kfkd.process.signals import defer_keyboard_interrupt
from kfkd.xla.compilation_cache import compiling
from kfkd.xla.device import get_device
from kfkd.xla.dispatch import NotStatic, dtype_of
from kfkd.xla.host_callback import pop_host_error
from kfkd.xla.lowering import Program, where
from kfkd.xla.padded import PaddedArray, unpad
from kfkd.xla.precision import get_precision, precisely
from kfkd.xla.shared_variables import Cell, exclusive, to_device, to_host
from kfkd.xla.specialization import (
    Respecialize,
    Specialization,
    StaticQuery,
    hashable,
    is_array,
)

__all__ = [
    "NeedsChecks",
    "Thunk",
    "XLALinker",
    "distinct",
    "raise_broken",
    "variant",
]

# Constants with more elements are handed to the program instead of written into it.
_LARGE_CONSTANT = 4096

# So many programs are kept of a function; one more, and it starts anew.
_MAX_SPECIALIZATIONS = 512


class NeedsChecks(Exception):
    """A program that may fail after the fact must keep the old values of updates."""


def raise_broken(checks):
    """Raise the error of the first condition that does not hold, if any."""
    for (kind, message), holds in checks.items():
        if not holds:
            error = getattr(builtins, kind, np.linalg.LinAlgError)(message)
            raise error from pop_host_error()


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
    Sizes must be known when a program is made. Where they depend on scalars or vectors
    of integers, be they arguments or shared variables, they are computed on the host
    before each call, and a program is made for each combination of sizes that occurs.
    Of a slice only the length is such a size: ``X[i * 20 : (i + 1) * 20]`` takes one
    program for all whole batches and one for a shorter last one. A size that follows
    from an updated shared variable has each call wait for its value. Where sizes depend
    on other arrays, what leads to them is computed by a program of its own before each
    call, and then once more. That is not needed for what a computed mask chooses, or a
    loop leaves that ends early, as long as its rows are only returned, taken, summed
    up, and computed with element by element. A function that has got 512 programs
    forgets them and makes them again as needed.
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
        self.built_in = [v for v in program.inputs if not is_array(v)]
        self.checked = False  # whether conditions are known to be checked after calls
        # A call has a signature, a number for its variant, shapes and what is built in.
        # Signature and results so far lead to the next guard, or to the program.
        self.signatures, self.guards = {}, {}
        self.jitted = {}  # the programs; those of loops, too
        self.parts = {}  # the thunks of what has to be known before the program is made
        self.reads = True  # what it computes, so that a call waits for it

    def __call__(self, output_subset=None):
        """Run the program on what is in storage; store updates, return the rest."""
        with jax.enable_x64(True), precisely():
            # Buffers that have been given away must not go before the new ones come.
            held_back = (
                defer_keyboard_interrupt if self.updated else contextlib.nullcontext
            )
            with exclusive, held_back():
                returned = self._step()
            if self.reads:
                returned = [
                    to_host(array)[()] if isinstance(v.type, Scalar) else to_host(array)
                    for v, array in zip(self.program.outputs, returned, strict=False)
                ]
                jax.effects_barrier()  # what the program prints comes first
            return [*returned, *[None] * len(self.updated)]

    def _step(self):
        while True:
            try:
                returned, new, checks = self._run()
                break
            except NotStatic as error:
                (node,) = error.args
                raise NotImplementedError(
                    "Mode 'xla': within a loop, a size must be the same at each step, "
                    f"but here it depends on computed values.\nIt is {where(node)}"
                ) from None
            except NeedsChecks:
                self.check()
            except Respecialize:  # and its query is a guard now
                pass
        raise_broken(checks)
        self.store(new)
        return [unpad(array) for array in returned]

    def _run(self):
        if len(self.jitted) >= _MAX_SPECIALIZATIONS:
            self._forget()
        donated, kept = self.shared()
        built_in = self._given_as_it_is()
        for v, cell in self.cells.items():
            if v not in built_in and not isinstance(cell, Cell):
                kept[v] = to_device(np.asarray(cell[0]))
        arguments = list(donated.values()), list(kept.values())
        signature = (
            variant(),
            tuple((v, hashable(value)) for v, value in built_in.items()),
            tuple((a.shape, a.dtype) for part in arguments for a in part),
        )
        number = self.signatures.setdefault(signature, len(self.signatures))
        read = functools.cache(lambda v: np.asarray(self.cells[v][0]))
        specialization = Specialization(self.guards, number, read, self._compute_part)
        key = specialization.evaluate_guards()
        if key in self.jitted:
            return self.jitted[key](*arguments)
        jitted = self._jit(list(donated), list(kept), built_in, specialization)
        with compiling():
            result = jitted(*arguments)
        self.jitted[specialization.key] = jitted
        return result

    def _compute_part(self, variables):
        """Return the values of variables of the graph, from a program of their own."""
        if variables not in self.parts:
            program = self.program.part(variables)
            storage = [self.cells[v] for v in program.inputs]
            self.parts[variables] = Thunk(program, storage, {}, {})
        return [to_host(array) for array in self.parts[variables]._step()]

    def _given_as_it_is(self):
        """Return what the program is made for, by variable: what is no array.

        Such as None, which a few operations take for an array.
        """
        return {
            v: cell[0]
            for v, cell in self.cells.items()
            if v in self.built_in or (not isinstance(cell, Cell) and cell[0] is None)
        }

    def _jit(self, donated, kept, built_in, resolve):
        def run(donated_arrays, kept_arrays):
            arrays = [*donated_arrays, *kept_arrays]
            values = dict(zip([*donated, *kept], arrays, strict=True))
            returned, new, checks = self.compute(built_in | values, resolve)
            return returned, distinct(new, arrays), checks

        return jax.jit(run, donate_argnums=() if self.checked else 0)

    def check(self):
        """Have conditions checked after each call from now on."""
        self.checked = True
        self._forget()

    def _forget(self):
        for made in (self.signatures, self.guards, self.jitted):
            made.clear()

    def shared(self):
        """Return the arrays of shared variables and of large constants, by variable.

        Returns
        -------
        donated, kept : dict
            Those that an update replaces, and the others.
        """
        donated, kept = {}, {v: cell.on_device for v, cell in self.large.items()}
        updated, given = {id(self.cells[v]) for v in self.updated}, set()
        for v, cell in self.cells.items():
            if v not in self.built_in and isinstance(cell, Cell):
                array = cell.on_device
                if v in self.updated:  # the last of its clones leaves its value there
                    donated[v] = jnp.copy(array) if id(cell) in given else array
                    given.add(id(cell))
                else:  # copied where a clone of the variable is updated
                    kept[v] = jnp.copy(array) if id(cell) in updated else array
        return donated, kept

    def updates_clones(self):
        """Whether another variable has the value of one that is updated."""
        cells = [id(cell) for cell in self.cells.values()]
        return any(cells.count(id(self.cells[v])) > 1 for v in self.updated)

    def compute(self, values, resolve=None):
        """Trace the program.

        Parameters
        ----------
        values : dict
            The arrays of all inputs and of large constants, by variable.
        resolve : callable, optional
            As for `Program`.

        Returns
        -------
        returned, new : list of arrays
            What the function returns, perhaps with a `PaddedArray` among it, and what
            the updated variables become.
        checks : dict
            For each condition to be checked after the call, named by the error to
            raise if it does not hold, whether it does.

        Raises
        ------
        NeedsChecks
            If there is such a condition and nobody has known of it.
        NotStatic
            As from `Program`.
        """
        checks = {}

        def check(condition, error):
            if not self.checked:
                raise NeedsChecks
            # Plain values, as JAX wants them for the keys of a result.
            key = type(error).__name__, str(error)
            checks[key] = checks.get(key, True) & jnp.all(condition)

        arrays = self.program(values, check, resolve)
        outputs = []
        for v, array in zip(self.program.outputs, arrays, strict=True):
            updates = len(outputs) >= self.n_returned
            if updates and isinstance(array, PaddedArray):
                if resolve is None:
                    raise NotStatic(v.owner)
                array = array.array[: resolve(StaticQuery(len, [v], {}))]
            if not isinstance(array, PaddedArray):
                array = jnp.asarray(array, dtype_of(v))
            outputs.append(array)
        return outputs[: self.n_returned], outputs[self.n_returned :], checks

    def store(self, new):
        """Give the updated variables their new values."""
        for variable, array in zip(self.updated, new, strict=True):
            cell = self.cells[variable]
            if isinstance(cell, Cell):
                cell.put(array)
            else:
                cell[0] = to_host(array)
