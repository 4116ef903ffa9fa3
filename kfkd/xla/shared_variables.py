"""Shared variables whose values stay on the device between calls."""

import itertools
import threading

import jax
import jax.numpy as jnp
import numpy as np
from theano.compile.sharedvalue import shared_constructor
from theano.tensor.sharedvar import scalar_constructor, tensor_constructor

from kfkd.xla.device import get_device

__all__ = [
    "Cell",
    "Locks",
    "distinct",
    "restore",
    "snapshot",
    "to_device",
    "to_host",
]


# Arrays of so many bytes are not copied once more on their way to the device.
_LARGE = 2**26


def to_device(value):
    """Copy an array to the device in use, sharing no memory with *value*."""
    value = np.asarray(value)
    with jax.enable_x64(True):
        # On the CPU, JAX takes memory that happens to be aligned as it is, even with
        # may_alias=False, and it copies other memory later.
        if value.nbytes < _LARGE:
            return jax.device_put(np.array(value), get_device())
        array = jax.device_put(value, get_device()).block_until_ready()
        is_same = get_device().platform == "cpu" and (
            array.unsafe_buffer_pointer() == value.ctypes.data
        )
        return jnp.copy(array) if is_same else array


def to_host(value):
    """Copy an array of the device into a new NumPy array, which may be written to."""
    return np.array(value)


class Cell(list):
    """The storage of a shared variable: a list of one value, as Theano has it.

    The item is a NumPy array for all who read or write it: Theano's own evaluation,
    ``get_value`` and pickle.  A program reads `on_device` and calls `put`.  So the
    value is copied between host and device only when the other side needs it.  Reading
    the item returns a copy: the device's buffer is donated to the next update.

    Attributes
    ----------
    lock : threading.RLock
        Held from when an array is taken out until it is in use, or has been replaced.
        A program of another thread might donate it in between.
    number : int
        Threads take the locks of several cells in this order, so that none waits for
        another that waits for it.
    """

    __slots__ = ("_array", "lock", "number")
    _numbers = itertools.count()

    def __init__(self, items):
        super().__init__(items)
        self._array = None
        self.lock = threading.RLock()
        self.number = next(self._numbers)

    def __getitem__(self, index):
        with self.lock:
            if self._array is not None:
                return [to_host(self._array)][index]
            return super().__getitem__(index)

    def __setitem__(self, index, value):
        with self.lock:
            self._array = None
            super().__setitem__(index, value)

    def __iter__(self):
        yield self[0]

    def __reduce_ex__(self, protocol):
        return Cell, ([self[0]],)

    @property
    def on_device(self):
        """The value as an array of the device in use."""
        if self._array is None:
            self.put(to_device(super().__getitem__(0)))
        elif self._array.devices() != {get_device()}:
            self.put(to_device(to_host(self._array)))
        return self._array

    def put(self, array):
        """Set the value to an array of the device that nothing else uses."""
        self._array = array
        super().__setitem__(0, None)


class Locks:
    """The locks of some storage, of which those that are cells have one.

    A context, to be entered again and again.
    """

    def __init__(self, storage):
        cells = {cell.number: cell for cell in storage if isinstance(cell, Cell)}
        self._locks = [cells[number].lock for number in sorted(cells)]

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


def distinct(new, given=()):
    """Return *new* with copies of what is among *given* or in it twice.

    JAX hands on an input, or the same output twice, without copying it: two shared
    variables would have one buffer, and each would donate it.
    """
    new, taken = list(new), set(map(id, given))
    for i, array in enumerate(new):
        new[i] = jnp.copy(array) if id(array) in taken else array
        taken.add(id(array))
    return new


def snapshot(variables):
    """Copy the values of shared variables, on the device where they are there.

    Parameters
    ----------
    variables : sequence of shared variables

    Returns
    -------
    list of arrays
        JAX's or NumPy's, for `restore`; ``numpy.array`` of one copies it to the host.
    """
    cells = [variable.container.storage for variable in variables]
    with Locks(cells), jax.enable_x64(True):
        lying = [cell.on_device for cell in cells if isinstance(cell, Cell)]
        copies = iter(_copies(lying))
        return [
            next(copies) if isinstance(cell, Cell) else np.array(cell[0])
            for cell in cells
        ]


@jax.jit
def _copies(arrays):  # in one call for all
    return [jnp.copy(array) for array in arrays]


def restore(variables, values):
    """Set shared variables to the values of a `snapshot`, which can be used again."""
    for variable, value in zip(variables, values, strict=True):
        cell = variable.container.storage
        if isinstance(cell, Cell):
            with cell.lock, jax.enable_x64(True):
                cell.put(jnp.copy(value))
        else:
            cell[0] = np.array(value)


@shared_constructor
def _device_constructor(value, **kwargs):
    """Return a shared array or scalar as Theano does, but stored in a `Cell`."""
    try:
        variable = tensor_constructor(value, **kwargs)
    except TypeError:  # which is how a constructor declines
        variable = scalar_constructor(value, **kwargs)
    variable.container.storage = Cell(variable.container.storage)
    return variable
