"""All nets of the tutorial, trained in turn, each kept as soon as it is finished.

>>> from kfkd import reproduction
>>> settings = reproduction.Settings(nets=("net1", "net2"))
>>> runs = reproduction.run(settings, "reproduction")
"""

import dataclasses
import datetime
import functools
import platform
import time
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

import joblib

from kfkd import data, nets, specialists, storage, xla
from kfkd.arguments import as_list, check, one_of
from kfkd.callbacks.checkpoint import Checkpoint, fit_with
from kfkd.choices import PRETRAIN, REPRODUCED
from kfkd.errors import DivergedError
from kfkd.jobs.options import check_options
from kfkd.jobs.results import Results, differences
from kfkd.process.signals import hold_signals

__all__ = ["PACKAGES", "Run", "Settings", "run", "scaled"]

PACKAGES = ("numpy", "jax", "theano-pymc", "lasagne", "nolearn", "kfkd")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is to be reproduced, and how.

    Attributes
    ----------
    nets : tuple of str
        Of ``kfkd.nets.NETS``.
    specialists : tuple of str
        Any of ``"scratch"`` and ``"pretrained"``.
    pretrain : str
        The net that the latter start from; it is trained too.
    epochs_scale : float
        Factor for all numbers of epochs.
    batch_size : int
        Of the tutorial's nets; the others have one of their own.
    seed : int
    holdout : float
        As for ``kfkd.data.load``.
    folder : path or None
        Where the data are, as for ``kfkd.data.load``.

    Raises
    ------
    ArgumentError
        There is no such net or set of specialists, or a number is not valid.
    """

    nets: tuple = REPRODUCED
    specialists: tuple = ("pretrained",)
    pretrain: str = PRETRAIN
    epochs_scale: float = 1.0
    batch_size: int = 128
    seed: int = 42
    holdout: float = 0.0
    folder: Path | None = None

    def __post_init__(self):
        kinds = ("scratch", "pretrained")
        for field, known in (("nets", nets.NETS), ("specialists", kinds)):
            names = tuple(as_list(field, getattr(self, field), "names"))
            for name in names:
                one_of(f"a name in {field}", name, known)
            object.__setattr__(self, field, names)
        if "pretrained" in self.specialists:
            # Others have layers other than those of specialists.
            one_of("pretrain", self.pretrain, nets.TUTORIAL_NETS[1:])
        check_options(
            epochs_scale=self.epochs_scale,
            batch_size=self.batch_size,
            seed=self.seed,
            holdout=self.holdout,
        )

    def names(self):
        """Return the nets to train, in the tutorial's order."""
        wanted = set(self.nets)
        if "pretrained" in self.specialists:
            wanted.add(self.pretrain)
        return [name for name in nets.NETS if name in wanted]

    def wanted(self):
        """Return the names of all runs, those of specialists last."""
        return [*self.names(), *(f"specialists-{kind}" for kind in self.specialists)]

    def epochs(self, name):
        """Return how many epochs a net is trained for."""
        return scaled(nets.make(name).max_epochs, self.epochs_scale)

    def make(self, name, **changes):
        """Return a net that is to be trained."""
        net = nets.make(name, max_epochs=self.epochs(name), **changes)
        if name in nets.TUTORIAL_NETS:
            net.batch_iterator_train.batch_size = self.batch_size
            net.batch_iterator_test.batch_size = self.batch_size
        return net


@dataclasses.dataclass
class Run:
    """The outcome of the training of a net, or of a set of specialists.

    Attributes
    ----------
    name : str
        ``"net1"``, or ``"specialists-scratch"``.
    net : NeuralNet, dict of tuple of str to NeuralNet, or None
        None if training failed.
    record : dict
        What it was made from (``data``, ``seed``, ``epochs`` ...), and where and when
        (``device``, ``versions``, ``ended``).
    problem : str
        Why there is no net, or why it is of no use; empty if all went well.
    """

    name: str
    net: object = None
    record: dict = dataclasses.field(default_factory=dict)
    problem: str = ""


def scaled(epochs, scale):
    """Return a number of epochs times a factor, at least 1."""
    return max(1, round(epochs * scale))


def run(
    settings,
    out,
    *,
    train=True,
    device=None,
    n_jobs=None,
    log_every=100,
    keep_old=True,
    checkpoint_every=MappingProxyType({"minutes": 1}),
):
    """Train what is not finished yet, and return everything.

    Each net is pickled into a folder when it is finished, with a note of what it was
    made from. The same call then loads it; a call with other settings or data trains it
    anew, and says so.

    Parameters
    ----------
    settings : Settings
    out : path
        The folder, made if it is missing.
    train : bool, default=True
        Whether to train at all; else what is not finished is left out.
    device : str, optional
        As for ``kfkd.xla.set_device``.
    n_jobs : int, optional
        As for ``kfkd.specialists.fit_specialists``; single nets are trained in turn.
    log_every : int, default=100
        Epochs between two printed rows.
    keep_old : bool, default=True
        Keep nets that are replaced by those of other trainings, as for
        ``kfkd.storage.save``.
    checkpoint_every : mapping, default={"minutes": 1}
        When checkpoints are saved: the `epochs` or `minutes` of
        ``kfkd.callbacks.checkpoint.Checkpoint``.

    Returns
    -------
    dict of str to Run
        In the order of training. One that has failed is among them, with its problem.

    Raises
    ------
    ArgumentError
        An argument is not valid.
    DataError, DeviceError, StorageError
        The data cannot be used, the device is not there, the folder cannot be made or
        written to.
    KeyboardInterrupt
        After Ctrl-C; what had been finished is kept.
    """
    check("settings", settings, isinstance(settings, Settings), "a Settings")
    check_options(n_jobs=n_jobs, log_every=log_every, checkpoint_every=checkpoint_every)
    xla.set_device(device)
    results = Results(out, keep_old)
    options = dict(log_every=log_every, checkpoint_every=dict(checkpoint_every))
    trainer = _Trainer(settings, results, device, n_jobs, options)
    if train:
        results.make_folder()
    runs = {}
    wanted = settings.wanted()
    for number, name in enumerate(wanted, start=1):
        place = f"{name} ({number} of {len(wanted)})"
        start = None
        if name == "specialists-pretrained":
            start = runs.get(settings.pretrain)
            if start is None:  # it is not finished, and not to be trained now
                continue
            if start.problem:
                problem = f"{start.name}, from which they start, can't be used"
                runs[name] = Run(name, problem=problem)
                print(f"{place}: {problem}\n", flush=True)
                continue
        provenance = trainer.provenance(name, start)
        record = results.provenance(name)
        changed = differences(record, provenance)
        if record is not None and not changed:
            print(f"{place}: finished before", flush=True)
            net = results.load(name)
            runs[name] = Run(name, net, record, record.get("problem", ""))
        elif train:
            why = f": anew, as it was trained with {changed}" if changed else ""
            print(f"{place}{why}", flush=True)
            runs[name] = trainer.train(name, provenance, start)
    return runs


class _Trainer:
    """Trains nets and specialists, and keeps them."""

    def __init__(self, settings, results, device, n_jobs, options):
        self.settings, self.results = settings, results
        self.device, self.n_jobs, self.options = device, n_jobs, options
        self.data = data.fingerprint(data.find("training", settings.folder))

    def provenance(self, name, start):
        """Return what a run is made from; `start` is the Run that it starts from."""
        settings = self.settings
        common = dict(
            data=self.data,
            holdout=settings.holdout,
            batch_size=settings.batch_size,
            seed=settings.seed,
            precision=xla.get_precision(),
        )
        if name in nets.NETS:
            common["batch_size"] = settings.make(name).batch_iterator_train.batch_size
            return common | dict(net=name, epochs=settings.epochs(name))
        weights = start and joblib.hash(start.net.get_all_params_values())
        return common | dict(
            specialists=name,
            epochs_scale=settings.epochs_scale,
            start=start and start.name,
            weights=weights,
        )

    def train(self, name, provenance, start):
        """Return the Run of what is made from `provenance`, also if training fails."""
        if name in nets.NETS:  # specialists are saved one by one
            with hold_signals():
                return self._train(name, provenance, start)
        return self._train(name, provenance, start)

    def _train(self, name, provenance, start):
        started, problem = time.perf_counter(), ""
        try:
            if name in nets.NETS:
                net, problem = self._net(name)
            else:
                net = self._specialists(name, start and start.net)
        except (data.DataError, storage.StorageError):
            raise
        except Exception as error:  # the others can still be trained
            problem = f"training failed: {type(error).__name__}: {error}"
            print(f"{name}: {problem}\n", flush=True)
            return Run(name, None, provenance, problem)
        seconds = time.perf_counter() - started
        record = provenance | _environment() | {"problem": problem}
        kept = self.results.save(name, storage.pickled(net), record)
        if kept:
            print(f"{name}: the one that was there is kept as {kept}", flush=True)
        print(f"{name}: {problem or f'finished after {seconds:.1f} s'}\n", flush=True)
        return Run(name, net, record, problem)

    @functools.cache  # noqa: B019  (there is one trainer)
    def _arrays(self, **options):
        settings = self.settings
        return data.load(folder=settings.folder, holdout=settings.holdout, **options)

    def _net(self, name):
        """Return a trained net, and what is wrong with it."""
        settings, options = self.settings, self.options
        net = settings.make(name, log_every=options["log_every"]).seed(settings.seed)
        X, y = self._arrays(**nets.load_options(net))
        path = self.results.checkpoint(name).path
        checkpoint = Checkpoint(path, resume=True, **options["checkpoint_every"])
        problem = ""
        try:
            fit_with(checkpoint, net, net.reshape_input(X), y)
        except DivergedError as error:
            if not net.train_history_:
                raise
            problem = f"training diverged: {error}"
        if net.interrupted_:
            raise KeyboardInterrupt
        return net, problem

    def _specialists(self, name, pretrain):
        settings = self.settings
        return specialists.fit_specialists(
            pretrain,
            folder=settings.folder,
            epochs_scale=settings.epochs_scale,
            n_jobs=self.n_jobs,
            seed=settings.seed,
            batch_size=settings.batch_size,
            holdout=settings.holdout,
            device=self.device,
            out=self.results.folder / f"{name}.pickle",
            keep_old=self.results.keep_old,
            **self.options,
        )


def _environment():
    """Return the time, the device and the versions of packages, for JSON."""
    versions = {"python": platform.python_version()}
    versions |= {package: metadata.version(package) for package in PACKAGES}
    return dict(
        ended=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        device=xla.describe_device(),
        versions=versions,
    )
