"""Data of other types of numbers than a nolearn net computes with."""

import contextlib
import functools
import pickle

import numpy as np

from kfkd.errors import ArgumentError
from kfkd.messages import count
from kfkd.stack.nolearn_batches import makes_batches
from kfkd.stack.nolearn_data import without_tables
from kfkd.stack.nolearn_labels import note_classes

__all__ = ["as_dtype", "as_type", "as_type_of", "patch_types"]


def as_dtype(name, array, dtype):
    """Return an array in another type of numbers; floats may be rounded, no others.

    Raises
    ------
    ArgumentError
        If a value would become another one, or infinite.
    """
    if array.dtype == dtype:
        return array
    if array.dtype == object:
        with contextlib.suppress(ValueError):  # of lists of many lengths
            array = np.array(array.tolist())
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
        row = f" in row {place[0]}" if place else ""
        raise ArgumentError(
            f"{name} has the value {array[place]}{row}, which {dtype} cannot hold"
        )
    return found


def as_type(name, array, wanted):
    """Return an array for a Theano variable of a type; it must have its dimensions."""
    if array.ndim != wanted.ndim:
        is_column = wanted.ndim == 1 and array.size == len(array)
        hint = f"; {name}.ravel() has one" if is_column else ""
        raise ArgumentError(
            f"{name} has the shape {array.shape}; the net takes an array of "
            f"{count(wanted.ndim, 'dimension')}{hint}"
        )
    return as_dtype(name, array, np.dtype(wanted.dtype))


def _in_dtype(name, values, dtype):
    """Return an array in a type of numbers; what is none stays as it is."""
    if dtype is None or not isinstance(values, np.ndarray):
        return values
    return as_dtype(name, values, np.dtype(dtype))


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
    apply_batch_func, train_loop = NeuralNet.apply_batch_func, NeuralNet.train_loop
    load_params_from = NeuralNet.load_params_from

    @functools.wraps(apply_batch_func)
    def apply_to_numbers(func, Xb, yb=None):
        maker = getattr(func, "maker", None)  # of a function that is Theano's
        inputs = [] if maker is None else maker.inputs
        dtypes = {part.name: part.variable.dtype for part in inputs}
        if isinstance(Xb, dict):
            Xb = {
                name: _in_dtype(f"X[{name!r}]", values, dtypes.get(name))
                for name, values in Xb.items()
            }
        elif inputs:
            Xb = _in_dtype("X", Xb, inputs[0].variable.dtype)
        return apply_batch_func(func, Xb, _in_dtype("y", yb, dtypes.get("y")))

    @functools.wraps(train_loop)
    def train_on_numbers(self, X, y, epochs=None):
        X, y = without_tables(X), without_tables(y)
        if not makes_batches(self) and isinstance(y, np.ndarray):
            y = as_type("y", y, self.y_tensor_type("y").type)
            note_classes(self, y)
        return train_loop(self, X, y, epochs)

    def of_layer(name, layer, values):
        """Return the weights of a layer in the types of its parameters."""
        if layer is None:
            return values
        return [
            _in_dtype(f"parameter {i} of layer {name!r}", value, param.dtype)
            for i, (param, value) in enumerate(
                zip(layer.get_params(), values, strict=False)
            )
        ]

    @functools.wraps(load_params_from)
    def load_numbers_from(self, source):
        self.initialize()
        if isinstance(source, str):
            with open(source, "rb") as file:
                source = pickle.load(file)
        if isinstance(source, NeuralNet):
            source = source.get_all_params_values()
        layers = self.layers_
        source = {
            name: of_layer(name, layers.get(name), source[name]) for name in source
        }
        load_params_from(self, source)

    NeuralNet.apply_batch_func = staticmethod(apply_to_numbers)
    NeuralNet.train_loop = train_on_numbers
    NeuralNet.load_params_from = load_numbers_from
