"""Checkpoints: all that the rest of a training depends on, saved while it lasts."""

import hashlib
import importlib.metadata
import os
import pathlib
import platform
import random
import time
import warnings

import numpy as np

from kfkd import arrays
from kfkd._states import describe, differences, get_state, pack, set_state, unpack
from kfkd.callbacks import PrintTables
from kfkd.epochs import listed
from kfkd.stack import theano
from kfkd.storage import StorageError, stem
from kfkd.xla import describe_device
from kfkd.xla.precision import get_precision
from kfkd.xla.storage import restore, snapshot

__all__ = ["Checkpoint", "CheckpointError", "fit_with"]

_KIND = "checkpoint"
# Neither copies of the state nor saving it take more than one part of so much time.
_PARTS = 150
# Seconds between two copies of the state, made on the device, so that one is at hand
# when training is interrupted.
_PAUSE = 1.0


class CheckpointError(StorageError):
    """A training cannot go on from a checkpoint."""


class Checkpoint:
    """Save all that the rest of a training depends on, so that it can be gone on with.

    A training that is killed and goes on from its checkpoint gives the numbers and the
    weights, bit for bit, of one that was not, on the same device with the same versions
    of the packages.  The state is that after the latest epoch at which it was due, and
    that after the latest one, or almost, when training ends early: by Ctrl-C, by an
    error, or by `time_limit`.

    Among the callbacks in ``on_epoch_finished`` of a :class:`kfkd.estimator.NeuralNet`
    it is the last one called, wherever it stands.

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
        Go on from the file, if there is one.
    time_limit : float, optional
        Minutes from the start of the training.  It ends before an epoch that would
        pass them, and the state is saved.

    Attributes
    ----------
    out_of_time : bool
        Whether the latest training was ended by `time_limit`.
    resumed : int
        The epoch from which the latest training went on; 0 if it began.

    Raises
    ------
    CheckpointError
        When training starts, if it cannot go on from the file: because both files are
        damaged, or the data, the definition of the net, its callbacks, the number of
        epochs, the seed or the weights to begin with are others.  The files stay as
        they are.
    """

    def __init__(
        self, path, *, epochs=None, minutes=None, resume=False, time_limit=None
    ):
        self.path = pathlib.Path(path)
        self.epochs, self.minutes = epochs, minutes
        self.resume, self.time_limit = resume, time_limit
        self.out_of_time, self.resumed = False, 0
        self._state = None

    @classmethod
    def beside(cls, out, **options):
        """Return the checkpoint of the training of which a file will be made.

        Parameters
        ----------
        out : path
            ``net6.pickle`` has its checkpoint in ``net6.checkpoint``.
        **options
            As for the class.
        """
        return cls(pathlib.Path(out).with_name(f"{stem(out)}.checkpoint"), **options)

    @property
    def previous(self):
        """The path of the checkpoint before the last."""
        return self.path.with_suffix(f".previous{self.path.suffix}")

    @property
    def _draft(self):
        return self.path.with_suffix(f".draft{self.path.suffix}")

    def on_training_started(self, net, train_history):
        """Note what is trained on what, and go on from the file if asked to."""
        self.out_of_time, self.resumed = False, 0
        self._state = None
        self._definition = _definition(net)
        self._data = _fingerprint(net._run)
        if self.resume:
            self._resume(net)
        self._begun = self._saved = self._ended = time.monotonic()
        self._next, self._longest, self._cost = self._begun + _PAUSE, 0, 0

    def __call__(self, net, train_history):
        """Save the state if it is time to, and end training if there is none left."""
        now = time.monotonic()
        self._longest = max(self._longest, now - self._ended)
        self._ended = now
        self.out_of_time = (
            self.time_limit is not None
            and now - self._begun + self._longest > 60 * self.time_limit
            and len(train_history) < net._run.last
        )
        due = (self.epochs and train_history[-1]["epoch"] % self.epochs == 0) or (
            self.minutes
            and now - self._saved >= max(60 * self.minutes, _PARTS * self._cost)
        )
        if due or self.out_of_time or now >= self._next:
            self._state = _take(net)
            taken = time.monotonic()
            self._next = taken + max(_PAUSE, _PARTS * (taken - now))
        if due:
            self._save()
        if self.out_of_time:
            raise StopIteration

    def on_training_finished(self, net, train_history):
        """Save the latest state at hand, unless training has come to its end."""
        run = net._run
        complete = len(train_history) >= run.last or run.stopped
        if self._state is not None and (not complete or self.out_of_time):
            self._save()
        self._state = None

    def remove(self):
        """Delete the files, as when the net has been saved.

        Those that were being written when a training was killed are deleted too.
        """
        drafts = self.path.parent.glob(f".{self._draft.stem}-*{self.path.suffix}")
        for path in (self.path, self.previous, self._draft, *drafts):
            path.unlink(missing_ok=True)

    def _save(self):
        about, packed = self._state
        about |= {
            "definition": self._definition,
            "data": self._data,
            "versions": _versions(),
        }
        start = time.monotonic()
        try:
            arrays.write(self._draft, _KIND, packed, about)
            if self.path.exists():
                os.replace(self.path, self.previous)
            os.replace(self._draft, self.path)
        except (OSError, StorageError) as error:  # of which training need not die
            _complain(error)
        self._saved, self._state = time.monotonic(), None
        self._cost = self._saved - start

    def _resume(self, net):
        read = self._read()
        if read is None:
            return
        path, (packed, about) = read
        if about["data"] != self._data:
            raise CheckpointError(
                f"{path} belongs to a training on other data; go on with those, or "
                "start anew"
            )
        changes = list(differences(about["definition"], self._definition))
        if changes:
            raise CheckpointError(
                f"{path} belongs to another training; go on as it was begun, or start "
                "anew: "
                + "; ".join(f"{k} was {was!r}, is {now!r}" for k, was, now in changes)
            )
        try:
            _put(net, about, packed)
        except Exception as error:
            raise CheckpointError(f"{path} does not fit the net: {error}") from error
        self.resumed = len(about["history"])
        if net.verbose:
            print(f"Going on after epoch {self.resumed}, from {path}")
            if about["versions"] != _versions():
                changes = differences(about["versions"], _versions())
                print(
                    "The numbers may not be those of an uninterrupted training: "
                    + "; ".join(f"{k} was {was}, is {now}" for k, was, now in changes)
                )

    def _read(self):
        """Return the path and the content of the latest checkpoint that is sound."""
        found = [path for path in (self.path, self.previous) if path.exists()]
        errors = []
        for path in found:
            try:
                content = path, arrays.read(path, _KIND)
            except StorageError as error:
                errors.append(str(error))
            else:
                if errors:
                    _complain(f"{errors[0]}; going on from the one before, {path}")
                return content
        if errors:
            raise CheckpointError("; ".join(errors))
        return None


def fit_with(checkpoint, net, X, y):
    """Train a net, and begin anew if its checkpoint is damaged or of another training.

    Parameters
    ----------
    checkpoint : Checkpoint
    net : kfkd.estimator.NeuralNet
    X, y : arrays
    """
    handlers = net.on_epoch_finished
    net.on_epoch_finished = [*listed(handlers), checkpoint]
    try:
        try:
            net.fit(X, y)
        except CheckpointError:
            checkpoint.remove()
            net.fit(X, y)
    finally:
        net.on_epoch_finished = handlers


def _complain(what):
    warnings.warn(f"Checkpoint: {what}", RuntimeWarning, stacklevel=2)


def _variables(net):
    """Return the shared variables of a training: weights, velocities, random states."""
    found = {}
    for function in (net.train_iter_, net.eval_iter_):
        for variable in function.get_shared():
            found.setdefault(variable)
    return list(found)


def _parts(net):
    """Return what has a state of its own, by the names that messages use."""
    parts = {
        "batch_iterator_train": net.batch_iterator_train,
        "batch_iterator_test": net.batch_iterator_test,
    }
    own = (Checkpoint, PrintTables)
    callbacks = [c for c in net.on_epoch_finished if not isinstance(c, own)]
    for i, callback in enumerate(callbacks):
        parts[f"on_epoch_finished[{i}], {type(callback).__name__}"] = callback
    return parts


def _take(net):
    """Copy the state of a training; on the device, what is there.

    Returns
    -------
    about : dict
        For JSON.
    packed : dict of str to array
    """
    variables, packed = _variables(net), {}
    whole = {
        "orders": list(net._run.orders),
        "numpy": np.random.get_state(legacy=False),  # noqa: NPY002
        "python": random.getstate(),
    }
    about = {
        "state": {k: pack(v, packed, k) for k, v in whole.items()},
        "parts": {},
        "variables": len(variables),
        "history": [pack(_plain(row), packed, "history") for row in net.train_history_],
    }
    for name, part in _parts(net).items():
        try:
            about["parts"][name] = pack(get_state(part), packed, name)
        except (TypeError, RecursionError) as error:
            about["parts"][name] = None
            _complain(
                f"the state of {name} is not saved, as {error}; give it the methods "
                "state_dict and load_state_dict"
            )
    packed |= {f"variable.{i}": v for i, v in enumerate(snapshot(variables))}
    return about, packed


def _plain(row):
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()}


def _put(net, about, packed):
    """Give a net the state of a training.

    Raises
    ------
    ValueError
        If it is not one of this net's.
    """
    variables = _variables(net)
    values = [packed[f"variable.{i}"] for i in range(about["variables"])]
    theirs = [(v.shape, v.dtype) for v in values]
    ours = [(v.get_value(borrow=True).shape, np.dtype(v.dtype)) for v in variables]
    if ours != theirs:
        raise ValueError(f"its arrays are {theirs}, those of the net {ours}")
    state = {k: unpack(v, packed) for k, v in about["state"].items()}
    parts = _parts(net)
    for name, part in parts.items():
        if about["parts"][name] is not None:
            set_state(part, unpack(about["parts"][name], packed))
    for order, saved in zip(net._run.orders, state["orders"], strict=True):
        order[:] = saved
    restore(variables, values)
    np.random.set_state(state["numpy"])  # noqa: NPY002
    random.setstate(state["python"])
    net.train_history_[:] = [unpack(row, packed) for row in about["history"]]


def _definition(net):
    """Describe what is trained, and how."""
    left_out = ("layers", "verbose", "log_every", "check_input")
    params = {
        name: value
        for name, value in net.get_params(deep=False).items()
        if name not in left_out and not name.startswith("on_")
    }
    return describe(
        params
        | {
            "layers": dict(net.layers_),
            "callbacks": list(_parts(net).values())[2:],
            "epochs": [net._run.first, net._run.last],
            "seed": net._seed,
            # Without a seed they are never the same.
            "initial weights": None if net._seed is None else _digest(net),
            "floatX": theano.config.floatX,
            "precision": get_precision(),
        }
    )


def _digest(net):
    digest = hashlib.blake2b(digest_size=16)
    for param in net.get_all_params():
        digest.update(np.ascontiguousarray(param.get_value()))
    return digest.hexdigest()


def _fingerprint(run):
    """Return a digest of the data and of how they have been split."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (*run.train, *run.valid):
        values = part if isinstance(part, dict) else {"": part}
        for name, array in sorted(values.items()):
            array = np.ascontiguousarray(array)
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(array)
    return digest.hexdigest()


def _versions():
    names = ("theano-pymc", "lasagne", "nolearn", "numpy", "jax", "jaxlib")
    return {
        "device": describe_device(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names},
    }
