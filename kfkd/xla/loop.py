"""Loop over batches: calls of a compiled function, one per batch, in one program."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kfkd.stack.shared_storage import Cell
from kfkd.xla import formulations
from kfkd.xla.compilation_cache import compiling
from kfkd.xla.compiler import jit
from kfkd.xla.dispatch import NotStatic
from kfkd.xla.layout import Transposed, looping, to_logical
from kfkd.xla.padded import PaddedArray
from kfkd.xla.precision import precisely
from kfkd.xla.programs import variant
from kfkd.xla.runtime_checks import CallsPython, NeedsChecks, raise_broken
from kfkd.xla.shared_variables import distinct, to_device
from kfkd.xla.thunk import Thunk

__all__ = ["BatchLoop", "NoLoopError"]


class NoLoopError(ValueError):
    """A function cannot be called in a loop on the device."""


def _carried(array):
    """Return an array in the layout in which the loop carries it."""
    weights = jnp.issubdtype(array.dtype, np.floating)
    if weights and formulations.holds_transposed(array.shape):
        return Transposed(Transposed.physical(array))
    return array


class BatchLoop:
    """Calls of a function with one batch of rows after the other, as one program.

    The arrays are put on the device once.  A call of the loop has the effect of calls
    of the function with the batches in order, updates of shared variables included.
    The last batch may be smaller.

    Parameters
    ----------
    function : theano.compile.function.types.Function
        Compiled in mode ``"xla"``.
    arrays : sequence of arrays
        One for each argument of the function, all of the same length.  They are
        converted as the function would convert them.
    batch_size : int
    transform : callable, optional
        ``transform(batch, drawn)`` returns what the function gets instead of `batch`,
        a tuple of JAX arrays; it is traced.
    key : hashable, optional
        Equal for transforms that do the same.  Loops over the same function, with the
        same batch size and key, share their program.

    Raises
    ------
    NoLoopError
        If the function is of another mode or takes other arguments.  If a size in it
        depends on the values of an argument, or it updates a variable that has a clone.
        If single calls are faster (``formulations.loops``).
    """

    def __init__(self, function, arrays, batch_size, transform=None, key=None):
        if not isinstance(getattr(function, "fn", None), Thunk):
            raise NoLoopError("the function is not compiled in mode 'xla'")
        self.thunk, storage = function.fn, function.fn.storage
        self.arguments = [
            v for v, cell in storage.cells.items() if not isinstance(cell, Cell)
        ]
        if len(self.arguments) != len(arrays) or storage.built_in:
            raise NoLoopError("the function takes other arguments than arrays")
        if storage.updates_clones():
            raise NoLoopError("a shared variable is updated and read by two names")
        if not formulations.loops(node for node, _ in self.thunk.program.steps):
            raise NoLoopError("calls one by one are faster on this device")
        self.arrays = [
            to_device(v.type.filter(a, allow_downcast=True))
            for v, a in zip(self.arguments, arrays, strict=True)
        ]
        self.batch_size = batch_size
        self.transform = transform
        self.key = batch_size, transform if key is None else key
        self.prepared = self.compiled = False

    def prepare(self, drawn=None, order=None):
        """Trace the program for a call with such arguments.

        Raises
        ------
        NoLoopError
            If it cannot be made.  Nothing has been computed then.
        """
        with self.thunk.lock, self.thunk.locks, jax.enable_x64(True), precisely():
            while True:
                try:
                    self._jitted().trace(*self._arguments(drawn, order))
                    self.prepared = True
                    return
                except NeedsChecks:
                    self.thunk.check()
                except CallsPython as error:
                    raise NoLoopError("it calls functions in Python") from error
                except NotStatic as error:
                    raise NoLoopError(
                        "a size depends on the values of an argument"
                    ) from error
                except TypeError as error:  # of lax.scan
                    raise NoLoopError("an update changes a shape") from error

    def _arguments(self, drawn, order):
        donated, kept = self.thunk.storage.shared()
        more = jax.tree.map(to_device, (drawn, order))
        return list(donated.values()), list(kept.values()), self.arrays, *more

    def __call__(self, drawn=None, order=None):
        """Call the function for all batches.

        Parameters
        ----------
        drawn : array or tree of arrays, optional
            The second argument of `transform`, with a row for each row of the arrays.
        order : array of int, optional
            The order in which to take the rows of the arrays; by default as they are.

        Returns
        -------
        whole, rest : list of arrays, or None
            The outputs of the whole batches, stacked along a new first axis, and those
            of the smaller one at the end.  Each is an array on the device that may not
            be computed yet.  None where there are no such batches.

        Raises
        ------
        NoLoopError
            As from `prepare`.
        """
        if not self.prepared:
            self.prepare(drawn, order)
        with self.thunk.lock, self.thunk.locks, jax.enable_x64(True), precisely():
            jitted, arguments = self._jitted(), self._arguments(drawn, order)
            if not self.compiled:
                with compiling():
                    jitted.lower(*arguments).compile()
                self.compiled = True
            self.thunk.locks.wait()
            returned, new, checks = jitted(*arguments)
            raise_broken(checks)
            self.thunk.storage.store(new)
            return returned

    def _jitted(self):
        jitted, key = self.thunk.jitted, (*variant(), self.key)
        if key not in jitted:
            traced = _TracedLoop(self, *map(list, self.thunk.storage.shared()))
            donate = () if self.thunk.checked else 0
            jitted[key] = jit(traced.run, donate_argnums=donate)
        return jitted[key]


class _TracedLoop:
    """Calls for all batches as one function that JAX can trace.

    It outlives the `BatchLoop` that it is made from, so it must not hold its arrays.
    """

    def __init__(self, loop, donated, kept):
        self.thunk, self.arguments = loop.thunk, loop.arguments
        self.batch_size, self.transform = loop.batch_size, loop.transform
        self.donated, self.kept = donated, kept  # variables, as from `Thunk.shared`

    def run(self, donated_arrays, kept_arrays, arrays, drawn, order):
        """Return outputs of whole batches and of the rest, new values, and checks.

        The state of the loop is what updates replace, one array for each of *donated*.
        """
        with looping():
            return self._run(donated_arrays, kept_arrays, arrays, drawn, order)

    def _run(self, donated_arrays, kept_arrays, arrays, drawn, order):
        size, length = self.batch_size, len(arrays[0])
        n_whole, n_rest = divmod(length, size)
        kept = dict(zip(self.kept, map(_carried, kept_arrays), strict=True))

        def step(state, start, count=size):
            batch = self._batch(arrays, drawn, order, start, count)
            return self._call(state, kept, batch)

        state = list(map(_carried, donated_arrays))
        whole = rest = None
        checks = {}
        if n_whole:
            starts = np.arange(n_whole) * size
            state, (whole, each) = lax.scan(step, state, starts)
            checks = jax.tree.map(lambda holds: holds.all(), each)
        if n_rest:
            state, (rest, last) = step(state, n_whole * size, n_rest)
            checks = {k: checks.get(k, True) & holds for k, holds in last.items()}
        state = dict(zip(self.donated, map(to_logical, state), strict=True))
        new = [state[v] for v in self.thunk.storage.updated]
        given = [*donated_arrays, *kept_arrays, *arrays]
        return (whole, rest), distinct(new, given), checks

    def _batch(self, arrays, drawn, order, start, count):
        """Return the arguments of the function for *count* rows from *start* on."""

        def cut(array):
            return lax.dynamic_slice_in_dim(array, start, count)

        if order is None:
            batch = tuple(map(cut, arrays))
        else:
            batch = tuple(a[cut(order)] for a in arrays)
        if self.transform is None:
            return batch
        return self.transform(batch, jax.tree.map(cut, drawn))

    def _call(self, state, kept, batch):
        """Call the function once; return the new state, and outputs and checks."""
        values = kept | dict(zip(self.donated, state, strict=True))
        values |= dict(zip(self.arguments, batch, strict=True))
        returned, new, checks = self.thunk.compute(values)
        if any(isinstance(array, PaddedArray) for array in returned):
            raise NotStatic
        new = dict(zip(self.thunk.storage.updated, new, strict=True))
        return [_carried(new[v]) for v in self.donated], (returned, checks)
