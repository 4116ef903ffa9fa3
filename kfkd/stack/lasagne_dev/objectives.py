"""Losses and accuracies."""

import functools
import warnings

import theano.tensor as T
from lasagne import objectives
from lasagne.utils import as_theano_expression

__all__ = [
    "align_targets",
    "binary_accuracy",
    "binary_hinge_loss",
    "categorical_accuracy",
    "huber_loss",
    "multiclass_hinge_loss",
]


def align_targets(predictions, targets):
    """Return predictions and targets; make the targets a column if the former are.

    Otherwise a column and a vector would broadcast to a square matrix.
    """
    if (
        getattr(predictions, "broadcastable", None) == (False, True)
        and getattr(targets, "ndim", None) == 1
    ):
        targets = as_theano_expression(targets).dimshuffle(0, "x")
    return predictions, targets


def binary_hinge_loss(predictions, targets, delta=1, log_odds=None, binary=True):
    """Return ``max(0, delta - t * p)`` of each element.

    Parameters
    ----------
    predictions, targets : Theano tensor
    delta : scalar
        The margin.
    log_odds : bool, optional
        Whether the predictions are log-odds, or probabilities in (0, 1).  By default
        they are log-odds, with a warning.
    binary : bool
        Whether the targets are 0 and 1, or -1 and 1.
    """
    if isinstance(delta, bool):
        raise TypeError(
            "binary_hinge_loss takes (predictions, targets, delta, log_odds, binary); "
            "pass `binary` by name"
        )
    if log_odds is None:
        warnings.warn(
            "binary_hinge_loss interprets the predictions as log-odds. Pass "
            "log_odds=True, or log_odds=False if they are probabilities.",
            FutureWarning,
            stacklevel=2,
        )
        log_odds = True
    if not log_odds:
        predictions = T.log(predictions / (1 - predictions))
    if binary:
        targets = 2 * targets - 1
    predictions, targets = align_targets(predictions, targets)
    return T.nnet.relu(delta - predictions * targets)


def _check_ranks(predictions, targets):
    if targets.ndim not in (predictions.ndim, predictions.ndim - 1):
        raise TypeError(
            "rank mismatch between targets and predictions: they have "
            f"{targets.ndim} and {predictions.ndim} dimensions"
        )


def multiclass_hinge_loss(predictions, targets, delta=1):
    """Return by how much each row's best wrong class violates the margin *delta*.

    Parameters
    ----------
    predictions : Theano matrix
    targets : Theano vector of int, or matrix
        The right class of each row, or one-hot rows.
    delta : scalar
        The margin.
    """
    _check_ranks(predictions, targets)
    if targets.ndim == predictions.ndim - 1:
        targets = T.extra_ops.to_one_hot(targets, predictions.shape[1])
    right = targets > 0
    corrects = T.sum(T.switch(right, predictions, 0), axis=1)
    rest = T.max(T.switch(right, -float("inf"), predictions), axis=1)
    return T.nnet.relu(rest - corrects + delta)


def huber_loss(predictions, targets, delta=1):
    """Return half the square of each difference; beyond *delta*, it grows linearly."""
    predictions, targets = align_targets(predictions, targets)
    distance = abs(targets - predictions)
    return T.switch(
        distance <= delta, 0.5 * distance**2, delta * (distance - 0.5 * delta)
    )


def binary_accuracy(predictions, targets, threshold=0.5):
    """Return 1 where the thresholded prediction equals the target, else 0."""
    predictions, targets = align_targets(predictions, targets)
    return T.eq(T.ge(predictions, threshold), targets)


def categorical_accuracy(predictions, targets, top_k=1):
    """Return 1 for each row whose right class is among its *top_k* largest predictions.

    Parameters
    ----------
    predictions : Theano tensor
    targets : Theano tensor
        The right class of each row, or one-hot rows.
    top_k : int
    """
    _check_ranks(predictions, targets)
    if targets.ndim == predictions.ndim:
        targets = T.argmax(targets, axis=-1)
    if top_k == 1:
        return T.eq(T.argmax(predictions, axis=-1), targets)
    top = T.argsort(predictions, axis=-1)[..., -top_k:]
    return T.any(T.eq(top, T.shape_padaxis(targets, axis=-1)), axis=-1)


def patch():
    """Align targets in the losses of Lasagne 0.1, too."""

    @functools.wraps(objectives.squared_error)
    def squared_error(a, b):
        a, b = align_targets(a, b)
        return T.square(a - b)

    @functools.wraps(objectives.binary_crossentropy)
    def binary_crossentropy(predictions, targets):
        predictions, targets = align_targets(predictions, targets)
        return T.nnet.binary_crossentropy(predictions, targets)

    objectives.squared_error = squared_error
    objectives.binary_crossentropy = binary_crossentropy
