"""Training histories: best epoch, RMSE in pixels, durations.

A history is what nolearn keeps as ``net.train_history_``: a dict for each epoch, with
``epoch``, ``train_loss``, ``valid_loss`` and ``dur``.
"""

import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from kfkd.data.columns import SIDE

__all__ = ["Result", "best_epoch", "to_loss", "to_rmse", "weighted_mean"]

_SCALE = SIDE / 2  # pixels for each unit of a coordinate in [-1, 1]


def to_rmse(loss: ArrayLike) -> np.floating | np.ndarray:
    """Convert mean squared errors of coordinates in [-1, 1] to RMSE in pixels.

    A loss that is negative, infinite or NaN becomes NaN.
    """
    loss = np.asarray(loss, dtype=float)
    return _SCALE * np.sqrt(np.where((loss >= 0) & (loss < np.inf), loss, np.nan))


def to_loss(rmse: ArrayLike) -> np.floating | np.ndarray:
    """Convert RMSE in pixels to mean squared errors: the inverse of `to_rmse`."""
    return (np.asarray(rmse) / _SCALE) ** 2


def best_epoch(history: Sequence[dict]) -> dict:
    """Return the row with the lowest validation loss, the first of equal ones.

    A loss that is NaN is higher than any number.
    """
    return min(history, key=lambda row: np.nan_to_num(row["valid_loss"], nan=np.inf))


class Result:
    """Summary of a training.

    Parameters
    ----------
    net : NeuralNet
        With a ``train_history_`` of at least one epoch.

    Attributes
    ----------
    history : list of dict
    last, best : dict
        Its last row, and that with the lowest validation loss.
    seconds : float
        Of all epochs.
    epoch_seconds : float
        Of the median epoch.  The first includes compilation, and counts only if there
        is no other.
    """

    def __init__(self, net):
        self.history = net.train_history_
        self.last = self.history[-1]
        self.best = best_epoch(self.history)
        durations = [row["dur"] for row in self.history]
        self.seconds = sum(durations)
        self.epoch_seconds = statistics.median(durations[1:] or durations)

    @property
    def rmse(self) -> float:
        """RMSE in pixels of the best epoch, in validation."""
        return float(to_rmse(self.best["valid_loss"]))

    def at(self, epoch: int) -> dict | None:
        """Return the row of an epoch, or None if training ended sooner."""
        return self.history[epoch - 1] if epoch <= len(self.history) else None


def weighted_mean(specialists: Mapping) -> float:
    """Return the mean of specialists' best RMSE in pixels, weighted by columns."""
    errors = [Result(net).rmse for net in specialists.values()]
    return float(np.average(errors, weights=[len(columns) for columns in specialists]))
