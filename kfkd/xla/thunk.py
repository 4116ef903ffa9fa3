"""The thunk that Theano calls: runs a program on what is in storage, and updates it."""

import contextlib
import contextvars

import jax
import jax.numpy as jnp
import numpy as np
from theano.scalar import Scalar

from kfkd.process.forks import fork_safe_rlock
from kfkd.process.signals import defer_keyboard_interrupt
from kfkd.xla.dispatch import NotStatic, dtype_of
from kfkd.xla.lowering import where
from kfkd.xla.padded import PaddedArray, fitted, refuse_varying, unpad
from kfkd.xla.precision import precisely
from kfkd.xla.program_storage import ProgramStorage
from kfkd.xla.programs import Programs
from kfkd.xla.runtime_checks import (
    CallsPython,
    NeedsChecks,
    add_check,
    error_of,
    python_calls,
    raise_broken,
)
from kfkd.xla.shared_variables import to_host
from kfkd.xla.specialization import (
    Respecialize,
    SizeAlong,
    StaticQuery,
)

__all__ = ["Thunk", "nonblocking"]

# The thunks that this thread does not wait for.
_nonblocking = contextvars.ContextVar("nonblocking", default=())


@contextlib.contextmanager
def nonblocking(function):
    """Make calls of *function* asynchronous within a ``with`` block, for this thread.

    A call does not wait for the device.  It returns JAX's arrays, which may not be
    computed yet.  A function of another mode is left alone.
    """
    token = _nonblocking.set((*_nonblocking.get(), getattr(function, "fn", None)))
    try:
        yield
    finally:
        _nonblocking.reset(token)


class Thunk:
    """A program with the storage that it reads and updates.

    Attributes
    ----------
    programs : Programs
        What JAX has compiled.
    checked : bool
        Whether there are runtime asserts, so that no array is donated.
    calls_python : bool
        Whether the program calls functions in Python, such as a `Print` of a user's
        own.  They may read and set its variables, so that it runs on copies.
    lock : threading.RLock
        Held while programs are looked up, made and called.
    locks : Locks
        Those of the shared variables: held until they are updated, or else until their
        values are taken, so that functions that only read them run side by side.
    """

    allow_gc = True  # nothing is kept for Function.free to take away
    need_update_inputs = False  # done here, so that values stay on the device

    def __init__(self, program, storage, updates, storage_map, static_shapes=False):
        self.program = program
        self.storage_map = storage_map  # for Function.copy
        self.storage = ProgramStorage(program, storage, updates)
        self.n_returned = len(program.outputs) - len(updates)
        self.checked = self.calls_python = False
        self.errors = []  # of functions in Python, in the latest call
        self.doubted, self.confirmed = None, set()  # runtime asserts, by key
        self.lock = fork_safe_rlock()
        self.locks = self.storage.locks
        self.programs = Programs(self, static_shapes)
        self.parts = {}  # the thunks that evaluate queries which the host cannot

    @property
    def jitted(self):
        """The compiled programs by key.  Those of loops over batches are among them."""
        return self.programs.jitted

    def __call__(self, output_subset=None):
        """Run the program on what is in storage; store updates, return the rest."""
        # Donated buffers must not be lost before the new ones are stored.
        uninterrupted = (
            defer_keyboard_interrupt if self.storage.updated else contextlib.nullcontext
        )
        with jax.enable_x64(True), precisely():
            with uninterrupted(), self.lock:
                returned, lengths = self._step()
            if self not in _nonblocking.get():
                returned = [
                    array[()] if isinstance(v.type, Scalar) else array
                    for v, array in zip(
                        self.program.outputs, _on_host(returned, lengths), strict=False
                    )
                ]
                jax.effects_barrier()  # what the program prints comes first
            else:
                returned = [unpad(value, lengths) for value in returned]
            return [*returned, *[None] * len(self.storage.updated)]

    def _step(self):
        """Run the program and store the updates.

        Returns
        -------
        list
            What the function returns, maybe padded.
        tuple of int
            The lengths of the call that vary between calls.
        """
        try:
            while True:
                try:
                    returned, call = self._attempt()
                    break
                except NotStatic as error:
                    (node,) = error.args
                    raise NotImplementedError(
                        "Mode 'xla': within a loop, a size must be the same at each "
                        "step, but here it depends on computed values.\n"
                        f"It is {where(node)}\n"
                        "Use a mask in place of a slice, or mode='FAST_RUN': Theano's "
                        "own, slow evaluation."
                    ) from None
                except NeedsChecks:
                    self.check()
                except CallsPython:
                    self.calls_python = True
                    self.programs.forget()
                except Respecialize:  # try again, with one guard more
                    pass
            self.programs.settle_doubt()
        finally:
            self.programs.doubt = self.doubted = None
        return returned, call.lengths if call else ()

    def _attempt(self):
        """Do as `_step`, and return the `CallLengths` as well.

        Raises
        ------
        Respecialize and others
            Nothing has been stored; `_step` tries again.
        """
        if self.calls_python:
            return self._step_on_copies(), None
        if not self.storage.updated:
            returned, _, checks, call = self._run()
            self._raise_broken(checks, call)
            return returned, call
        with self.locks:
            self.locks.wait()
            returned, new, checks, call = self._run()
            self._raise_broken(checks, call)
            self.storage.store(new)
        return returned, call

    def _raise_broken(self, checks, call):
        """Raise the error of a runtime assert, about the arguments as they are.

        Whether one is broken in a program for a class of lengths is doubted once: it is
        told with the lengths themselves, and is known to be right from then on.
        """
        key = next((key for key, holds in checks.items() if not holds), None)
        if key is None:
            return
        if call is not None and key not in self.confirmed:
            self.programs.doubt, self.doubted = (call, None), key
            raise Respecialize
        if self.doubted is not None:
            self.confirmed.add(self.doubted)
        raise error_of(key)

    def _step_on_copies(self):
        """Do as `_step`, without locks while functions in Python are called."""
        self.errors.clear()
        returned, new, checks, _ = jax.block_until_ready(self._run())
        jax.effects_barrier()
        error, *_ = *self.errors, None
        if error is None or isinstance(error, Exception):
            raise_broken(checks, error)
        if error is not None:  # of a Print, or one that ends the program
            raise error
        with self.locks:
            self.storage.store(new)
        return returned

    def _run(self):
        """Call the program for what is in storage; make it if there is none.

        Returns what `compute` returns, and the `CallLengths` or None.
        """
        with contextlib.ExitStack() as stack:
            # All values and sizes are those of one moment.
            with defer_keyboard_interrupt(), self.locks:
                program, arrays, call = self.programs.find(not self.calls_python)
                if self.calls_python:
                    arrays = jax.tree.map(jnp.copy, arrays)
                else:
                    stack.enter_context(self.locks.reading())
            return *program(*arrays), call

    def compute_part(self, variables):
        """Return the values of variables of the graph, from a program of their own."""
        if variables not in self.parts:
            program = self.program.part(variables)
            storage = [self.storage.cells[v] for v in program.inputs]
            static = self.programs.static_shapes
            self.parts[variables] = Thunk(program, storage, {}, {}, static)
        return _on_host(*self.parts[variables]._step())

    def check(self):
        """Check runtime asserts after each call from now on."""
        self.checked = True
        self.programs.forget()

    def compute(self, values, resolve=None):
        """Trace the program for *values* of all inputs and large constants.

        Returns
        -------
        returned, new : list of arrays
            What the function returns, perhaps with a `PaddedArray` among it, and what
            the updated variables become.
        checks : dict
            Whether each runtime assert holds, as of `add_check`.

        Raises
        ------
        NeedsChecks
            If there is a runtime assert and `checked` is False.
        CallsPython
            If it calls functions in Python and `calls_python` is False.
        NotStatic
            As from `Program`, which is also where *resolve* is described.
        """
        checks = {}

        def check(condition, error):
            if not self.checked:
                raise NeedsChecks
            add_check(checks, condition, error)

        with python_calls(self.errors if self.calls_python else None):
            outputs = self.program(values, check, resolve)
        for i, v in enumerate(self.program.outputs):
            if i >= self.n_returned and isinstance(outputs[i], PaddedArray):
                refuse_varying(outputs[i])
                if resolve is None:
                    raise NotStatic(v.owner)
                sizes = {
                    axis: resolve(StaticQuery(SizeAlong(axis), [v], {}))
                    for axis in outputs[i].lengths
                }
                outputs[i] = fitted(outputs[i].array, sizes)
            if not isinstance(outputs[i], PaddedArray):
                outputs[i] = jnp.asarray(outputs[i], dtype_of(v))
        return outputs[: self.n_returned], outputs[self.n_returned :], checks


def _on_host(returned, lengths):
    """Return results as NumPy arrays, without what does not count."""
    whole = jax.tree.map(np.asarray, returned)
    return [to_host(unpad(value, lengths)) for value in whole]
