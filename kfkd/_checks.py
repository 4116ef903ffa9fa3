"""What a net's definition and its data must be, before training starts."""

import numbers

import lasagne
import numpy as np

from kfkd.epochs import listed

__all__ = ["check_finite", "check_parameters"]

_FUNCTIONS = (
    "update",
    "objective",
    "objective_loss_function",
    "train_split",
    "batch_iterator_train",
    "batch_iterator_test",
)
_CALLBACKS = (
    "on_training_started",
    "on_batch_finished",
    "on_epoch_finished",
    "on_training_finished",
)


def check_parameters(net, epochs):
    """Complain of the first parameter that cannot be what it is.

    Parameters
    ----------
    net : NeuralNet
        Need not have its layers.
    epochs : int
        How many it is to be trained for.

    Raises
    ------
    ValueError
        The message names the parameter.
    """
    if not isinstance(epochs, numbers.Integral) or epochs < 1:
        raise _error("max_epochs", epochs, "a whole number of at least 1")
    params = net.get_params(deep=False)
    for name in _FUNCTIONS:
        if name in params and not callable(params[name]):
            raise _error(name, params[name], "a function or an object to call")
    for name in _CALLBACKS:
        for callback in listed(params[name] or []):
            if not callable(callback):
                raise _error(name, callback, "a callable, or a list of them")
    dropout = lasagne.layers.DropoutLayer
    layers = [entry for entry in net.layers if isinstance(entry, tuple)]
    rates = {f"{n}_p" for n, kind in layers if isinstance(n, str) and kind is dropout}
    for name, value in params.items():
        if name.endswith("_nonlinearity") and not (value is None or callable(value)):
            raise _error(name, value, "a function such as lasagne.nonlinearities.tanh")
        if name.startswith("update_") and not _is_number_or_symbol(value):
            raise _error(name, value, "a finite number or a shared variable")
        if name in rates and isinstance(value, numbers.Real) and not 0 <= value < 1:
            raise _error(name, value, "from 0 to less than 1")


def _error(name, value, wanted):
    return ValueError(f"{name} is {value!r}; it must be {wanted}")


def _is_number_or_symbol(value):
    if isinstance(value, numbers.Real):
        return bool(np.isfinite(value))
    return not (value is None or isinstance(value, str))


def check_finite(name, array):
    """Complain of an array with values that are missing or not finite.

    Raises
    ------
    ValueError
        The message says in how many rows, and in which first.
    """
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.all():
        rows = np.flatnonzero(~finite)
        raise ValueError(
            f"{name} has values that are missing or not finite in {len(rows)} of "
            f"{len(array)} rows, first in row {rows[0]}"
        )
