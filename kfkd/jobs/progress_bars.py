"""How far several trainings that run at the same time have come."""

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
    """Show a bar for each training, or print a line now and then.

    Bars are shown on terminals and in notebooks, lines printed unless they would come
    between the bars of a terminal.

    Parameters
    ----------
    epochs : dict of str to int
        How many epochs each training may last.
    log : callable
        Gives the path of a training's log for its name.
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
        """Take news of a training: that it starts, or an epoch's row of its history."""
        with self._lock:
            if "head" in news:
                self._start(name, news["head"])
            else:
                self._epoch(name, news)

    def _start(self, name, head):
        self._log(name, f"{head}\n\n{TABLE_HEAD}\n", "w")
        self._written[name] = 0
        if name in self._bars:
            self._bars[name].reset()  # the time it has waited does not count

    def _epoch(self, name, row):
        self._log(name, table_row(row) + "\n")
        epoch = self._written[name] = row["epoch"]
        self._best[name] = best = np.fmin(self._best[name], row["valid_loss"])
        if self._durations is not None:
            self._tell_time_left(name, row["dur"])
        if name in self._bars:
            self._bars[name].update(note=f"valid {best:.6f}")
        if epoch % self.every == 0:
            self._say(
                f"{name:{self._width}} {epoch:>5}/{self.epochs[name]}  "
                f"train {row['train_loss']:.6f}  valid {row['valid_loss']:.6f}"
            )

    def _tell_time_left(self, name, duration):
        """Tell, once, how long all of them still take, if it is some minutes."""
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
        """Complete the log of a training that has ended, and say so.

        Parameters
        ----------
        name : str
        history : list of dict
            Its whole history: news may not have come through.
        note : str
            What there is to say at the end.
        """
        with self._lock:
            missing = len(history) - self._written[name]
            if missing > 0:
                if not self._written[name]:
                    self._start(name, "")
                for row in history[self._written[name] :]:
                    self._log(name, table_row(row) + "\n")
            self._log(name, f"\n{note}\n")
            first, *_ = note.splitlines()
            if name in self._bars:
                self._bars[name].update(missing, first.partition(" at epoch")[0])
            self._say(f"{name:{self._width}} {first}")

    def _log(self, name, text, mode="a"):
        # Training goes on without a log if, say, the disk is full.
        with (
            contextlib.suppress(OSError),
            open(self.log(name), mode, encoding="utf-8") as file,
        ):
            file.write(text)

    def _say(self, line):
        if self._prints:
            print(line, file=self._out, flush=True)

    def close(self):
        """End the bars."""
        with self._lock:
            for bar in self._bars.values():
                bar.close()
            self._bars = {}
