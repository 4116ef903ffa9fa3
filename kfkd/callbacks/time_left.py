"""Estimate of the time left, printed once after the first epochs."""

import itertools
import signal
import statistics
import sys
import threading
import time
from typing import Any

from kfkd import progress
from kfkd.callbacks.base import Callback, History
from kfkd.callbacks.progress import PrintTables
from kfkd.callbacks.schedules import AdjustVariable, CosineAnnealing, OneCycle
from kfkd.messages import duration
from kfkd.xla import describe_device

__all__ = ["TimeLeft", "is_worth_telling", "usual_duration"]

# Epochs and seconds that an estimate needs. One epoch suffices if it takes _LONG.
_EPOCHS, _SECONDS, _LONG = 3, 2.0, 20.0
# Seconds of training that are worth a line.
_WORTH = 180.0


def usual_duration(durations: list[float]) -> float | None:
    """Return how long an epoch usually takes, or None if that is not known yet.

    The durations are those of the epochs after the first, in which all is compiled.
    """
    few = len(durations) < _EPOCHS and min(durations, default=0) < _LONG
    if few or sum(durations) < _SECONDS:
        return None
    return statistics.median(durations)


def is_worth_telling(seconds: float) -> bool:
    """Return whether a training of so many seconds takes some minutes."""
    return seconds >= _WORTH


class TimeLeft(Callback):
    """Print how long a training will take, if it is some minutes.

    The line goes to standard error: what is on standard output stays the tutorial's
    table, unbroken where it is redirected.
    """

    supports_overlap = True

    def __init__(self) -> None:
        self._ends: list[float] | None = []

    def on_training_started(self, net: Any, train_history: History) -> None:
        """Forget any earlier training."""
        self._ends = []

    def __call__(self, net: Any, train_history: History) -> None:
        """Print the estimate after the first epochs that suffice for it."""
        if self._ends is None:
            return
        self._ends.append(time.monotonic())
        # From the end of the first epoch on, as all is compiled in it.
        pairs = itertools.pairwise(self._ends)
        usual = usual_duration([end - start for start, end in pairs])
        if usual is None:
            return
        self._ends = None
        left = usual * (self.loop.last - train_history[-1]["epoch"])
        if is_worth_telling(left):
            progress.write(self._line(left), sys.stderr)

    def _line(self, left):
        line = f"About {duration(left)} left"
        if not all(map(_never_stops, self.loop.callbacks)):
            line += " at most"
        kind = "CPU" if describe_device().startswith("cpu") else "GPU"
        line += f" on this {kind}"
        if _is_interruptible():
            files = [getattr(c, "saves_to", None) for c in self.loop.callbacks]
            kept = next(filter(None, files), "the net")
            key = "interrupting the kernel" if progress.in_notebook() else "Ctrl-C"
            line += f"; {key} keeps what is learnt in {kept}"
        return line + "."


def _never_stops(callback):
    """Return whether a callback surely never ends training early."""
    kinds = (AdjustVariable, CosineAnnealing, OneCycle, PrintTables, TimeLeft)
    return type(callback) in kinds or getattr(callback, "time_limit", 0) is None


def _is_interruptible():
    main = threading.current_thread() is threading.main_thread()
    return main and callable(signal.getsignal(signal.SIGINT))
