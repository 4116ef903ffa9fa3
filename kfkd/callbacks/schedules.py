"""Schedules of hyperparameters."""

import numbers
from typing import Any

import numpy as np

from kfkd.arguments import check
from kfkd.callbacks.base import Callback, History
from kfkd.errors import ArgumentError

__all__ = ["AdjustVariable"]


class AdjustVariable(Callback):
    """Move a hyperparameter linearly from one value to another while a net trains.

    Parameters
    ----------
    name : str
        The attribute of the net, a ``theano.shared`` scalar, such as
        ``"update_learning_rate"``.
    start, stop : float
        The values after the first epoch and after ``max_epochs``, at which it stays.
        A net's first training begins at `start`, also if the net is a clone of one that
        has been trained.

    Notes
    -----
    The tutorial's section on learning rate and momentum.  Its class keeps the
    schedule that it makes at the first call; here the value is a function of the epoch
    and of ``max_epochs`` alone.
    """

    def __init__(self, name: str, start: float = 0.03, stop: float = 0.001) -> None:
        for argument, value in (("start", start), ("stop", stop)):
            is_valid = isinstance(value, numbers.Real) and np.isfinite(value)
            check(argument, value, is_valid, "a finite number")
        self.name, self.start, self.stop = name, start, stop

    def on_training_started(self, net: Any, train_history: History) -> None:
        """Set the variable to its start if the net has not been trained yet.

        Raises
        ------
        ArgumentError
            If the parameter is not a shared variable of floats.
        """
        variable = self._variable(net)
        if not train_history:
            variable.set_value(np.asarray(self.start, variable.dtype))

    def __call__(self, net: Any, train_history: History) -> None:
        """Set the variable to its value after the epoch that has just ended."""
        self.before_next_epoch(net, train_history[-1]["epoch"])

    def before_next_epoch(self, net: Any, epoch: int) -> bool:
        """Set the variable to its value after this epoch."""
        done = min(epoch, net.max_epochs) - 1
        last = net.max_epochs - 1
        # numpy.linspace(start, stop, max_epochs)[done], to the last bit.
        step = (self.stop - self.start) / last if last else 0
        value = self.stop if 0 < done == last else self.start + done * step
        variable = self._variable(net)
        variable.set_value(np.asarray(value, variable.dtype))
        return True

    def _variable(self, net):
        variable = getattr(net, self.name, None)
        is_shared = hasattr(variable, "set_value")
        if not (is_shared and np.issubdtype(variable.dtype, np.floating)):
            raise ArgumentError(
                f"AdjustVariable({self.name!r}): the net's {self.name} is {variable!r}"
                f", but must be a shared variable of floats, as in {self.name}="
                f"theano.shared(np.float32({self.start}))"
            )
        return variable
