"""X and y as arrays, and checks of whether a net can learn from them."""

import numpy as np
import theano
from lasagne.layers import InputLayer

from kfkd.data.columns import PIXELS
from kfkd.errors import ArgumentError
from kfkd.messages import count, shown
from kfkd.training.targets import as_dtype

__all__ = [
    "as_array",
    "as_arrays",
    "check_batch",
    "check_data",
    "check_lengths",
    "input_layers",
]

# What to do about missing values.
_IN_X = "leave such rows out, or fill them in; check_input=False turns this check off"
_IN_Y = (
    "leave such rows out, as kfkd.data.load does, train a net for each group of "
    "columns that are complete, as kfkd.specialists does, or use a loss that passes "
    "over missing values, and check_input=False"
)


def input_layers(layers):
    """Return the input layers of ``net.layers_`` by the names that are X's keys."""
    return {
        layer.name or name: layer
        for name, layer in layers.items()
        if isinstance(layer, InputLayer)
    }


def as_array(values):
    """Return a list, a table or an array as an array, of numbers if it holds them."""
    if isinstance(values, np.ma.MaskedArray) and values.mask.any():
        values = values.astype(float).filled(np.nan)
    # A file that is mapped into memory stays one.
    array = values if isinstance(values, np.memmap) else np.asarray(values)
    if array.dtype == object and array.size:
        try:
            return np.array(array.tolist())  # as a table with columns of many types
        except ValueError:  # lists of many lengths
            pass
    return array


def as_arrays(X):
    """Return X as an array, or as a dict of them."""
    if isinstance(X, dict):
        return {name: as_array(values) for name, values in X.items()}
    return as_array(X)


def check_lengths(X, y=None):
    """Raise ArgumentError unless X, or each array in it, and y are of one length."""
    arrays = _parts(X)
    if y is not None:
        arrays["y"] = y
    lengths = {}
    for name, array in arrays.items():
        try:
            lengths[name] = len(array)
        except TypeError:
            value = array[()] if isinstance(array, np.ndarray) else array
            raise ArgumentError(
                f"{name} is {shown(value)}; it must be an array with a row for each "
                "sample"
            ) from None
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {n} rows" for name, n in lengths.items())
        raise ArgumentError(f"{found}; they must have the same number")


def _parts(X):
    """Return the arrays of X by the names that messages use."""
    if isinstance(X, dict):
        return {f"X[{name!r}]": array for name, array in X.items()}
    return {"X": X}


def check_data(net, X, y=None, *, is_batch=True):
    """Raise ArgumentError for arrays that do not fit the net or cannot be learnt from.

    Parameters
    ----------
    net : NeuralNet
        With its layers.
    X : array or dict of arrays
    y : array, optional
        Of the same length.
    is_batch : bool, default=True
        Whether X has the shape of a net's batches.  If not, its batch iterator makes
        them.
    """
    if is_batch:
        check_batch(net, X)
    for name, part in _parts(X).items():
        if not len(part):
            raise ArgumentError(f"{name} is empty")
        _check_numbers(name, part, _IN_X)
    of_faces = isinstance(X, np.ndarray) and np.prod(X.shape[1:]) == PIXELS
    if of_faces:
        _check_scale("X", X, 8, "grey values in [0, 1]", "kfkd.data.load returns them")
    if y is None or not net.regression or y.ndim < 2:
        return
    if len(net._output_layers) > 1:  # the objective says what it does with y
        return
    outputs = net._output_layers[0].output_shape[1:]
    if y.shape[1:] != outputs:
        raise ArgumentError(
            f"y has the shape {y.shape}, but the net has "
            f"{count(outputs[0], 'output')}; make a net with "
            f"output_num_units={y.shape[-1]}"
        )
    _check_numbers("y", y, _IN_Y)
    if of_faces:
        how = "kfkd.data.from_pixels converts pixels to them"
        _check_scale("y", y, 4, "coordinates in [-1, 1]", how)


def check_batch(net, X, name="X"):
    """Raise ArgumentError unless X is what the net's input layers take.

    `name` is that of X in messages.
    """
    layers = input_layers(net.layers_)
    if isinstance(X, dict):
        if X.keys() != layers.keys():
            raise ArgumentError(
                f"{name} is a dict with {_listed(X) or 'no keys'}; the net takes an "
                f"array for each of its input layers: {_listed(layers)}"
            )
        for key, layer in layers.items():
            _check_shape(f"{name}[{key!r}]", X[key], layer)
        return
    if len(layers) > 1:
        raise ArgumentError(
            f"{name} is one array; the net takes a dict of arrays with the names of "
            f"its input layers: {_listed(layers)}"
        )
    hint = (
        ": kfkd.data.load gives rows of pixels, load2d images, and net.reshape_input "
        "makes one of the other"
    )
    _check_shape(name, X, *layers.values(), hint=hint)


def _listed(names):
    return ", ".join(map(repr, names))


def _check_shape(name, array, layer, hint=""):
    shape, expected = np.shape(array), layer.shape[1:]
    if len(shape) != len(expected) + 1 or not all(
        size in (None, given) for size, given in zip(expected, shape[1:], strict=True)
    ):
        taken = ", ".join(map(str, ("n", *expected)))
        raise ArgumentError(
            f"{name} has the shape {shape}, the net takes ({taken}){hint}"
        )
    dtype = np.dtype(layer.input_var.dtype)
    if dtype.kind in "iu":  # such as the indices that an EmbeddingLayer takes
        as_dtype(name, np.asarray(array), dtype)


def _check_scale(name, array, most, unit, how):
    """Raise ArgumentError for an array whose values are much too large for a net."""
    size = np.abs(array).reshape(len(array), -1).mean(axis=1)
    if np.median(size) > most:
        raise ArgumentError(
            f"{name} has values from {array.min():g} to {array.max():g}, where {unit} "
            f"are expected; {how}, and check_input=False turns this check off"
        )


def _check_numbers(name, array, advice):
    """Raise ArgumentError for values that are not finite, naming the first such row."""
    if array.dtype.kind not in "fiub":
        raise ArgumentError(
            f"{name} holds values of the type {array.dtype}, not numbers"
        )
    # In the type that the net computes with, which may hold smaller numbers only.
    largest = np.finfo(theano.config.floatX).max
    finite = (array <= largest) & (array >= -largest)
    finite = finite.reshape(len(array), -1).all(axis=1)
    if not finite.all():
        rows = np.flatnonzero(~finite)
        raise ArgumentError(
            f"{name} has values that are missing or not finite in {len(rows)} of "
            f"{len(array)} rows, first in row {rows[0]}; {advice}"
        )
