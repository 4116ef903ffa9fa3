"""Worker: the training of one specialist, in whichever process it runs."""

import copy
import dataclasses
import functools
import multiprocessing
import signal
import threading
import traceback

import numpy as np

from kfkd import data, nets, storage, xla
from kfkd.callbacks.base import Callback
from kfkd.callbacks.checkpoint import Checkpoint, fit_with
from kfkd.data.origin import Origin, remember
from kfkd.jobs.devices import limit_cores, take_device
from kfkd.messages import count
from kfkd.process.parent import end_with_parent
from kfkd.process.signals import hold_signals, sigterm_as_keyboard_interrupt
from kfkd.specialists.settings import name_of

__all__ = ["Job", "Outcome", "train"]


@dataclasses.dataclass
class Job:
    """Training of one specialist, as it is sent to a worker.

    Attributes
    ----------
    columns : tuple of str
    rows : int array
        Positions in the training set.
    changes : dict
        Parameters that differ from those of net8.
    seed : int
    checkpoint : dict
        Parameters of its checkpoint, which it has where it is trained on this machine.
    provenance : dict
        What the specialist is made from.
    origin : kfkd.data.origin.Origin or None
        Which data the training set is.
    """

    columns: tuple
    rows: np.ndarray
    changes: dict
    seed: int
    checkpoint: dict
    provenance: dict
    origin: Origin | None = None

    @property
    def name(self):
        """The short name of the specialist, and of its files."""
        return name_of(self.columns)

    def net(self):
        """Return the net before training; it shares nothing with others."""
        return nets.make("net8", **copy.deepcopy(self.changes)).seed(self.seed)


@dataclasses.dataclass
class Outcome:
    """Outcome of a job: a pickled net and its history, or why there is none.

    The waiting process saves the bytes, as to unpickle the net would take time and a
    device.
    """

    name: str
    pickled: bytes | None = None
    history: list = dataclasses.field(default_factory=list)
    error: str | None = None
    traceback: str | None = None
    interrupted: bool = False


class _Reporter(Callback):
    """Report each epoch's losses, also those from before training is resumed."""

    supports_overlap = True

    def __init__(self, name, progress):
        self._name, self._progress = name, progress
        self._reported = 0

    def __call__(self, net, train_history):
        keys = ("train_loss", "valid_loss", "dur")
        for row in train_history[self._reported :]:
            losses = {key: float(row[key]) for key in keys}
            self._progress.send(self._name, epoch=row["epoch"], **losses)
        self._reported = len(train_history)

    def state_dict(self):
        """Return no state: each process reports the whole history."""
        return {}

    def load_state_dict(self, state):
        """Ignore the state."""


def train(job, images, labels, pretrained, *, progress, device, precision, n_workers):
    """Train a specialist, and return an `Outcome`.

    Parameters
    ----------
    job : Job
    images, labels : arrays, shapes (n, 9216) and (n, 30)
        Of the training set, as in the table.
    pretrained : kfkd.specialists.pretraining.Pretrained or None
        The net to start from.
    progress : kfkd.jobs.progress_channel.ProgressSender
    device, precision : str or None, str
        They are set unless this is the process of the progress channel.
    n_workers : int
        How many workers share the CPU cores of this machine.
    """
    try:
        progress.connect()
        if progress.in_same_process:
            return _train(job, images, labels, pretrained, progress)
        if progress.local:
            _depend_on_parent()
        with (
            _busy,
            sigterm_as_keyboard_interrupt(),
            limit_cores(progress.place or 0, n_workers),
        ):
            take_device(device, progress.place)
            xla.set_precision(precision)
            return _train(job, images, labels, pretrained, progress)
    except Exception as error:
        return Outcome(
            job.name,
            error=f"{type(error).__name__}: {error}",
            traceback=traceback.format_exc(),
        )
    except KeyboardInterrupt:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if progress.in_same_process and in_main_thread:
            raise  # which joblib's threads would not survive
        return Outcome(job.name, interrupted=True)


_busy = threading.Lock()  # held while a specialist is trained


@functools.cache
def _depend_on_parent():
    """Let the parent alone end this process while it is idle; called once in each."""
    end_with_parent(_busy)
    # If one worker ends, loky kills the others, which may have something to save.  It
    # ends them by SIGKILL; those of multiprocessing end by SIGTERM.
    if "loky" in type(multiprocessing.current_process()).__module__:
        signal.signal(signal.SIGTERM, lambda *args: None)


def _train(job, images, labels, pretrained, progress):
    net = job.net()
    X, y = data.arrays(images, labels, job.rows, job.columns)
    remember(X, job.origin, job.columns)
    X = net.reshape_input(X)
    if pretrained is not None:
        net.load_params_from(pretrained.weights)
    progress.send(
        job.name,
        head=f"{', '.join(job.columns)}\n{count(len(y), 'row')}, "
        f"{count(net.max_epochs, 'epoch')} at most, on {xla.describe_device()}",
    )
    verbose, net.verbose = net.verbose, 0
    reporter = _Reporter(job.name, progress)
    with hold_signals():
        if progress.reached:
            checkpoint = Checkpoint(**job.checkpoint, resume=True)
            fit_with(checkpoint, net, X, y, callbacks=[reporter])
        else:
            net.fit(X, y, callbacks=[reporter])
    net.verbose = verbose
    if net.interrupted_:
        raise KeyboardInterrupt
    return Outcome(job.name, storage.pickled(net), net.train_history_)
