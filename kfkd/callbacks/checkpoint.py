"""Checkpoints: all that the rest of a training depends on, saved while it lasts."""

import os
import pathlib
import time
import warnings
from typing import Any

from kfkd.arguments import as_path, positive, whole
from kfkd.callbacks.base import Callback, History
from kfkd.callbacks.checkpoint_files import CheckpointFiles
from kfkd.callbacks.progress import PrintTables
from kfkd.callbacks.time_left import TimeLeft
from kfkd.errors import CheckpointError, StorageError
from kfkd.files.net_files import stem
from kfkd.training import state
from kfkd.training.changes import changes
from kfkd.training.fingerprint import differences

__all__ = ["Checkpoint", "CheckpointError", "fit_with"]

# Copying the state takes at most one part in so many of the time; so does saving it.
_PARTS = 150
# Seconds between two copies of the state, made on the device, so that one is at hand
# when training is interrupted.
_PAUSE = 1.0


class Checkpoint(Callback):
    """Save all that the rest of a training depends on, to resume it later.

    A training that is killed and resumed gives the numbers and the weights, bit for
    bit, of one that was not, on the same device with the same versions of the packages.
    The state is saved after each epoch at which it is due.  When training ends early,
    by Ctrl-C, by an error or by `time_limit`, the state after the latest epoch, or
    after one shortly before, is saved too.

    It is given to ``fit`` of a :class:`kfkd.estimator.NeuralNet`.  It may stand in
    ``on_epoch_finished`` as well.  It is the last one called then, and is not saved
    with the net.

    Parameters
    ----------
    path : path
        The file.  The one before it is kept as well, with ``.previous`` before its
        ending, and is used if the last is damaged.
    epochs : int, optional
        Save after every so many epochs.
    minutes : float, optional
        Save after the first epoch that ends so long after the latest one was saved, or
        150 times as long as that has taken.
    resume : bool, default=False
        Resume from the file, if there is one.
    time_limit : float, optional
        Minutes from the start of the training.  It ends before an epoch that would
        pass them, and the state is saved.

    Attributes
    ----------
    out_of_time : bool
        Whether the latest training was ended by `time_limit`.
    resumed : int
        The epoch from which the latest training was resumed; 0 if it was not.

    Raises
    ------
    CheckpointError
        When training starts, if it cannot be resumed from the file: because both files
        are damaged, or because the data, the definition of the net, its callbacks, the
        number of epochs, the seed or the initial weights differ.  The files stay as
        they are.
    ArgumentError
        `path` is not a path, `epochs` not a whole number of at least 1, or a time not
        more than 0.
    """

    runs_last = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        epochs: int | None = None,
        minutes: float | None = None,
        resume: bool = False,
        time_limit: float | None = None,
    ) -> None:
        self.path = as_path(path)
        if epochs is not None:
            whole("epochs", epochs, least=1)
        if minutes is not None:
            positive("minutes", minutes)
        if time_limit is not None:
            positive("time_limit", time_limit)
        self.epochs, self.minutes = epochs, minutes
        self.resume, self.time_limit = resume, time_limit
        self.out_of_time, self.resumed = False, 0
        self._state = None

    @classmethod
    def beside(cls, out: str | os.PathLike[str], **options: Any) -> "Checkpoint":
        """Return the checkpoint of a training whose result goes into a file.

        Parameters
        ----------
        out : path
            ``net6.pickle`` has its checkpoint in ``net6.checkpoint``.
        **options
            As for the class.
        """
        return cls(as_path(out, "out").with_name(f"{stem(out)}.checkpoint"), **options)

    @property
    def saves_to(self) -> pathlib.Path:
        """The path of the file."""
        return self.path

    @property
    def files(self) -> CheckpointFiles:
        """The file, and those beside it."""
        return CheckpointFiles(self.path)

    def remove(self) -> None:
        """Delete the files, as when the net has been saved."""
        self.files.remove()

    def on_training_started(self, net: Any, train_history: History) -> None:
        """Describe what is trained on what, and resume if asked to."""
        self.out_of_time, self.resumed = False, 0
        self._state = None
        self.files.prepare(replace=not self.resume)
        own = (Checkpoint, PrintTables, TimeLeft)
        self._others = [c for c in self.loop.callbacks if not isinstance(c, own)]
        self._definition = state.definition(net, self._others, self.loop)
        self._data = state.fingerprint(self.loop)
        if self.resume:
            self._resume(net)
        self._begun = self._saved = self._ended = time.monotonic()
        self._next, self._longest, self._cost = self._begun, 0.0, 0.0
        self._passed = 0

    def before_next_epoch(self, net: Any, epoch: int) -> bool:
        """Allow the next epoch to start if nothing is to be done after this one."""
        now = time.monotonic()
        # This epoch has yet to end, and the next would be under way.
        passes = not (
            self._is_due(epoch, now)
            or now >= self._next
            or self._is_over(now + self._longest)
        )
        if passes:
            self._passed = epoch
        return passes

    def __call__(self, net: Any, train_history: History) -> None:
        """Save the state if it is time to, and end training if there is none left."""
        now, epoch = time.monotonic(), train_history[-1]["epoch"]
        self._longest = max(self._longest, now - self._ended)
        self._ended = now
        if epoch == self._passed:
            return
        self.out_of_time = self._is_over(now) and len(train_history) < self.loop.last
        due = self._is_due(epoch, now)
        if due or self.out_of_time or now >= self._next:
            self._capture(net)
            taken = time.monotonic()
            self._next = taken + max(_PAUSE, _PARTS * (taken - now))
        if due:
            self._save()
        if self.out_of_time:
            raise StopIteration

    def _is_due(self, epoch, now):
        return (self.epochs and epoch % self.epochs == 0) or (
            self.minutes
            and now - self._saved >= max(60 * self.minutes, _PARTS * self._cost)
        )

    def _is_over(self, now):
        """Return whether the epoch that begins now would pass the limit."""
        limit = self.time_limit
        return limit is not None and now - self._begun + self._longest > 60 * limit

    def on_training_finished(self, net: Any, train_history: History) -> None:
        """Save the latest state at hand, unless training has come to its end."""
        complete = len(train_history) >= self.loop.last or self.loop.stopped
        if self._state is not None and (not complete or self.out_of_time):
            self._save()
        self._state = None

    def _capture(self, net):
        about, packed, problems = state.capture(net, self._others, self.loop)
        for problem in problems:
            _warn(problem)
        self._state = about, packed

    def _save(self):
        about, packed = self._state
        about |= {
            "definition": self._definition,
            "data": self._data,
            "versions": state.versions(),
        }
        start = time.monotonic()
        try:
            self.files.write(packed, about)
        except (OSError, StorageError) as error:  # which must not abort training
            _warn(error)
        self._saved, self._state = time.monotonic(), None
        self._cost = self._saved - start

    def _resume(self, net):
        read, problem = self.files.read()
        if problem:
            _warn(problem)
        if read is None:
            return
        path, (packed, about) = read
        others = changes(about["definition"], self._definition)
        if others:
            raise CheckpointError(
                f"{path} is from a training that was set up differently: "
                f"{'; '.join(others)}. Set up the same to resume it, or begin anew"
            )
        if about["data"] != self._data:
            raise CheckpointError(
                f"{path} is from a training on other data; use the same data to resume "
                "it, or begin anew"
            )
        try:
            state.restore(net, self._others, self.loop, about, packed)
        except Exception as error:
            raise CheckpointError(f"{path} does not fit the net: {error}") from error
        self.resumed = len(about["history"])
        if net.verbose:
            print(f"Resuming after epoch {self.resumed}, from {path}")
            versions = state.versions()
            others = list(differences(about["versions"], versions))
            if others:
                print(
                    "The numbers may not be those of an uninterrupted training: "
                    + "; ".join(f"{k} was {was}, is {now}" for k, was, now in others)
                )


def fit_with(checkpoint: Checkpoint, net: Any, X: Any, y: Any, **options: Any) -> None:
    """Train a net, anew if its checkpoint is damaged or of another training.

    That checkpoint is moved aside, with a warning.  The options are those of
    ``net.fit``.
    """
    try:
        net.fit(X, y, checkpoint=checkpoint, **options)
    except CheckpointError as error:
        moved = " and ".join(map(str, checkpoint.files.move_aside()))
        _warn(f"{error}. It begins anew, and that is kept as {moved}")
        net.fit(X, y, checkpoint=checkpoint, **options)


def _warn(what):
    warnings.warn(f"Checkpoint: {what}", RuntimeWarning, stacklevel=2)
