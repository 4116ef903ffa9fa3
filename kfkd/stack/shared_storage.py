"""Storage of shared variables, whose values a back end may keep on a device.

It is that of all shared arrays from the start: a program makes its weights before it
compiles anything, and a function finds them by their storage.
"""

import contextlib
import itertools
import time

import numpy as np

from kfkd.process.forks import fork_safe_rlock, raise_if_forked

__all__ = ["Cell", "Locks", "install"]


class Cell(list):
    """The storage of a shared variable: a list of one value, as Theano has it.

    The item is a NumPy array for all who read or write it: Theano's own evaluation,
    ``get_value`` and pickle.  A back end may keep `array` instead, with `put`.  So the
    value is copied between host and device only when the other side needs it.  Reading
    the item returns a copy: the device's buffer is donated to the next update.

    Attributes
    ----------
    array : array of the back end, or None
        The value, if it lies on a device.
    lock : threading.RLock
        Held while an array is taken out, and by an update until it is replaced.
    number : int
        Threads take the locks of several cells in this order, so that none waits for
        another that waits for it.
    """

    __slots__ = ("array", "lock", "number")
    _numbers = itertools.count()

    def __init__(self, items):
        super().__init__(items)
        self.array = None
        self.lock = fork_safe_rlock()
        self.number = next(self._numbers)

    def __getitem__(self, index):
        with self.lock:
            if self.array is not None:
                raise_if_forked()
                return [np.array(self.array)][index]
            return super().__getitem__(index)

    def __setitem__(self, index, value):
        with self.lock:
            self.array = None
            super().__setitem__(index, value)

    def __iter__(self):
        yield self[0]

    def __reduce_ex__(self, protocol):
        return Cell, ([self[0]],)

    def put(self, array):
        """Set the value to an array of the device that nothing else uses."""
        self.array = array
        super().__setitem__(0, None)


# The numbers of the cells that calls under way read, one set for each call.
_read = {}


class Locks:
    """The locks of some storage, of which those that are cells have one.

    A context, to be entered again and again.  Calls that only read do not hold them
    while they compute: so they run side by side, and `wait` waits for them.
    """

    def __init__(self, storage):
        cells = {cell.number: cell for cell in storage if isinstance(cell, Cell)}
        self._locks = [cells[number].lock for number in sorted(cells)]
        self._numbers = frozenset(cells)

    def __enter__(self):
        held = []
        try:
            for lock in self._locks:
                lock.acquire()
                held.append(lock)
        except BaseException:  # Ctrl-C, while another thread has one of them
            for lock in held:
                lock.release()
            raise

    def __exit__(self, *exception):
        for lock in self._locks:
            lock.release()

    @contextlib.contextmanager
    def reading(self):
        """Keep the arrays from being donated; to be entered while the locks are held.

        They need not be held until the end.
        """
        call = object()
        try:
            _read[call] = self._numbers
            yield
        finally:
            _read.pop(call, None)

    def wait(self):
        """Wait until no call reads the arrays; while the locks are held, none begins.

        JAX would refuse an array that is donated to another program in the meantime.
        """
        while any(self._numbers & numbers for numbers in _read.copy().values()):
            time.sleep(1e-5)


def install(theano):
    """Register the constructor of shared arrays and scalars, stored in a `Cell`."""
    sharedvar = theano.tensor.sharedvar

    @theano.compile.sharedvalue.shared_constructor
    def in_a_cell(value, **kwargs):
        try:
            variable = sharedvar.tensor_constructor(value, **kwargs)
        except TypeError:  # which is how a constructor declines
            variable = sharedvar.scalar_constructor(value, **kwargs)
        variable.container.storage = Cell(variable.container.storage)
        return variable
