"""One of the specialists: what it is made from, and its training, wherever it runs."""

import copy
import dataclasses
import hashlib
import os
import pickle
import traceback
from collections.abc import Mapping

import joblib
import nolearn.lasagne as nolearn
import numpy as np

from kfkd import data, nets, storage, xla
from kfkd._layout import hint, shown
from kfkd._workers import share_of_cores, take_device
from kfkd.augment import FlipBatchIterator, flip_pairs

__all__ = [
    "Job",
    "Outcome",
    "SpecialistError",
    "check_fit",
    "choose",
    "describe",
    "digest",
    "make_job",
    "name_of",
    "read_pretrained",
    "read_settings",
    "train",
]

_KEYS = ("columns", "flip_indices", "kwargs")


class SpecialistError(RuntimeError):
    """Specialists cannot be trained as asked for, or the training of some has failed.

    The message names them, and the reason.
    """

    __module__ = "kfkd.specialists"  # its public name


@dataclasses.dataclass
class Job:
    """The training of a specialist.

    Attributes
    ----------
    columns : tuple of str
    rows : int array
        Positions in the training set.
    changes : dict
        What differs from net8.
    seed : int
    """

    columns: tuple
    rows: np.ndarray
    changes: dict
    seed: int

    @property
    def name(self):
        """What the specialist is called for short, and its files."""
        return name_of(self.columns)

    def net(self):
        """Return the net before training, sharing nothing with others."""
        return nets.make("net8", **copy.deepcopy(self.changes)).seed(self.seed)


@dataclasses.dataclass
class Outcome:
    """What has come of a job.

    Attributes
    ----------
    name : str
    pickled : bytes or None
        The trained net, if all went well. Bytes, so that the waiting process need not
        make the net, which takes a while and a device.
    history : list of dict
        Its ``train_history_``.
    error, traceback : str or None
        Why it failed.
    interrupted : bool
    """

    name: str
    pickled: bytes | None = None
    history: list = dataclasses.field(default_factory=list)
    error: str | None = None
    traceback: str | None = None
    interrupted: bool = False


def name_of(columns):
    """Return the key point of a group's first column, ``nose_tip``."""
    return columns[0][:-2]


def read_settings(settings):
    """Return the settings of specialists, checked and complete.

    Returns
    -------
    list of dict
        Each with ``columns``, ``flip_indices`` and ``kwargs``.

    Raises
    ------
    ValueError
        Something in them is wrong.
    """
    checked, seen = [], set()
    for setting in settings:
        if not isinstance(setting, Mapping) or not setting.get("columns"):
            raise ValueError(
                "each of the settings must be a dict with the columns of a specialist, "
                f"not {shown(setting)}"
            )
        for key in setting:
            if key not in _KEYS:
                raise ValueError(
                    f"the settings of a specialist are {', '.join(_KEYS)}, not "
                    f"{shown(key)}{hint(key, _KEYS)}"
                )
        columns = data.check_cols(setting["columns"])
        again = seen.intersection(columns)
        if again:
            raise ValueError(f"{min(again)!r} is a column of two specialists")
        seen.update(columns)
        pairs = setting.get("flip_indices")
        checked.append(
            dict(
                columns=columns,
                flip_indices=flip_pairs(columns) if pairs is None else list(pairs),
                kwargs=dict(setting.get("kwargs") or {}),
            )
        )
    if not checked:
        raise ValueError("the settings are empty: there are no specialists to train")
    return checked


def choose(settings, only):
    """Return the settings of the specialists named by key point or columns.

    Parameters
    ----------
    settings : list of dict
        As from `read_settings`.
    only : sequence of str or tuple, or None
        None stands for all.

    Raises
    ------
    ValueError
        There is no such specialist.
    """
    if only is None:
        return settings
    if isinstance(only, str):
        raise ValueError(f"only is the text {shown(only)}, not a list of specialists")
    by_name = {name_of(setting["columns"]): setting for setting in settings}
    chosen = set()
    for name in only:
        wanted = name
        if not isinstance(name, str):
            columns = tuple(name)
            wanted = next(
                (n for n, s in by_name.items() if s["columns"] == columns), None
            )
        if wanted not in by_name:
            raise ValueError(
                f"there is no specialist {shown(name)}{hint(name, by_name)}; there are "
                f"{', '.join(by_name)}"
            )
        chosen.add(wanted)
    if not chosen:
        raise ValueError("only is empty: there is nothing to train")
    return [setting for name, setting in by_name.items() if name in chosen]


def make_job(setting, rows, epochs, weights, batch_size, seed):
    """Return the job of a specialist.

    Parameters
    ----------
    setting : dict
        As from `read_settings`.
    rows : int array
    epochs : int
    weights : dict or None
        To start from: they say how many hidden units there are.
    batch_size, seed : int

    Raises
    ------
    ValueError
        Its ``kwargs`` name what is no parameter.
    """
    changes = dict(
        output_num_units=len(setting["columns"]),
        batch_iterator_train=FlipBatchIterator(
            batch_size, flip_indices=setting["flip_indices"]
        ),
        batch_iterator_test=nolearn.BatchIterator(batch_size),
        max_epochs=epochs,
    )
    for layer in ("hidden4", "hidden5"):
        if weights and layer in weights:
            changes[f"{layer}_num_units"] = weights[layer][0].shape[1]
    job = Job(setting["columns"], rows, changes | setting["kwargs"], seed)
    try:
        job.net()
    except (TypeError, ValueError) as error:
        raise ValueError(f"the specialist for {job.name}: {error}") from error
    return job


def read_pretrained(pretrain):
    """Return the weights of a trained net.

    Parameters
    ----------
    pretrain : NeuralNet or path

    Returns
    -------
    dict of str to list of arrays
        By layer, for layers that have any.

    Raises
    ------
    SpecialistError
        It is no trained net.
    StorageError
        It cannot be loaded.
    """
    what = _called(pretrain)
    if isinstance(pretrain, (str, os.PathLike)):
        pretrain = storage.load(pretrain)
    if isinstance(pretrain, Mapping):
        raise SpecialistError(
            f"{what} is a set of specialists, where a single net is wanted to start "
            "from, such as net6"
        )
    if not isinstance(pretrain, nolearn.NeuralNet):
        raise SpecialistError(
            f"{what} is no net to start from, but {type(pretrain).__name__}"
        )
    if not hasattr(pretrain, "layers_"):
        raise SpecialistError(f"{what} has not been trained; fit it first")
    weights = pretrain.get_all_params_values()
    return {
        layer: [np.asarray(value) for value in values]
        for layer, values in weights.items()
        if len(values)
    }


def check_fit(weights, job, pretrain):
    """Raise SpecialistError unless a specialist differs in its output layer only."""
    net = job.net()
    net.initialize_layers()
    ours = {
        name: [param.get_value(borrow=True).shape for param in layer.get_params()]
        for name, layer in net.layers_.items()
        if layer.get_params()
    }
    theirs = {
        name: [value.shape for value in values] for name, values in weights.items()
    }
    problem = None
    if list(ours) != list(theirs):
        problem = f"it has the layers {', '.join(theirs)} where {', '.join(ours)}"
    for name in ours:
        if problem is None and name != "output" and ours[name] != theirs[name]:
            problem = f"its layer {name} has weights of {theirs[name][0]}, where "
            problem += f"{ours[name][0]}"
    if problem:
        raise SpecialistError(
            f"{_called(pretrain)} is no net to start the specialist for {job.name} "
            f"from: {problem} are wanted; only the output layer may differ, as in "
            "net2 to net8"
        )


def _called(pretrain):
    if isinstance(pretrain, (str, os.PathLike)):
        return os.fspath(pretrain)
    return "what is given as pretrain"


def digest(weights):
    """Return a digest of weights by layer; None for None."""
    if weights is None:
        return None
    summary = hashlib.blake2b(digest_size=16)
    for layer, values in weights.items():
        for value in values:
            summary.update(f"{layer} {value.shape} {value.dtype} ".encode())
            summary.update(np.ascontiguousarray(value))
    return summary.hexdigest()


def describe(kwargs):
    """Return changed parameters as JSON can hold them, to be compared."""
    plain = (str, int, float, bool, type(None))
    return {
        name: value
        if isinstance(value, plain)
        else f"{shown(repr(value))} {joblib.hash(value)}"
        for name, value in kwargs.items()
    }


class _Reporter:
    """Tells each epoch's losses."""

    def __init__(self, link):
        self.link = link

    def __call__(self, net, train_history):
        row = train_history[-1]
        keys = ("train_loss", "valid_loss", "dur")
        self.link.tell(epoch=row["epoch"], **{key: float(row[key]) for key in keys})


def train(job, images, labels, weights, *, link, device, workers):
    """Train a specialist.

    Parameters
    ----------
    job : Job
    images, labels : arrays, shapes (n, 9216) and (n, 30)
        Of the training set, as in the table.
    weights : dict or None
        To start from.
    link : kfkd._workers.Link
    device : str or None
        As for ``kfkd.xla.set_device``.
    workers : int
        How many share the CPU cores.

    Returns
    -------
    Outcome
    """
    with link.open(job.name) as link:
        at_home = link.at_home
        try:
            if at_home:
                return _train(job, images, labels, weights, link)
            with share_of_cores(link.place or 0, workers):
                take_device(device, link.place)
                return _train(job, images, labels, weights, link)
        except Exception as error:
            return Outcome(
                job.name,
                error=f"{type(error).__name__}: {error}",
                traceback=traceback.format_exc(),
            )
        except KeyboardInterrupt:
            if at_home:
                raise
            return Outcome(job.name, interrupted=True)


def _train(job, images, labels, weights, link):
    net = job.net()
    X, y = data.arrays(images, labels, job.rows, job.columns)
    X = X.reshape(-1, 1, data.SIDE, data.SIDE)
    if weights is not None:
        net.load_params_from(weights)
    link.tell(
        head=f"{', '.join(job.columns)}\n{len(y)} rows, {net.max_epochs} epochs at "
        f"most, on {xla.describe_device()}"
    )
    handlers, verbose = net.on_epoch_finished, net.verbose
    others = handlers if isinstance(handlers, (list, tuple)) else [handlers]
    net.on_epoch_finished, net.verbose = [_Reporter(link), *others], 0
    net.fit(X, y)
    net.on_epoch_finished, net.verbose = handlers, verbose
    if net.interrupted_:
        raise KeyboardInterrupt
    return Outcome(
        job.name, pickle.dumps(net, pickle.HIGHEST_PROTOCOL), net.train_history_
    )
