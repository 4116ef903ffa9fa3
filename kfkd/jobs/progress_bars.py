"""Progress bars and logs of several trainings that run at the same time."""

import contextlib
import math
import sys
import threading

import numpy as np

from kfkd import messages as words
from kfkd import progress
from kfkd.callbacks import TABLE_HEAD, table_row
from kfkd.callbacks.time_left import is_worth_telling, usual_duration

__all__ = ["ProgressBars"]


class ProgressBars:
    """Show a bar for each training, or print a line every some epochs.

    Bars are shown on terminals and in notebooks. Lines are printed unless they would
    come between the bars of a terminal.

    Parameters
    ----------
    epochs : dict of str to int
        The largest number of epochs of each training.
    log : callable
        Returns the path of a training's log for its name.
    every : int
        How many epochs lie between two lines.
    rows : dict of str to int
        How many rows each is trained on.
    n_jobs : int
        How many are trained at the same time.
    """

    def __init__(self, epochs, log, every, rows, n_jobs):
        self.epochs, self.log, self.every = epochs, log, every
        self._rows, self._n_jobs = rows, min(n_jobs, len(epochs))
        self._durations = {name: [] for name in epochs}
        self._out = sys.stdout
        self._lock = threading.Lock()
        self._width = max(map(len, epochs), default=0)
        self._written = dict.fromkeys(epochs, 0)
        self._best = dict.fromkeys(epochs, math.inf)
        notebook = progress.in_notebook()
        self._prints = notebook or not (progress.is_shown() and self._out.isatty())
        self._bars = {
            name: progress.Bar(
                f"{name:{self._width}}",
                total,
                shown=progress.keep_apart(),
                delay=0,
                position=position,
                speed=False,
                leave=not notebook,  # where the lines stay
            )
            for position, (name, total) in enumerate(epochs.items())
        }

    def report(self, name, news):
        """Show that a training starts, or a row of its history.

        `news` is either the ``head`` of its log, or an epoch's ``epoch``,
        ``train_loss``, ``valid_loss`` and ``dur``.
        """
        with self._lock:
            if "head" in news:
                self._start(name, news["head"])
            else:
                self._epoch(name, news)

    def _start(self, name, head):
        self._log(name, f"{head}\n\n{TABLE_HEAD}\n", "w")
        self._written[name] = 0
        if name in self._bars:
            self._bars[name].reset()  # its waiting time does not count

    def _epoch(self, name, row):
        self._log(name, table_row(row) + "\n")
        epoch = self._written[name] = row["epoch"]
        self._best[name] = best = np.fmin(self._best[name], row["valid_loss"])
        if self._durations is not None:
            self._print_time_left(name, row["dur"])
        if name in self._bars:
            self._bars[name].update(note=f"valid {best:.6f}")
        if epoch % self.every == 0:
            self._print(
                f"{name:{self._width}} {epoch:>5}/{self.epochs[name]}  "
                f"train {row['train_loss']:.6f}  valid {row['valid_loss']:.6f}"
            )

    def _print_time_left(self, name, duration):
        """Print once how long all of them still take, if that is some minutes."""
        durations = self._durations[name]
        durations.append(duration)
        usual = usual_duration(durations[1:])  # the first epoch compiles
        if usual is None:
            return
        self._durations = None
        images = sum(
            self._rows[other] * (epochs - self._written[other])
            for other, epochs in self.epochs.items()
        )
        left = usual / self._rows[name] * images / self._n_jobs
        if is_worth_telling(left):
            line = f"About {words.duration(left)} left at most for all of them."
            progress.write(line, sys.stderr)

    def finish(self, name, history, note):
        """Complete the log and the bar of a training that has ended.

        Parameters
        ----------
        name : str
        history : list of dict
            The whole of it, as reports of some epochs may be missing.
        note : str
            The last lines of the log. The first one is printed, too.
        """
        with self._lock:
            missing = history[self._written[name] :]
            if len(missing) == len(history) > 0:
                self._start(name, "")
            rows = "".join(f"{table_row(row)}\n" for row in missing)
            self._log(name, f"{rows}\n{note}\n")
            first, *_ = note.splitlines()
            if name in self._bars:
                self._bars[name].update(len(missing), first.partition(" at epoch")[0])
            self._print(f"{name:{self._width}} {first}")

    def _log(self, name, text, mode="a"):
        # An error here, such as a full disk, must not abort training.
        with (
            contextlib.suppress(OSError),
            open(self.log(name), mode, encoding="utf-8") as file,
        ):
            file.write(text)

    def _print(self, line):
        if self._prints:
            print(line, file=self._out, flush=True)

    def close(self):
        """Close the bars."""
        with self._lock:
            for bar in self._bars.values():
                bar.close()
            self._bars = {}
