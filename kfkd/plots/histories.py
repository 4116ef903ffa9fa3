"""Learning curves of trainings, as errors in pixels."""

from typing import NamedTuple

import numpy as np

from kfkd.errors import PlotError
from kfkd.history import to_rmse
from kfkd.messages import shown

__all__ = ["Curves", "best", "group_name", "mean_curve", "read_curves", "stretch"]


class Curves(NamedTuple):
    """Errors in pixels over epochs; NaN where there is none that is a number."""

    epochs: np.ndarray
    train: np.ndarray
    valid: np.ndarray


def read_curves(net, name):
    """Return the learning curves of a net.

    Raises
    ------
    PlotError
        There are none.
    """
    history = getattr(net, "train_history_", net)
    if not isinstance(history, (list, tuple)):
        raise PlotError(
            f"{name} is {shown(net)}, neither a net nor the train_history_ of one"
        )
    if not history:
        raise PlotError(f"{name} has no learning curves: it has not been trained")
    try:
        rows = [(row["epoch"], row["train_loss"], row["valid_loss"]) for row in history]
        epochs, train, valid = np.array(rows, dtype=float).T
    except (KeyError, TypeError, ValueError):
        raise PlotError(
            f"the history of {name} does not consist of rows with epoch, train_loss "
            "and valid_loss"
        ) from None
    curves = Curves(epochs, to_rmse(train), to_rmse(valid))
    if not np.isfinite([curves.train, curves.valid]).any():
        raise PlotError(f"no loss of {name} is a number: its training has failed")
    return curves


def best(curves):
    """Return the lowest validation error in brackets, for a legend."""
    if not np.isfinite(curves.valid).any():
        return " (no validation)"
    at = np.nanargmin(curves.valid)
    return f" (best {curves.valid[at]:.2f}, epoch {curves.epochs[at]:,.0f})"


def stretch(curves):
    """Return curves over the share of a training in percent; of one epoch, level."""
    if len(curves.epochs) == 1:
        curves = Curves(*(np.repeat(values, 2) for values in curves))
    return curves._replace(epochs=np.linspace(0, 100, len(curves.epochs)))


def mean_curve(found):
    """Return the validation errors of stretched curves, weighted by columns."""
    grid = np.linspace(0, 100, max(101, *(len(c.epochs) for c in found.values())))
    errors = [np.interp(grid, c.epochs, c.valid) for c in found.values()]
    return grid, np.average(errors, axis=0, weights=[len(columns) for columns in found])


def group_name(columns):
    """Return a readable name for a group of target columns.

    >>> group_name(("left_eye_center_x", "left_eye_center_y",
    ...             "right_eye_center_x", "right_eye_center_y"))
    'eye centers'
    """
    names = [name[:-2].replace("_", " ") for name in columns]
    for pair in ({"left", "right"}, {"inner", "outer"}):
        merged = {}
        for name in names:
            without = " ".join(word for word in name.split() if word not in pair)
            merged.setdefault(without, set()).add(name)
        names = [
            f"{without.removesuffix('s')}s" if len(group) > 1 else group.pop()
            for without, group in merged.items()
        ]
    return ", ".join(names).replace("mouth center ", "")
