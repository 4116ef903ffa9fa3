"""Checks of a net's parameters and data before training starts."""

import inspect
import numbers

import lasagne
import numpy as np

from kfkd.training.hooks import listed

__all__ = ["as_arrays", "check_finite", "check_parameters", "check_scale"]

_ITERATORS = ("batch_iterator_train", "batch_iterator_test")
_CALLBACKS = (
    "on_training_started",
    "on_batch_finished",
    "on_epoch_finished",
    "on_training_finished",
)


def check_parameters(net, epochs=None):
    """Raise ValueError for the first invalid parameter.

    Parameters
    ----------
    net : NeuralNet
        Need not have its layers.
    epochs : int, optional
        How many it is to be trained for; by default ``max_epochs``.

    Raises
    ------
    ValueError
        The message names the parameter.
    """
    params = net.get_params(deep=False)
    for name, value in _counts(net, params, epochs):
        _check(name, value, _is_count(value), "a whole number of at least 1")
    for name in ("update", "objective", "objective_loss_function"):
        if name in params:
            function = params[name]
            _check(
                name, function, callable(function), "a function or an object to call"
            )
    for name in ("train_split", *_ITERATORS):
        value = params[name]
        _check(
            name, value, _is_callable_object(value), "an object to call, not a class"
        )
    for name in _CALLBACKS:
        for value in listed(params[name] or []):
            wanted = "functions or objects to call, no class"
            _check(name, value, _is_callable_object(value), wanted)
    dropout_rates = {f"{name}_p" for name in _dropout_layers(net)}
    for name, value in params.items():
        if name.endswith("_nonlinearity"):
            wanted = "a function such as lasagne.nonlinearities.tanh"
            _check(name, value, value is None or callable(value), wanted)
        if name.startswith("update_"):
            valid = _is_number_or_symbol(value)
            _check(name, value, valid, "a finite number or a shared variable")
        if name in dropout_rates:
            _check(name, value, _is_rate(value), "from 0 to less than 1")


def _check(name, value, valid, wanted):
    if not valid:
        raise ValueError(f"{name} is {value!r}; it must be {wanted}")


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


def _is_count(value):
    return isinstance(value, numbers.Integral) and value >= 1


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
    """Return lists and tables as arrays, dicts as they are.

    Raises
    ------
    ValueError
        If there is no `y`.
    """
    if y is None:
        raise ValueError("y is None; a net is trained with X and y")
    return (X if isinstance(X, dict) else np.asarray(X)), np.asarray(y)


def check_scale(name, array, most, unit, how):
    """Raise ValueError for an array whose values are much too large for a net.

    Raises
    ------
    ValueError
    """
    size = np.abs(array).reshape(len(array), -1).mean(axis=1)
    if len(array) and np.median(size) > most:
        raise ValueError(
            f"{name} has values from {array.min():g} to {array.max():g}, where {unit} "
            f"belong; {how}, or check_input=False if they are meant"
        )


def check_finite(name, array):
    """Raise ValueError for an array with values that are not finite numbers.

    Raises
    ------
    ValueError
        The message says in how many rows, and in which first.
    """
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} holds values of the type {array.dtype}, not numbers")
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.all():
        rows = np.flatnonzero(~finite)
        raise ValueError(
            f"{name} has values that are missing or not finite in {len(rows)} of "
            f"{len(array)} rows, first in row {rows[0]}"
        )
