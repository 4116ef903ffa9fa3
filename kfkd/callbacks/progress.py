"""The printed log: the layers, and a table of the epochs."""

import math
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from kfkd import progress
from kfkd.callbacks.base import Callback, History
from kfkd.xla import describe_device

__all__ = ["TABLE_HEAD", "PrintTables", "score_columns", "table_row"]

TABLE_HEAD = """\
 Epoch  |  Train loss  |  Valid loss  |  Train / Val
--------|--------------|--------------|---------------"""


def table_row(row: dict[str, Any], columns: Iterable[str] = ()) -> str:
    """Return the line of the table for an epoch.

    Parameters
    ----------
    row : dict
        Of ``train_history_``.
    columns : sequence of str, default=()
        Its further keys that the table shows, as from `score_columns`.
    """
    train, valid = row["train_loss"], row["valid_loss"]
    ratio = train / valid if valid else math.nan
    line = f"{row['epoch']:>6}  | {train:>11.6f}  | {valid:>11.6f}  | {ratio:>12.6f}"
    for column in columns:
        line += f"  | {_number(row.get(column, math.nan)):>{_width(column) + 1}}"
    return line


def score_columns(net: Any) -> list[str]:
    """Return the keys of a history's rows that are scores: the table shows them too."""
    scores = [*(net.custom_scores or ()), *net.scores_train, *net.scores_valid]
    accuracy = [] if net.regression else ["valid_accuracy"]
    return [*dict.fromkeys(accuracy + [name for name, _ in scores])]


def _head(columns):
    names, rule = TABLE_HEAD.splitlines()
    for column in columns:
        heading = "Valid acc" if column == "valid_accuracy" else column
        names += f"  |  {heading:>{_width(column)}}"
        rule += "|" + "-" * (_width(column) + 4)
    return f"{names}\n{rule}"


def _width(column):
    return 10 if column == "valid_accuracy" else max(10, len(column))


def _number(value):
    value = np.asarray(value)
    if not value.ndim:
        return f"{value:.6f}"
    return np.array2string(value.ravel(), precision=4, threshold=6, edgeitems=2)


class PrintTables(Callback):
    """Print the layers of a net and a row for each epoch, as in the tutorial.

    On a terminal, and in a notebook, a clock runs while all is compiled, and then a bar
    shows how long training still takes.

    Parameters
    ----------
    every : int, default=1
        Print every so many epochs, and the last.
    """

    supports_overlap = True

    def __init__(self, every: int = 1) -> None:
        self.every = every
        self._columns: list[str] = []
        self._clock: progress.Bar | None = None
        self._bar: progress.Bar | None = None

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_clock": None, "_bar": None}

    def on_training_started(self, net: Any, train_history: History) -> None:
        """Print the device, the layers, and the head of the table."""
        print(f"Training on {describe_device()}")
        for layer in net.layers_.values():
            shape = layer.output_shape
            n = math.prod(shape[1:])
            print(f"  {type(layer).__name__:<18} {shape!s:<20} produces {n:>7} outputs")
        print()
        self._columns = score_columns(net)
        print(_head(self._columns))
        sys.stdout.flush()
        self.printed = len(train_history)
        # Functions are compiled when the first epoch needs them.
        self._clock = progress.Bar("compiling, first epoch")

    def __call__(self, net: Any, train_history: History) -> None:
        """Print the row of the epoch if it is its turn."""
        row = train_history[-1]
        if self._clock is not None:
            self._clock.close()
            self._clock = None
            # From here on, so that the time left is reckoned from epochs alone.
            done = len(train_history) - self.loop.first
            self._bar = progress.Bar(
                "",
                net.epochs_,
                shown=progress.keep_apart(),
                initial=done,
                speed=False,
            )
        elif self._bar is not None:
            self._bar.update(note=_losses(row))
        if row["epoch"] % self.every == 0:
            self._print_row(train_history)

    def _print_row(self, train_history):
        self.printed = train_history[-1]["epoch"]
        progress.write(table_row(train_history[-1], self._columns))

    def complete(self, train_history: History) -> None:
        """Print the row of the latest epoch if it has not been printed."""
        if train_history and train_history[-1]["epoch"] > self.printed:
            self._print_row(train_history)

    def on_training_finished(self, net: Any, train_history: History) -> None:
        """Print the last row if it has not been, and end the bar."""
        for bar in (self._clock, self._bar):
            if bar is not None:
                bar.close()
        self._clock = self._bar = None
        self.complete(train_history)


def _losses(row):
    return f"train {row['train_loss']:.6f}, valid {row['valid_loss']:.6f}"
