"""Targets in the type that a net computes with."""

import numpy as np
from lasagne.objectives import (
    binary_crossentropy,
    binary_hinge_loss,
    categorical_crossentropy,
    multiclass_hinge_loss,
    squared_error,
)
from nolearn.lasagne import objective

from kfkd.errors import ArgumentError
from kfkd.messages import count, shown
from kfkd.stack.nolearn_batches import makes_batches
from kfkd.stack.nolearn_types import as_dtype

__all__ = ["as_targets"]

_OF_LABELS = (categorical_crossentropy, multiclass_hinge_loss)
_OF_EACH_OUTPUT = (binary_crossentropy, binary_hinge_loss, squared_error)


def as_targets(net, y):
    """Return targets as an array of the type that a net takes.

    That is ``y_tensor_type``: by default floats, or labels of 32 bits.  Those from
    which an iterator of a user's own makes targets stay as they are.

    Raises
    ------
    ArgumentError
        If `y` has another number of dimensions, a value that would be changed, or a
        label that is not the position of an output.
    """
    if makes_batches(net):
        return y
    wanted = net.y_tensor_type("y").type
    if y.dtype.kind in "OSUT" and y.size:
        hint = "" if net.regression else "; use_label_encoder=True takes any labels"
        raise ArgumentError(f"y holds {shown(y.flat[0])}, not numbers{hint}")
    if y.ndim != wanted.ndim:
        hint = "; y.ravel() has one" if wanted.ndim == 1 and y.size == len(y) else ""
        raise ArgumentError(
            f"y has the shape {y.shape}; the net takes an array of "
            f"{count(wanted.ndim, 'dimension')}{hint}"
        )
    found = as_dtype("y", y, np.dtype(wanted.dtype))
    if found.size and net.objective is objective:  # others do what they like with y
        if found.ndim == 1 and found.dtype.kind in "iu":
            _check_labels(net, found)
        is_share = found.min() >= 0 and found.max() <= 1
        if net.objective_loss_function is binary_crossentropy and not is_share:
            raise ArgumentError(
                f"y has values from {found.min()} to {found.max()}; "
                "binary_crossentropy takes 0, 1 and what is between"
            )
    return found


def _check_labels(net, y):
    """Raise ArgumentError for labels that are not positions of the net's outputs."""
    loss, outputs = net.objective_loss_function, net._output_layers[0].output_shape[-1]
    if loss in _OF_EACH_OUTPUT and outputs > 1:
        raise ArgumentError(
            f"y has labels, where {loss.__name__} compares each of the {outputs} "
            "outputs with a target of its own: for labels take "
            "categorical_crossentropy, for targets y_tensor_type=theano.tensor.imatrix"
        )
    if loss not in _OF_LABELS and not net.use_label_encoder:
        return  # others do with them what they like
    n_classes = max(outputs, 1 if loss in _OF_LABELS else 2)
    if not (y.min() >= 0 and y.max() < n_classes):
        hint = "; use_label_encoder=True takes others" * (not net.use_label_encoder)
        raise ArgumentError(
            f"y has labels from {y.min()} to {y.max()}; a classifier with "
            f"{count(outputs, 'output')} takes 0 to {n_classes - 1}{hint}"
        )
