"""The thunk that Theano calls: runs a program on what is in storage, and updates it."""

import contextlib
import contextvars
import functools

import jax
import jax.numpy as jnp
from theano.scalar import Scalar

from kfkd.process.forks import fork_safe_rlock
from kfkd.process.signals import defer_keyboard_interrupt
from kfkd.xla.compilation_cache import compiling
from kfkd.xla.compiler import jit
from kfkd.xla.device import get_device
from kfkd.xla.dispatch import NotStatic, dtype_of
from kfkd.xla.lowering import where
from kfkd.xla.padded import PaddedArray, unpad
from kfkd.xla.precision import get_precision, precisely
from kfkd.xla.program_storage import ProgramStorage
from kfkd.xla.runtime_checks import (
    CallsPython,
    NeedsChecks,
    add_check,
    python_calls,
    raise_broken,
)
from kfkd.xla.shared_variables import distinct, to_host
from kfkd.xla.specialization import (
    Respecialize,
    Specialization,
    StaticQuery,
    hashable,
)

__all__ = ["Thunk", "nonblocking", "variant"]

# So many specializations of a function are kept; with one more it starts anew.
_MAX_SPECIALIZATIONS = 512


def variant():
    """Return what the choices of conversions depend on: each has its own program."""
    return get_device().platform, get_precision()


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
    jitted : dict
        The programs that JAX has compiled, by the key of their `Specialization`.  Those
        of loops over batches are among them.
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

    def __init__(self, program, storage, updates, storage_map):
        self.program = program
        self.storage_map = storage_map  # for Function.copy
        self.storage = ProgramStorage(program, storage, updates)
        self.n_returned = len(program.outputs) - len(updates)
        self.checked = self.calls_python = False
        self.errors = []  # of functions in Python, in the latest call
        self.lock = fork_safe_rlock()
        self.locks = self.storage.locks
        self.signatures = {}  # a number for each, as calls have them in keys
        self.guards = {}  # of `Specialization`
        self.jitted = {}
        self.parts = {}  # the thunks that evaluate queries which the host cannot

    def __call__(self, output_subset=None):
        """Run the program on what is in storage; store updates, return the rest."""
        # Donated buffers must not be lost before the new ones are stored.
        uninterrupted = (
            defer_keyboard_interrupt if self.storage.updated else contextlib.nullcontext
        )
        with jax.enable_x64(True), precisely():
            with uninterrupted(), self.lock:
                returned = self._step()
            if self not in _nonblocking.get():
                returned = [
                    to_host(array)[()] if isinstance(v.type, Scalar) else to_host(array)
                    for v, array in zip(self.program.outputs, returned, strict=False)
                ]
                jax.effects_barrier()  # what the program prints comes first
            return [*returned, *[None] * len(self.storage.updated)]

    def _step(self):
        """Run the program and store the updates; return the rest."""
        while True:
            try:
                if self.calls_python:
                    returned = self._step_on_copies()
                    break
                if not self.storage.updated:
                    returned, _, checks = self._run()
                    raise_broken(checks)
                    break
                with self.locks:
                    self.locks.wait()
                    returned, new, checks = self._run()
                    raise_broken(checks)
                    self.storage.store(new)
                break
            except NotStatic as error:
                (node,) = error.args
                raise NotImplementedError(
                    "Mode 'xla': within a loop, a size must be the same at each step, "
                    f"but here it depends on computed values.\nIt is {where(node)}"
                ) from None
            except NeedsChecks:
                self.check()
            except CallsPython:
                self.calls_python = True
                self._forget()
            except Respecialize:  # try again, with one guard more
                pass
        return [unpad(array) for array in returned]

    def _step_on_copies(self):
        """Do as `_step`, without locks while functions in Python are called."""
        self.errors.clear()
        returned, new, checks = jax.block_until_ready(self._run())
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
        """Call the program for what is in storage; make it if there is none."""
        if len(self.jitted) >= _MAX_SPECIALIZATIONS:
            self._forget()
        with contextlib.ExitStack() as stack:
            # All values and sizes are those of one moment.
            with defer_keyboard_interrupt(), self.locks:
                donated, kept, built_in = self.storage.arguments()
                arrays = list(donated.values()), list(kept.values())
                specialization = self._specialization(built_in, arrays)
                specialization.evaluate_guards()
                jitted = self.jitted.get(specialization.key)
                if jitted is None:
                    jitted = self._jit(
                        [*donated, *kept], built_in, specialization.resolve
                    )
                    with compiling():
                        jitted.lower(*arrays).compile()
                    # Tracing has made the key longer.
                    self.jitted[specialization.key] = jitted
                if self.calls_python:
                    arrays = jax.tree.map(jnp.copy, arrays)
                else:
                    stack.enter_context(self.locks.reading())
            return jitted(*arrays)

    def _specialization(self, built_in, arrays):
        signature = (
            variant(),
            tuple((v, hashable(value)) for v, value in built_in.items()),
            tuple((a.shape, a.dtype) for part in arrays for a in part),
        )
        number = self.signatures.setdefault(signature, len(self.signatures))
        read = functools.cache(self.storage.read)
        return Specialization(self.guards, number, read, self._compute_part)

    def _compute_part(self, variables):
        """Return the values of variables of the graph, from a program of their own."""
        if variables not in self.parts:
            program = self.program.part(variables)
            storage = [self.storage.cells[v] for v in program.inputs]
            self.parts[variables] = Thunk(program, storage, {}, {})
        return [to_host(array) for array in self.parts[variables]._step()]

    def _jit(self, variables, built_in, resolve):
        """Return the jitted program; it must not hold the arrays of a call."""

        def run(donated_arrays, kept_arrays):
            arrays = [*donated_arrays, *kept_arrays]
            values = built_in | dict(zip(variables, arrays, strict=True))
            returned, new, checks = self.compute(values, resolve)
            return returned, distinct(new, arrays), checks

        return jit(run, donate_argnums=() if self.checked else 0)

    def check(self):
        """Check runtime asserts after each call from now on."""
        self.checked = True
        self._forget()

    def _forget(self):
        for made in (self.signatures, self.guards, self.jitted):
            made.clear()

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
                if resolve is None:
                    raise NotStatic(v.owner)
                outputs[i] = outputs[i].array[: resolve(StaticQuery(len, [v], {}))]
            if not isinstance(outputs[i], PaddedArray):
                outputs[i] = jnp.asarray(outputs[i], dtype_of(v))
        return outputs[: self.n_returned], outputs[self.n_returned :], checks
