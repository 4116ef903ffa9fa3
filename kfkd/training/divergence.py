"""What to say of a training that diverges."""

import numpy as np
from lasagne.objectives import binary_crossentropy, categorical_crossentropy

from kfkd.stack.nolearn_labels import gives_probabilities

__all__ = ["explain"]


def explain(net, data, row):
    """Return what has happened in an epoch whose loss is not finite, and what to do.

    `data` are the (X, y) of the training, `row` is that of its history.
    """
    text = (
        f"In epoch {row['epoch']}, the loss has become {row['train_loss']} "
        f"(validation: {row['valid_loss']}). The net has the weights from before "
        f"that epoch. {_advice(net)}"
    )
    for name, part in zip("Xy", data, strict=True):
        if isinstance(part, np.ndarray) and part.dtype.kind == "f":
            values = np.abs(np.nan_to_num(part))  # where labels are missing
            largest = values.reshape(len(part), -1).max(axis=1)
            row, usual = largest.argmax(), np.median(largest)
            if largest[row] > 100 * usual:
                text += (
                    f". Row {row} of {name} has values up to {largest[row]:g}, "
                    f"where {usual:g} is usual"
                )
    return text


def _advice(net):
    """Return what may help a training that diverges."""
    made_for_probabilities = (categorical_crossentropy, binary_crossentropy)
    if net.objective_loss_function in made_for_probabilities and any(
        not gives_probabilities(layer) for layer in net._output_layers
    ):
        loss = net.objective_loss_function.__name__
        return (
            f"The loss, {loss}, takes the logarithm of the outputs, which are no "
            "probabilities: give the output layer nonlinearity="
            "lasagne.nonlinearities.softmax (or sigmoid, for one of two classes)"
        )
    rate = getattr(net, "update_learning_rate", None)
    rate = rate.get_value() if hasattr(rate, "get_value") else rate
    it_was = f"; it was {rate:g}" if isinstance(rate, (float, np.ndarray)) else ""
    return f"Try a smaller update_learning_rate{it_was}"
