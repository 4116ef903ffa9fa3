"""Checks of a net's parameters before training starts."""

import inspect
import numbers

import lasagne
import numpy as np
import theano
from nolearn.lasagne import TrainSplit, objective

from kfkd.arguments import check, whole
from kfkd.errors import ArgumentError
from kfkd.messages import shown
from kfkd.stack.nolearn_splits import check_share
from kfkd.training.hooks import listed

__all__ = ["check_callbacks", "check_mirror", "check_parameters"]

_ITERATORS = ("batch_iterator_train", "batch_iterator_test")
_OBJECTS = dict.fromkeys(_ITERATORS, "BatchIterator(128)") | {
    "train_split": "TrainSplit(0.2), or TrainSplit(0) for no validation"
}
_SCORES = ("custom_scores", "scores_train", "scores_valid")
# What the rows of a history have besides scores.
_OWN = {
    *("epoch", "train_loss", "train_loss_best", "valid_loss", "valid_loss_best"),
    *("valid_accuracy", "dur"),
}
_FUNCTIONS = ("update", "objective", "objective_loss_function", "y_tensor_type")
# How many positional arguments, and which keywords, a net calls its functions with; all
# else that they take are its options.
_GIVEN = {"update": (2, ()), "objective": (1, ("target", "deterministic"))}
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
    params = {**vars(net), **net.get_params(deep=False)}
    for name, value in _counts(net, params, epochs):
        whole(name, value, least=1)
    for name in _FUNCTIONS:
        if name in params:
            value = params[name]
            check(name, value, callable(value), "a function or another callable")
    for name, example in _OBJECTS.items():
        wanted = f"a callable object, not a class, such as {example}"
        check(name, params[name], _is_callable_object(params[name]), wanted)
    if params["mirror"]:
        check_mirror(net)
    if isinstance(net.train_split, TrainSplit):
        check_share(net.train_split)
    layers = params["layers"]
    are_layers = isinstance(layers, (list, tuple)) and len(layers) > 0
    check("layers", layers, are_layers, "a list of layers, not an empty one")
    names = set(_OWN)
    for name in _SCORES:
        names |= _check_scores(name, params[name], names)
        if name == "scores_train":  # one in scores_valid may replace it, as nolearn's
            names -= {score for score, _ in listed(params[name])}
    for name in _CALLBACKS:
        check_callbacks(name, listed(params[name]))
    dropout_rates = {f"{name}_p" for name in _dropout_layers(net)}
    for name, value in params.items():
        if name.endswith("_nonlinearity") and value is not None:
            wanted = "a function such as lasagne.nonlinearities.tanh"
            check(name, value, callable(value), wanted)
        if name in dropout_rates:
            check(name, value, _is_rate(value), "from 0 to less than 1")
    _check_options("update", net.update, net._get_params_for("update"))
    _check_options("objective", net.objective, net._get_params_for("objective"))
    _check_numbers(net)


def _check_numbers(net):
    """Raise ArgumentError for an option of Lasagne's or nolearn's that is no number."""
    number = "a finite number or a symbolic scalar, such as a shared variable"
    if getattr(net.update, "__module__", None) == lasagne.updates.__name__:
        for option, value in net._get_params_for("update").items():
            check(f"update_{option}", value, _is_number_or_symbol(value), number)
    if net.objective is objective:
        options = net._get_params_for("objective")
        for option in ("l1", "l2"):
            value = options.get(option) or 0
            check(f"objective_{option}", value, _is_number_or_symbol(value), number)
        aggregate = options.get("aggregate", lasagne.objectives.aggregate)
        wanted = "a function or another callable"
        check("objective_aggregate", aggregate, callable(aggregate), wanted)


def _check_options(name, function, options):
    """Raise ArgumentError for the first option that a function does not take."""
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):  # a function that is not of Python
        return
    parameters = [*signature.parameters.values()]
    n_given, given = _GIVEN[name]
    named = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    taken = [p for p in named[n_given:] if p not in given]
    refused = [p for p in options if p in named and p not in taken]
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        refused = [p for p in options if p not in taken]
    if refused:
        kind = getattr(function, "__name__", shown(function))
        raise ArgumentError(
            f"{name}_{refused[0]} is given, but {name}={kind} takes no {refused[0]}; "
            f"it takes {', '.join(f'{name}_{p}' for p in taken) or 'no parameters'}"
        )


def _check_scores(name, scores, taken):
    """Return the names of scores; ArgumentError unless they are new, with functions."""
    found = set()
    for score in listed(scores):
        is_pair = isinstance(score, (list, tuple)) and len(score) == 2
        is_valid = is_pair and isinstance(score[0], str) and callable(score[1])
        check(name, score, is_valid, "a list of pairs (name, function)")
        others = taken | found
        wanted = f"another name: the history has {', '.join(sorted(others))} already"
        check(f"a name in {name}", score[0], score[0] not in others, wanted)
        found.add(score[0])
    return found


def check_mirror(net):
    """Raise ArgumentError unless a net knows the pairs of mirrored columns."""
    has_pairs = hasattr(net.batch_iterator_train, "flip_indices")
    wanted = "False without a batch_iterator_train that has flip_indices"
    check("mirror", net.mirror, has_pairs, wanted)


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


def _is_callable_object(value):
    return callable(value) and not inspect.isclass(value)


def _is_number_or_symbol(value):
    if isinstance(value, numbers.Real):
        return bool(np.isfinite(value)) and not isinstance(value, (bool, np.bool_))
    if isinstance(value, np.ndarray) and value.size == 1:
        return value.dtype.kind in "fiu" and bool(np.isfinite(value).all())
    return (
        isinstance(value, theano.graph.basic.Variable)
        and getattr(value, "ndim", None) == 0
        and value.dtype not in theano.tensor.complex_dtypes
    )


def _is_rate(value):
    if isinstance(value, numbers.Real):
        return 0 <= value < 1
    return _is_number_or_symbol(value)
