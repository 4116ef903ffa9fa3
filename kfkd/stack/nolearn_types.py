"""Data of other types of numbers than a nolearn net computes with."""

import functools

import numpy as np

from kfkd.errors import ArgumentError
from kfkd.stack.nolearn_batches import makes_batches

__all__ = ["as_dtype", "as_type_of", "patch_types"]


def as_dtype(name, array, dtype):
    """Return an array in another type of numbers; floats may be rounded, no others.

    Raises
    ------
    ArgumentError
        If a value would become another one, or infinite.
    """
    if array.dtype == dtype:
        return array
    if array.dtype.kind not in "fiub":
        raise ArgumentError(
            f"{name} holds values of the type {array.dtype}, not numbers"
        )
    with np.errstate(invalid="ignore", over="ignore"):
        found = array.astype(dtype)
    if dtype.kind == "f":
        kept = np.isfinite(found) | ~np.isfinite(array)
    else:
        kept = found == array
    if not kept.all():
        place = tuple(np.argwhere(~kept)[0])
        raise ArgumentError(
            f"{name} has the value {array[place]} in row {place[0]}, which {dtype} "
            "cannot hold"
        )
    return found


def as_type_of(variable, value):
    """Return an expression for a variable's value in its type, if both are floats."""
    dtypes = variable.dtype, getattr(value, "dtype", variable.dtype)
    is_other = dtypes[0] != dtypes[1] and all(t.startswith("float") for t in dtypes)
    return value.astype(variable.dtype) if is_other else value


def patch_types(nolearn):
    """Patch NeuralNet so that it takes numbers of all types that keep their meaning.

    float64 and int64, which NumPy makes of Python's numbers, ended in Theano's errors.
    """
    NeuralNet = nolearn.lasagne.NeuralNet
    create_iter_funcs, train_loop = NeuralNet._create_iter_funcs, NeuralNet.train_loop

    @functools.wraps(create_iter_funcs)
    def create_for_floats(self, *args):
        functions = create_iter_funcs(self, *args)
        for function in functions:
            for container in function.input_storage:
                if container.type.dtype.startswith("float"):
                    container.allow_downcast = True
        return functions

    @functools.wraps(train_loop)
    def train_on_numbers(self, X, y, epochs=None):
        wanted = np.dtype(self.y_tensor_type("y").dtype)
        is_target = isinstance(y, np.ndarray) and not makes_batches(self)
        if is_target and y.dtype.kind in "fiub":
            y = as_dtype("y", y, wanted)
        return train_loop(self, X, y, epochs)

    NeuralNet._create_iter_funcs = create_for_floats
    NeuralNet.train_loop = train_on_numbers
