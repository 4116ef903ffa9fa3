"""All specialists, one after the other or side by side, and what is kept of them."""

import json
import math
import os
from types import MappingProxyType

import joblib

from kfkd import data, storage, xla
from kfkd.errors import SpecialistError
from kfkd.history import best_epoch
from kfkd.jobs import pool
from kfkd.jobs.progress_bars import Board
from kfkd.jobs.progress_channel import Hub
from kfkd.jobs.results import Parts
from kfkd.messages import shown
from kfkd.specialists import resume
from kfkd.specialists.pretraining import check_fit, digest, read_pretrained
from kfkd.specialists.settings import (
    SPECIALIST_SETTINGS,
    choose,
    describe,
    name_of,
    read_settings,
)
from kfkd.specialists.worker import make_job, train

__all__ = ["fit_specialists"]


def fit_specialists(
    pretrain=None,
    *,
    settings=SPECIALIST_SETTINGS,
    folder=None,
    only=None,
    epochs_scale=1.0,
    n_jobs=None,
    seed=42,
    batch_size=128,
    holdout=0,
    device=None,
    out="net-specialists.pickle",
    log_every=100,
    max_rows=None,
    checkpoint_every=MappingProxyType({"minutes": 1}),
):
    """Train specialists, and pickle them together.

    Each is kept as it arrives in a folder beside `out` (``net-specialists.parts``),
    with a log of its training. After an interruption, the same call goes on with those
    that are missing, from their checkpoints. One that is there, but was made from
    something else (another seed, other data, other settings ...), is trained anew, and
    what differs is printed.

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
        As for ``kfkd.xla.set_device``; by default the workers take GPUs in turn.
    out : path, default="net-specialists.pickle"
        The pickle of all, written when all are there.
    log_every : int, default=100
        Epochs between two lines about a specialist, where there is no terminal that
        shows bars instead. The logs have all epochs.
    max_rows : int, optional
        Train each on so many rows only, to try things out.
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
        `pretrain` is no such net, or the training of some has failed; the others are
        kept.
    ValueError
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
    be shared. On this machine, processes share the CPU cores evenly. Progress is told
    through a connection to this process and missing where none can be made.
    """
    settings = read_settings(settings)
    chosen = choose(settings, only)
    if not 0 < epochs_scale < math.inf:
        raise ValueError(f"epochs_scale is {shown(epochs_scale)}, not more than 0")
    storage.check_writable(out)
    parts = Parts.beside(out)

    # For processes that share a GPU; without effect where JAX runs already.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if device is not None and pool.is_local():
        xla.set_device(device)
    weights = None if pretrain is None else read_pretrained(pretrain)
    table = data.read("training", folder)
    common = dict(
        data=data.fingerprint(data.find("training", folder)),
        holdout=holdout,
        batch_size=batch_size,
        seed=seed,
        precision=xla.get_precision(),
        pretrained_from=digest(weights),
    )
    others = [setting for setting in settings if setting not in chosen]
    old = resume.find_others(others, common, parts, out)

    jobs, sources = {}, {}
    for setting in chosen:
        columns = setting["columns"]
        rows = data.training_rows(table, columns, holdout=holdout, folder=folder)
        rows = rows[:max_rows]
        epochs = max(1, int((4e6 if weights else 1e7) / len(rows) * epochs_scale))
        job = make_job(setting, rows, epochs, weights, batch_size, seed)
        job.checkpoint = str(parts.checkpoint(job.name).path)
        job.checkpoint_every = dict(checkpoint_every)
        if weights and (not jobs or setting["kwargs"]):
            check_fit(weights, job, pretrain)
        jobs[job.name] = job
        source = common | dict(
            columns=columns,
            flip_indices=setting["flip_indices"],
            parameters=describe(setting["kwargs"]),
            rows=len(rows),
            epochs=job.changes["max_epochs"],
        )
        sources[job.name] = json.loads(json.dumps(source))  # tuples become lists

    parts.make_folder()
    todo = resume.announce(jobs, sources, parts)
    if todo:
        _train_all(
            [jobs[name] for name in todo],
            (table.images, table.labels, weights),
            parts,
            sources,
            device=device,
            n_jobs=n_jobs,
            log_every=log_every,
        )
    trained = {jobs[name].columns: parts.load(name) for name in jobs}
    found = {
        setting["columns"]: trained.get(setting["columns"])
        or old.get(setting["columns"])
        or parts.load(name_of(setting["columns"]))
        for setting in settings
        if setting["columns"] in trained or setting["columns"] in old
    }
    storage.save(found, out)
    return found


def _train_all(jobs, arrays, parts, sources, *, device, n_jobs, log_every):
    """Train specialists and keep each as a part.

    Raises
    ------
    SpecialistError
        Some have failed.
    KeyboardInterrupt
        After Ctrl-C.
    """
    local = pool.is_local()
    n_jobs = pool.how_many(n_jobs, len(jobs))
    print(
        f"\n{n_jobs} at a time, on {xla.describe_device()}"
        if local
        else f"\n{n_jobs} at a time",
        flush=True,
    )
    missing = {job.name: None for job in jobs}
    epochs = {job.name: job.changes["max_epochs"] for job in jobs}
    rows = {job.name: len(job.rows) for job in jobs}
    board = Board(epochs, parts.log, log_every, rows, n_jobs)
    hub = Hub(board.hear, local=local)
    work = joblib.delayed(train)
    options = dict(
        link=hub.link,
        device=device,
        precision=xla.get_precision(),
        workers=n_jobs if local else 1,
    )
    calls = (work(job, *arrays, **options) for job in jobs)
    try:
        with pool.results(calls, n_jobs) as outcomes:
            for outcome in outcomes:
                if outcome.interrupted:
                    raise KeyboardInterrupt
                board.finish(outcome.name, outcome.history, _summary(outcome))
                if outcome.error:
                    missing[outcome.name] = outcome.error
                    continue
                parts.save(outcome.name, outcome.pickled, sources[outcome.name])
                del missing[outcome.name]
    except KeyboardInterrupt:
        board.close()
        print(f"\nNot finished: {', '.join(missing)}. {_kept(sources, missing, parts)}")
        raise
    except storage.StorageError:
        raise
    except Exception as error:  # such as that of a worker that the system has killed
        reason = f"{type(error).__name__}: {error}"
        missing = {name: why or reason for name, why in missing.items()}
    finally:
        hub.close()
        board.close()
    if missing:
        reasons = "; ".join(f"{name} ({why})" for name, why in missing.items())
        raise SpecialistError(
            f"the training of some specialists has failed: {reasons}. "
            + _kept(sources, missing, parts)
        )


def _kept(sources, missing, parts):
    finished = [name for name in sources if name not in missing]
    if not finished:
        return "None is finished yet."
    return (
        f"Finished, and kept in {parts.folder}: {', '.join(finished)}. To train the "
        "others, do the same again."
    )


def _summary(outcome):
    if outcome.error:
        return f"failed: {outcome.error}\n\n{outcome.traceback}"
    best = best_epoch(outcome.history)
    seconds = sum(row["dur"] for row in outcome.history)
    return (
        f"best {best['valid_loss']:.6f} at epoch {best['epoch']} of "
        f"{len(outcome.history)}, {seconds:.0f} s"
    )
