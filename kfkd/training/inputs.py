"""X and y as arrays, and checks of whether a net can learn from them."""

import contextlib

import numpy as np
import theano
from nolearn.lasagne import objective
from scipy import sparse
from sklearn.utils.validation import validate_data

from kfkd.data.columns import ALL_COLUMNS, PIXELS
from kfkd.errors import ArgumentError
from kfkd.messages import count, shown
from kfkd.objectives import skips_missing
from kfkd.stack.nolearn_batches import makes_batches

__all__ = [
    "IN_X",
    "as_array",
    "as_arrays",
    "check_columns",
    "check_lengths",
    "check_numbers",
    "check_targets",
    "check_values",
    "takes_missing",
]

# What to do about missing values.
IN_X = "leave such rows out, or fill them in; check_input=False turns this check off"
IN_Y = (
    "leave such rows out, as kfkd.data.load does, train a net for each group of "
    "columns that are complete, as kfkd.specialists does, or use a loss that leaves "
    "missing values out: objective_loss_function=kfkd.objectives.masked_squared_error"
)


def as_array(name, values):
    """Return a list, a table or an array as an array, of numbers if it holds them.

    Raises
    ------
    ArgumentError
        If it is a sparse matrix, or has rows of several lengths.
    """
    if sparse.issparse(values):
        raise ArgumentError(
            f"{name} is a sparse matrix, which no net takes; {name}.toarray() makes an "
            "array of it"
        )
    if isinstance(values, np.ma.MaskedArray) and values.mask.any():
        values = values.astype(float).filled(np.nan)
    if isinstance(values, np.memmap):
        return values  # a file that is mapped into memory stays one
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ArgumentError(f"{name} is no array of numbers: {error}") from error
    if array.dtype == object and array.ndim and array.size:
        return _of_objects(array)
    return array


def _of_objects(array):
    """Return an array of one type: a table with columns of many types has objects."""
    texts = sum(isinstance(value, str) for value in array.flat)
    if texts not in (0, array.size):
        return array  # in which numbers would become texts
    with contextlib.suppress(ValueError):  # of lists of many lengths
        found = np.array(array.tolist())
        if found.dtype.kind in "fiubU":
            return found
    with contextlib.suppress(TypeError, ValueError):
        return array.astype(float)
    return array


def as_arrays(X):
    """Return X as an array, or as a dict of them."""
    if isinstance(X, dict) and not sparse.issparse(X):
        return {key: as_array(f"X[{key!r}]", values) for key, values in X.items()}
    return as_array("X", X)


def _parts(X, y=None):
    """Return the arrays by the names that messages use."""
    parts = {"X": X}
    if isinstance(X, dict):
        parts = {f"X[{name!r}]": array for name, array in X.items()}
    return parts if y is None else parts | {"y": y}


def check_columns(net, given, X, *, first=False):
    """Remember X's columns in the first training; ArgumentError if others come later.

    Parameters
    ----------
    net : NeuralNet
    given : array, table or dict
        As it was given, with the names of the columns.
    X : array or dict of arrays
    first : bool, default=False
        Whether this is the first training.
    """
    if isinstance(X, dict):
        return
    if first and X.ndim == 2:
        net.n_features_in_ = X.shape[1]
    if hasattr(given, "columns") if first else hasattr(net, "feature_names_in_"):
        try:
            validate_data(net, given, reset=first, skip_check_array=True)
        except ValueError as error:
            raise ArgumentError(" ".join(str(error).split())) from error


def check_values(net, X, y=None):
    """Raise ArgumentError for data that no net, or none of this kind, can learn from.

    Parameters
    ----------
    net : NeuralNet
        Need not have its layers.
    X : array or dict of arrays
    y : array, optional
    """
    check_lengths(X, y)
    for name, part in _parts(X).items():
        if not part.size:
            raise ArgumentError(
                f"{name} has 0 feature(s) (shape={part.shape}) while a minimum of 1 is "
                "required, as columns or pixels"
                if len(part)
                else f"{name} is empty"
            )
        check_numbers(name, part, IN_X)
    of_faces = isinstance(X, np.ndarray) and np.prod(X.shape[1:]) == PIXELS
    if of_faces:
        _check_scale("X", X, 8, "grey values in [0, 1]", "kfkd.data.load returns them")
    if y is None or not net.regression or makes_batches(net):
        return
    if takes_missing(net):
        y = _known(y)
    else:
        check_numbers("y", y, IN_Y)
        kind = type(net.batch_iterator_train)
        if getattr(kind, "makes_missing", False) and y.ndim > 1:
            raise ArgumentError(
                f"batch_iterator_train is an {kind.__name__}, with which labels go "
                "missing; the net needs a loss that leaves these out: "
                "objective_loss_function=kfkd.objectives.masked_squared_error"
            )
    if of_faces:
        how = "kfkd.data.from_pixels converts pixels to them"
        _check_scale("y", y, 4, "coordinates in [-1, 1]", how)


def takes_missing(net):
    """Return whether the targets of a net may be NaN, as its loss leaves them out."""
    own = net.objective is objective and skips_missing(net.objective_loss_function)
    return own and net.regression


def _known(y):
    """Return the labels that y has, in a column; ArgumentError if one is infinite."""
    is_missing = y.dtype.kind == "f" and np.isnan(y)
    if np.all(is_missing):
        raise ArgumentError("y has no labels: all its values are NaN")
    check_numbers("y", np.where(is_missing, 0, y), "a missing label is NaN")
    return y[np.broadcast_to(~np.asarray(is_missing), y.shape)][:, None]


def check_lengths(X, y=None):
    """Raise ArgumentError unless arrays are of one length."""
    lengths = {}
    for name, array in _parts(X, y).items():
        try:
            lengths[name] = len(array)
        except TypeError:
            raise ArgumentError(
                f"{name} is {shown(array[()])}; it must be an array with a row for "
                "each sample"
            ) from None
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {n} rows" for name, n in lengths.items())
        raise ArgumentError(f"{found}; they must have the same number")


def check_targets(net, y):
    """Raise ArgumentError unless the y of a regression has the shape of the outputs."""
    if not net.regression or len(net._output_layers) > 1 or makes_batches(net):
        return  # the objective, or the iterator, says what it does with y
    outputs = net._output_layers[0].output_shape[1:]
    if y.ndim > 1 and y.shape[1:] != outputs:
        how = f"make a net with output_num_units={y.shape[-1]}"
        if outputs == (len(ALL_COLUMNS),):
            how = "load the data with kfkd.nets.load_options(net)"
        raise ArgumentError(
            f"y has the shape {y.shape}, but the net has "
            f"{count(outputs[0], 'output')}; {how}"
        )


def _check_scale(name, array, most, unit, how):
    """Raise ArgumentError for an array whose values are much too large for a net."""
    size = np.abs(array).reshape(len(array), -1).mean(axis=1)
    if np.median(size) > most:
        raise ArgumentError(
            f"{name} has values from {array.min():g} to {array.max():g}, where {unit} "
            f"are expected; {how}, and check_input=False turns this check off"
        )


def check_numbers(name, array, advice):
    """Raise ArgumentError for values that are not finite, naming the first such row."""
    if array.dtype.kind not in "fiub":
        raise ArgumentError(
            f"{name} holds values of the type {array.dtype}, not numbers{_why(array)}"
        )
    # In the type that the net computes with, which may hold smaller numbers only.
    largest = np.finfo(theano.config.floatX).max
    finite = (array <= largest) & (array >= -largest)
    finite = finite.reshape(len(array), -1).all(axis=1)
    if not finite.all():
        rows = np.flatnonzero(~finite)
        raise ArgumentError(
            f"{name} has values that are missing or not finite (NaN, inf) in "
            f"{len(rows)} of {len(array)} rows, first in row {rows[0]}; {advice}"
        )


def _why(array):
    """Return what is known about values that are not real numbers."""
    if array.dtype.kind == "c":
        return ". Complex data not supported"
    try:
        array.astype(float)
    except (TypeError, ValueError) as error:
        return f": {error}"
    return ""
