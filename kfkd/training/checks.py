"""Checks of a net's parameters and data before training starts."""

import inspect
import numbers

import lasagne
import numpy as np
import theano
from nolearn.lasagne import TrainSplit

from kfkd.arguments import check, whole
from kfkd.data.columns import PIXELS
from kfkd.errors import ArgumentError
from kfkd.messages import count, shown
from kfkd.training.hooks import listed

__all__ = [
    "as_arrays",
    "check_callbacks",
    "check_data",
    "check_lengths",
    "check_parameters",
]

_ITERATORS = ("batch_iterator_train", "batch_iterator_test")
_FUNCTIONS = ("update", "objective", "objective_loss_function")
_CALLBACKS = (
    "on_training_started",
    "on_batch_finished",
    "on_epoch_finished",
    "on_training_finished",
)


def check_parameters(net, epochs=None):
    """Raise ArgumentError for the first invalid parameter, which the message names.

    Parameters
    ----------
    net : NeuralNet
        Need not have its layers.
    epochs : int, optional
        How many it is to be trained for; by default ``max_epochs``.
    """
    params = net.get_params(deep=False)
    for name, value in _counts(net, params, epochs):
        whole(name, value, least=1)
    for name in _FUNCTIONS:
        if name in params:
            value = params[name]
            check(name, value, callable(value), "a function or another callable")
    for name in ("train_split", *_ITERATORS):
        value = params[name]
        check(name, value, _is_callable_object(value), "a callable object, not a class")
    if isinstance(net.train_split, TrainSplit):
        share = net.train_split.eval_size
        check("train_split.eval_size", share, _is_share(share), "from 0 to 0.6")
    for name in _CALLBACKS:
        check_callbacks(name, listed(params[name] or []))
    dropout_rates = {f"{name}_p" for name in _dropout_layers(net)}
    for name, value in params.items():
        if name.endswith("_nonlinearity") and value is not None:
            wanted = "a function such as lasagne.nonlinearities.tanh"
            check(name, value, callable(value), wanted)
        if name.startswith("update_"):
            wanted = "a finite number or a shared variable"
            check(name, value, _is_number_or_symbol(value), wanted)
        if name in dropout_rates:
            check(name, value, _is_rate(value), "from 0 to less than 1")
    _check_options(net.update, "update", net._get_params_for("update"))


def _check_options(function, name, options):
    """Raise ArgumentError for the first option that a function does not take."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function that is not of Python
        return
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for option in options.keys() - parameters:
        takes = ", ".join(f"{name}_{p}" for p in [*parameters][2:])
        named = getattr(function, "__name__", shown(function))
        raise ArgumentError(
            f"{name}_{option} is given, but {name}={named} takes no {option}; it takes "
            f"{takes or 'no parameters'}"
        )


def check_callbacks(name, callbacks):
    """Raise ArgumentError for a callback that cannot be called, such as a class."""
    for value in callbacks:
        wanted = "functions or callable objects, not classes"
        check(name, value, _is_callable_object(value), wanted)


def _counts(net, params, epochs):
    """Yield the parameters that count something, by name."""
    yield ("max_epochs", net.max_epochs) if epochs is None else ("epochs", epochs)
    yield "log_every", net.log_every
    yield from ((k, v) for k, v in params.items() if k.endswith("_num_units"))
    for name in _ITERATORS:
        iterator = params[name]
        if hasattr(iterator, "batch_size") and not inspect.isclass(iterator):
            yield f"the batch_size of {name}", iterator.batch_size


def _dropout_layers(net):
    """Yield the names of the layers that are plain dropout."""
    for entry in net.layers:
        if isinstance(entry, tuple) and entry[1] is lasagne.layers.DropoutLayer:
            yield entry[0]


def _is_share(share):
    # The samples are divided into round(1 / share) parts, of which one is set aside.
    return not share or (isinstance(share, numbers.Real) and 0 < share <= 0.6)


def _is_callable_object(value):
    return callable(value) and not inspect.isclass(value)


def _is_number_or_symbol(value):
    if isinstance(value, numbers.Real):
        return bool(np.isfinite(value))
    return not (value is None or isinstance(value, str))


def _is_rate(value):
    if isinstance(value, numbers.Real):
        return 0 <= value < 1
    return _is_number_or_symbol(value)


def as_arrays(X, y):
    """Return lists and tables as arrays, dicts as they are; y must not be None."""
    if y is None:
        raise ArgumentError("y is None; a net is trained with X and y")
    return (X if isinstance(X, dict) else np.asarray(X)), np.asarray(y)


def check_lengths(X, y=None):
    """Raise ArgumentError unless X, or each array in it, and y are of one length."""
    arrays = dict(X) if isinstance(X, dict) else {"X": X}
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


def check_data(net, X, y=None):
    """Raise ArgumentError for arrays that do not fit the net or cannot be learnt from.

    Parameters
    ----------
    net : NeuralNet
        With its layers.
    X, y : arrays
        Of equal length.
    """
    expected = next(iter(net.layers_.values())).shape[1:]
    if X.ndim != len(expected) + 1 or not all(
        size in (None, given) for size, given in zip(expected, X.shape[1:], strict=True)
    ):
        raise ArgumentError(
            f"X has the shape {X.shape}, the net takes "
            f"({', '.join(map(str, ('n', *expected)))}): kfkd.data.load gives rows of "
            "pixels, load2d images, and net.reshape_input makes one of the other"
        )
    if not len(X):
        raise ArgumentError("X is empty")
    _check_numbers("X", X)
    of_faces = np.prod(X.shape[1:]) == PIXELS
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
    _check_numbers("y", y)
    if of_faces:
        how = "kfkd.data.from_pixels converts pixels to them"
        _check_scale("y", y, 4, "coordinates in [-1, 1]", how)


def _check_scale(name, array, most, unit, how):
    """Raise ArgumentError for an array whose values are much too large for a net."""
    size = np.abs(array).reshape(len(array), -1).mean(axis=1)
    if np.median(size) > most:
        raise ArgumentError(
            f"{name} has values from {array.min():g} to {array.max():g}, where {unit} "
            f"are expected; {how}, and check_input=False turns this check off"
        )


def _check_numbers(name, array):
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
            f"{len(array)} rows, first in row {rows[0]}; check_input=False turns this "
            "check off, for a loss that leaves such values out"
        )
