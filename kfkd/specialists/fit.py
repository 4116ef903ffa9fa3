"""All specialists, trained one after the other or at the same time."""

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from kfkd import data, storage, xla
from kfkd.estimator import NeuralNet
from kfkd.jobs import pool
from kfkd.jobs.devices import take_device
from kfkd.jobs.options import check_options
from kfkd.jobs.results import Results
from kfkd.specialists import resume
from kfkd.specialists.parallel import train_all
from kfkd.specialists.plan import make_jobs
from kfkd.specialists.pretraining import read_pretrained
from kfkd.specialists.settings import (
    SPECIALIST_SETTINGS,
    choose,
    name_of,
    read_settings,
)

__all__ = ["fit_specialists"]


def fit_specialists(
    pretrain: NeuralNet | str | os.PathLike[str] | None = None,
    *,
    settings: Sequence[Mapping[str, Any]] = SPECIALIST_SETTINGS,
    folder: str | os.PathLike[str] | None = None,
    only: Sequence[str | tuple[str, ...]] | None = None,
    epochs_scale: float = 1.0,
    n_jobs: int | None = None,
    seed: int = 42,
    batch_size: int = 128,
    holdout: float = 0,
    device: str | None = None,
    out: str | os.PathLike[str] = "net-specialists.pickle",
    log_every: int = 100,
    max_rows: int | None = None,
    keep_old: bool = True,
    checkpoint_every: Mapping[str, float] = MappingProxyType({"minutes": 1}),
) -> dict[tuple[str, ...], NeuralNet]:
    """Train specialists, and pickle them together.

    Each is kept as it arrives in a folder beside `out` (``net-specialists.parts``),
    with a log of its training. After an interruption, the same call trains those that
    are missing, and resumes from their checkpoints. One that is there, but was made
    from something else (another seed, other data, other settings ...), is trained anew,
    and what differs is printed.

    Parameters
    ----------
    pretrain : NeuralNet or path, optional
        A trained net to start from, or its pickle: net2 to net8 with any number of
        hidden units, which the specialists then have too. Only the output layer may
        differ.
    settings : list of dict, default=SPECIALIST_SETTINGS
        For each specialist its ``columns``, and if wanted ``flip_indices`` (by default
        from ``kfkd.augment.flip_pairs``) and ``kwargs``, a dict of parameters of the
        net, such as ``dict(dropout2_p=0.3)``.
    folder : path, optional
        Where the data are, as for ``kfkd.data.load``.
    only : sequence of str or tuple, optional
        Train these alone: the key points of their first columns, such as
        ``"nose_tip"``, or their columns. The others are kept in `out` as they are.
    epochs_scale : float, default=1.0
        Factor for the numbers of epochs.
    n_jobs : int, optional
        How many to train at the same time. By default as many as there are GPUs, and
        one at a time on the CPU, all cores of which a single net keeps busy; or what
        ``joblib.parallel_config`` says.
    seed : int, default=42
        Of weights, dropout and flips.
    batch_size : int, default=128
    holdout : float, default=0
        The share of the training set's rows to keep out of training and validation, as
        for ``kfkd.data.load``, whose ``load_held_out`` returns them.
    device : str, optional
        As for ``kfkd.xla.set_device``; by default the workers of this machine take
        GPUs in turn. A worker on another machine uses the first that it sees, which
        its cluster may choose by ``CUDA_VISIBLE_DEVICES``.
    out : path, default="net-specialists.pickle"
        The pickle of all, written when all are there.
    log_every : int, default=100
        Epochs between two lines about a specialist, where there is no terminal that
        shows bars instead. The logs have all epochs.
    max_rows : int, optional
        Train each on so many rows only, to try things out.
    keep_old : bool, default=True
        Keep nets that are replaced by those of other trainings, as for
        ``kfkd.storage.save``.
    checkpoint_every : mapping, default={"minutes": 1}
        When checkpoints are saved: the `epochs` or `minutes` of
        ``kfkd.callbacks.checkpoint.Checkpoint``. Trainings on other machines do
        without.

    Returns
    -------
    dict of tuple of str to NeuralNet
        The trained nets by their columns, in the order of `settings`.

    Raises
    ------
    SpecialistError
        `pretrain` is not such a net, or the training of some has failed; the others are
        kept.
    ArgumentError
        A setting or another argument is wrong.
    DataError, StorageError, DeviceError
        Something is missing, or cannot be written.
    KeyboardInterrupt
        After Ctrl-C; those that had been finished are kept.

    Notes
    -----
    The tutorial's section "Training specialists", and for `pretrain` "Supervised
    pre-training": net8 for each group of columns, trained on all n rows that have
    these, for ``int(1e7 / n)`` epochs, or ``int(4e6 / n)`` when pre-trained.

    Trainings run in parallel by joblib, in processes of this machine or wherever
    ``joblib.parallel_config(backend=...)`` says, such as on a Dask or Ray cluster.
    Data go out as arguments and nets come back as results, so that no file system need
    be shared. On this machine, processes share the CPU cores evenly. Progress is
    reported by processes of this machine alone. After Ctrl-C these end with their
    epoch, and save a checkpoint, while another machine completes the training that it
    has begun.
    """
    # Check.
    settings = read_settings(settings)
    chosen = choose(settings, only)
    others = [setting for setting in settings if setting not in chosen]
    check_options(
        epochs_scale=epochs_scale,
        n_jobs=n_jobs,
        seed=seed,
        batch_size=batch_size,
        holdout=holdout,
        log_every=log_every,
        max_rows=max_rows,
        checkpoint_every=checkpoint_every,
    )
    storage.check_writable(out)
    take_device(device if pool.is_local() else None, place=None)
    pretrained = None if pretrain is None else read_pretrained(pretrain)
    table = data.read("training", folder)

    # Plan.
    shared = dict(
        data=data.fingerprint(data.find("training", folder)),
        holdout=holdout,
        batch_size=batch_size,
        seed=seed,
        precision=xla.get_precision(),
        pretrained_from=pretrained.digest() if pretrained else None,
    )
    results = Results.beside(out, keep_old)
    kept = resume.find_others(others, shared, results, out)
    jobs = make_jobs(
        chosen,
        table,
        pretrained,
        shared,
        results,
        folder=folder,
        epochs_scale=epochs_scale,
        max_rows=max_rows,
        checkpoint_every=checkpoint_every,
    )

    # Train what earlier calls have not.
    results.make_folder()
    todo = resume.announce(jobs, results)
    if todo:
        train_all(
            jobs,
            todo,
            (table.images, table.labels, pretrained),
            results,
            device=device,
            n_jobs=n_jobs,
            log_every=log_every,
        )

    # Collect.
    kept |= dict.fromkeys(job.columns for job in jobs)  # None: among the results
    groups = [setting["columns"] for setting in settings if setting["columns"] in kept]
    nets = {
        columns: kept[columns] or results.load(name_of(columns)) for columns in groups
    }
    kept = storage.save(nets, out, keep_old=keep_old)
    if kept:
        print(f"The set that was in {out} is kept as {kept}")
    return nets
