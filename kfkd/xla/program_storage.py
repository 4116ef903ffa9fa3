"""What a program reads and updates: arguments, shared variables, large constants."""

import jax.numpy as jnp
import numpy as np

from kfkd.stack.shared_storage import Cell, Locks
from kfkd.xla.shared_variables import distinct, on_device, to_host
from kfkd.xla.size_variables import is_array

__all__ = ["ProgramStorage"]

# Larger constants, in elements, are arguments of the program and not written into it.
_LARGE_CONSTANT = 4096


class ProgramStorage:
    """The storage of a program's inputs and large constants.

    Parameters
    ----------
    program : Program
    storage : list
        Of each of its inputs.
    updates : dict
        The output that replaces an input, by the latter.

    Attributes
    ----------
    cells : dict
        The storage by variable.
    built_in : list
        The inputs that are no arrays: a program is made for each value.
    updated : list
        The inputs that are replaced, in the order of the outputs.
    locks : Locks
        Those of the shared variables.
    """

    def __init__(self, program, storage, updates):
        self.cells = dict(zip(program.inputs, storage, strict=True))
        # Theano appends the new values to the outputs of the function.
        n_returned = len(program.outputs) - len(updates)
        replaced = {new: v for v, new in updates.items()}
        self.updated = [replaced[v] for v in program.outputs[n_returned:]]
        self.large = {
            v: Cell([data])
            for v, data in program.constants.items()
            if np.size(data) > _LARGE_CONSTANT
        }
        self.built_in = [v for v in program.inputs if not is_array(v)]
        self.locks = Locks(storage)

    def arrays_given(self):
        """Return the arguments that are arrays."""
        return [
            v
            for v, cell in self.cells.items()
            if not isinstance(cell, Cell) and v not in (*self.built_in, *self.updated)
        ]

    def read(self, variable):
        """Return the value of an input, or of a size of one, as a NumPy array."""
        if node := variable.owner:
            return np.asarray(np.shape(self.cells[node.inputs[0]][0])[node.op.i])
        return np.asarray(self.cells[variable][0])

    def arguments(self):
        """Return the values of the arguments, by variable.

        These are arrays of NumPy, and what is not an array, such as None: a program is
        made for each.
        """
        arrays, built_in = {}, {}
        for v, cell in self.cells.items():
            if v in self.built_in:
                built_in[v] = cell[0]
            elif not isinstance(cell, Cell):
                if cell[0] is None:
                    built_in[v] = None
                else:
                    arrays[v] = np.asarray(cell[0])
        return arrays, built_in

    def shared(self):
        """Return the arrays of shared variables and of large constants, by variable.

        Returns
        -------
        donated, kept : dict
            Those that an update replaces, and the others.  An array that is donated is
            not handed over twice: where variables share a cell, others get copies.
        """
        shared = {
            v: cell
            for v, cell in self.cells.items()
            if v not in self.built_in and isinstance(cell, Cell)
        }
        arrays = {v: on_device(cell) for v, cell in (self.large | shared).items()}
        donated = {v: array for v, array in arrays.items() if v in self.updated}
        kept = {v: array for v, array in arrays.items() if v not in donated}
        given = set(map(id, donated.values()))
        kept = {v: jnp.copy(a) if id(a) in given else a for v, a in kept.items()}
        return dict(zip(donated, distinct(donated.values()), strict=True)), kept

    def updates_clones(self):
        """Return whether another variable has the value of one that is updated."""
        cells = [id(cell) for cell in self.cells.values()]
        return any(cells.count(id(self.cells[v])) > 1 for v in self.updated)

    def store(self, new):
        """Store the new values of the updated variables."""
        for variable, array in zip(self.updated, new, strict=True):
            cell = self.cells[variable]
            if isinstance(cell, Cell):
                cell.put(array)
            else:
                cell[0] = to_host(array)
