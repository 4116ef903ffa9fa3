"""Targets in the type that a net computes with."""

import numpy as np
from lasagne.objectives import categorical_crossentropy

from kfkd.errors import ArgumentError
from kfkd.messages import count, shown
from kfkd.stack.nolearn_batches import makes_batches
from kfkd.stack.nolearn_types import as_dtype

__all__ = ["as_targets"]


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
    are_labels = found.ndim == 1 and found.dtype.kind in "iu"
    if are_labels and net.objective_loss_function is categorical_crossentropy:
        _check_labels(net, found)
    return found


def _check_labels(net, y):
    """Raise ArgumentError for labels that are not positions of the net's outputs."""
    classes = net._output_layers[0].output_shape[-1]
    if len(y) and not (y.min() >= 0 and y.max() < classes):
        raise ArgumentError(
            f"y has labels from {y.min()} to {y.max()}; a classifier with "
            f"{count(classes, 'output')} takes 0 to {classes - 1}, and others with "
            "use_label_encoder=True"
        )
