"""Schedules of hyperparameters: functions of the epoch and of ``max_epochs`` alone."""

import math
import numbers
from typing import Any

import numpy as np

from kfkd.arguments import check
from kfkd.callbacks.base import Callback, History
from kfkd.errors import ArgumentError

__all__ = ["AdjustVariable", "CosineAnnealing", "OneCycle", "Schedule"]


class Schedule(Callback):
    """Base class of schedules, which set a shared scalar of the net from its `name`.

    A subclass says by `value_after` what it is after each epoch.
    A net's first training begins with the value before any epoch, also if the net is a
    clone of one that has been trained.  Nothing else is kept.
    """

    name: str

    def value_after(self, epoch: int, max_epochs: int) -> float:
        """Return the value after so many epochs, 0 to `max_epochs`."""
        raise NotImplementedError

    def on_training_started(self, net: Any, train_history: History) -> None:
        """Set the variable to its first value if the net has not been trained yet.

        Raises
        ------
        ArgumentError
            If the parameter is not a shared variable of floats.
        """
        variable = self._variable(net)
        if not train_history:
            self._set(variable, 0, net.max_epochs)

    def __call__(self, net: Any, train_history: History) -> None:
        """Set the variable to its value after the epoch that has just ended."""
        self.before_next_epoch(net, train_history[-1]["epoch"])

    def before_next_epoch(self, net: Any, epoch: int) -> bool:
        """Set the variable to its value after this epoch."""
        self._set(self._variable(net), min(epoch, net.max_epochs), net.max_epochs)
        return True

    def _set(self, variable, epoch, max_epochs):
        value = self.value_after(epoch, max_epochs)
        variable.set_value(np.asarray(value, variable.dtype))

    def _variable(self, net):
        variable = getattr(net, self.name, None)
        is_shared = hasattr(variable, "set_value")
        if not (is_shared and np.issubdtype(variable.dtype, np.floating)):
            raise ArgumentError(
                f"{type(self).__name__}({self.name!r}): the net's {self.name} is "
                f"{variable!r}, but must be a shared variable of floats, as in "
                f"{self.name}=theano.shared(np.float32({self.value_after(0, 1)}))"
            )
        return variable


def _check_finite(**values):
    for name, value in values.items():
        is_valid = isinstance(value, numbers.Real) and np.isfinite(value)
        check(name, value, is_valid, "a finite number")


def _cosine(start, stop, share):
    """Return the point of half a cosine wave from start to stop."""
    return stop + (start - stop) * (1 + math.cos(math.pi * share)) / 2


class AdjustVariable(Schedule):
    """Move a hyperparameter linearly from one value to another while a net trains.

    Parameters
    ----------
    name : str
        The attribute of the net, a ``theano.shared`` scalar, such as
        ``"update_learning_rate"``.
    start, stop : float
        The values after the first epoch and after ``max_epochs``, at which it stays.

    Notes
    -----
    The tutorial's section on learning rate and momentum.  Its class keeps the
    schedule that it makes at the first call; here the value is a function of the epoch
    and of ``max_epochs`` alone.
    """

    def __init__(self, name: str, start: float = 0.03, stop: float = 0.001) -> None:
        _check_finite(start=start, stop=stop)
        self.name, self.start, self.stop = name, start, stop

    def value_after(self, epoch: int, max_epochs: int) -> float:
        """Return the value after so many epochs."""
        done, last = max(epoch - 1, 0), max_epochs - 1
        # numpy.linspace(start, stop, max_epochs)[done], to the last bit.
        step = (self.stop - self.start) / last if last else 0
        return self.stop if 0 < done == last else self.start + done * step


class CosineAnnealing(Schedule):
    """Move a hyperparameter along half a cosine wave while a net trains.

    Parameters
    ----------
    name : str
        As for `AdjustVariable`.
    start, stop : float
        The values in the first epoch and after ``max_epochs``, at which it stays.

    Notes
    -----
    Loshchilov and Hutter, "SGDR", 2017, without restarts.
    """

    def __init__(self, name: str, start: float = 0.03, stop: float = 0.0) -> None:
        _check_finite(start=start, stop=stop)
        self.name, self.start, self.stop = name, start, stop

    def value_after(self, epoch: int, max_epochs: int) -> float:
        """Return the value after so many epochs."""
        return _cosine(self.start, self.stop, epoch / max_epochs)


class OneCycle(Schedule):
    """Raise a hyperparameter to a peak, then lower it, each along half a cosine wave.

    Parameters
    ----------
    name : str
        As for `AdjustVariable`.
    peak : float
    start : float, optional
        The value in the first epoch; by default a 25th of the peak.
    stop : float, default=0
        The value after ``max_epochs``, at which it stays.
    warmup : float, default=0.3
        The share of ``max_epochs`` after which the peak is reached, from 0 to 1.

    Notes
    -----
    Smith, "Super-convergence", 2018; ``torch.optim.lr_scheduler.OneCycleLR`` by epochs.
    """

    def __init__(
        self,
        name: str,
        peak: float,
        start: float | None = None,
        stop: float = 0.0,
        warmup: float = 0.3,
    ) -> None:
        _check_finite(peak=peak)
        start = peak / 25 if start is None else start
        _check_finite(start=start, stop=stop)
        is_share = isinstance(warmup, numbers.Real) and 0 <= warmup <= 1
        check("warmup", warmup, is_share, "from 0 to 1")
        self.name, self.peak, self.start, self.stop = name, peak, start, stop
        self.warmup = warmup

    def value_after(self, epoch: int, max_epochs: int) -> float:
        """Return the value after so many epochs."""
        share, warmup = epoch / max_epochs, self.warmup
        if share < warmup:
            return _cosine(self.start, self.peak, share / warmup)
        rest = 1 - warmup
        return _cosine(self.peak, self.stop, (share - warmup) / rest if rest else 0)
