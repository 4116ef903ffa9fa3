"""What a net's definition and its data must be, before training starts."""

import inspect
import numbers

import lasagne
import numpy as np

from kfkd.training.hooks import listed

__all__ = ["as_arrays", "check_finite", "check_parameters", "check_scale"]

_FUNCTIONS = ("update", "objective", "objective_loss_function")
_ITERATORS = ("batch_iterator_train", "batch_iterator_test")
_OBJECTS = ("train_split", *_ITERATORS)
_CALLBACKS = (
    "on_training_started",
    "on_batch_finished",
    "on_epoch_finished",
    "on_training_finished",
)


def check_parameters(net, epochs=None):
    """Complain of the first parameter that cannot be what it is.

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
    counts = {"max_epochs": net.max_epochs} if epochs is None else {"epochs": epochs}
    params = net.get_params(deep=False)
    counts["log_every"] = net.log_every
    counts |= {k: v for k, v in params.items() if k.endswith("_num_units")}
    for name in _ITERATORS:
        iterator = params[name]
        if hasattr(iterator, "batch_size") and not inspect.isclass(iterator):
            counts[f"the batch_size of {name}"] = iterator.batch_size
    for name, value in counts.items():
        if not isinstance(value, numbers.Integral) or value < 1:
            raise _error(name, value, "a whole number of at least 1")
    for name in _FUNCTIONS:
        if name in params and not callable(params[name]):
            raise _error(name, params[name], "a function or an object to call")
    for name in _OBJECTS:
        if not callable(params[name]) or inspect.isclass(params[name]):
            raise _error(name, params[name], "an object to call, not a class")
    for name in _CALLBACKS:
        for callback in listed(params[name] or []):
            if not callable(callback) or inspect.isclass(callback):
                raise _error(name, callback, "functions or objects to call, no class")
    dropout = lasagne.layers.DropoutLayer
    layers = [entry for entry in net.layers if isinstance(entry, tuple)]
    rates = {f"{n}_p" for n, kind in layers if isinstance(n, str) and kind is dropout}
    for name, value in params.items():
        if name.endswith("_nonlinearity") and not (value is None or callable(value)):
            raise _error(name, value, "a function such as lasagne.nonlinearities.tanh")
        if name.startswith("update_") and not _is_number_or_symbol(value):
            raise _error(name, value, "a finite number or a shared variable")
        if name in rates and not (
            0 <= value < 1
            if isinstance(value, numbers.Real)
            else _is_number_or_symbol(value)
        ):
            raise _error(name, value, "from 0 to less than 1")


def _error(name, value, wanted):
    return ValueError(f"{name} is {value!r}; it must be {wanted}")


def _is_number_or_symbol(value):
    if isinstance(value, numbers.Real):
        return bool(np.isfinite(value))
    return not (value is None or isinstance(value, str))


def as_arrays(X, y):
    """Return lists and tables as arrays; what are arrays, or dicts of them, as it is.

    Raises
    ------
    ValueError
        If there is no `y`.
    """
    if y is None:
        raise ValueError("y is None; a net is trained with X and y")
    return (X if isinstance(X, dict) else np.asarray(X)), np.asarray(y)


def check_scale(name, array, most, unit, how):
    """Complain of an array most rows of which are much too large for a net.

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
    """Complain of an array with values that are no numbers, missing, or not finite.

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
