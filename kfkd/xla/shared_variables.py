"""Shared variables whose values stay on the device between calls."""

import jax
import jax.numpy as jnp
import numpy as np

from kfkd.process.forks import raise_if_forked
from kfkd.stack.shared_storage import Cell, Locks
from kfkd.xla.device import get_device

__all__ = [
    "Cell",
    "distinct",
    "on_device",
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


def on_device(cell):
    """Return the value of a cell as an array of the device in use."""
    if cell.array is None:
        cell.put(to_device(cell[0]))
    elif cell.array.devices() != {get_device()}:
        cell.put(to_device(to_host(cell.array)))
    return cell.array


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
        lying = [on_device(cell) for cell in cells if isinstance(cell, Cell)]
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
    raise_if_forked()
    for variable, value in zip(variables, values, strict=True):
        cell = variable.container.storage
        if isinstance(cell, Cell):
            with cell.lock, jax.enable_x64(True):
                cell.put(jnp.copy(value))
        else:
            cell[0] = np.array(value)
