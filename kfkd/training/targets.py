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
from kfkd.stack.nolearn_data import n_samples
from kfkd.stack.nolearn_labels import note_classes
from kfkd.stack.nolearn_types import as_type
from kfkd.training.inputs import takes_missing

__all__ = ["as_targets", "row_weights"]

_OF_LABELS = (categorical_crossentropy, multiclass_hinge_loss)
_OF_EACH_OUTPUT = (binary_crossentropy, binary_hinge_loss, squared_error)
_OF_SHARES = (
    (binary_crossentropy, "0, 1 and what is between"),
    (
        binary_hinge_loss,
        "0 and 1; functools.partial(binary_hinge_loss, binary=False) takes -1 and 1",
    ),
)


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
    if y.dtype.kind in "OSUT" and y.size:
        first, *_ = y.ravel()[:1].tolist()
        hint = "" if net.regression else "; use_label_encoder=True takes any labels"
        raise ArgumentError(f"y holds {shown(first)}, not numbers{hint}")
    found = as_type("y", y, net.y_tensor_type("y").type)
    _note_classes(net, found)
    if found.size and net.objective is objective:  # others do what they like with y
        if found.ndim == 1 and found.dtype.kind in "iu":
            _check_labels(net, found)
        for loss, taken in _OF_SHARES:
            is_share = found.min() >= 0 and found.max() <= 1
            if net.objective_loss_function is loss and not is_share:
                raise ArgumentError(
                    f"y has values from {found.min()} to {found.max()}; "
                    f"{loss.__name__} takes {taken}"
                )
    return found


def row_weights(net, X, y):
    """Return how much each row counts in an average of losses, as an array.

    That is 1, or the number of its labels if the loss leaves missing ones out.
    """
    if takes_missing(net):
        return np.isfinite(y).reshape(len(y), -1).sum(axis=1)
    return np.ones(n_samples(X), int)


def _note_classes(net, y):
    """Note the two labels; ArgumentError for others, if they are of whole numbers."""
    known = vars(net).get("classes_", [])
    is_pair = note_classes(net, y)
    if not is_pair and net.objective is objective and y.dtype.kind in "iu":
        found, before = np.unique(y), "".join(f", here {known[0]}" for _ in known[:1])
        raise ArgumentError(
            f"y has labels from {found[0]} to {found[-1]}; one output tells 0 or -1"
            f"{before}, from 1; use_label_encoder=True takes any two"
        )


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
        if net.use_label_encoder:
            raise ArgumentError(
                f"y has {len(net.classes_)} labels; a classifier with "
                f"{count(outputs, 'output')} takes {n_classes}"
            )
        hint = "; use_label_encoder=True takes others"
        raise ArgumentError(
            f"y has labels from {y.min()} to {y.max()}; a classifier with "
            f"{count(outputs, 'output')} takes 0 to {n_classes - 1}{hint}"
        )
