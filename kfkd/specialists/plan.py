"""Plan of the specialists' trainings: nets, rows, epochs and provenance."""

import dataclasses
import os
from collections.abc import Mapping

import nolearn.lasagne as nolearn

from kfkd import data, xla
from kfkd.augment import FlipBatchIterator
from kfkd.specialists.pretraining import check_fit
from kfkd.specialists.settings import describe
from kfkd.specialists.worker import Job

__all__ = ["Options", "make_jobs", "shared_provenance"]

# Epochs times rows, as in the tutorial.
_FROM_SCRATCH, _PRETRAINED = 1e7, 4e6


@dataclasses.dataclass(frozen=True)
class Options:
    """What all specialists have in common, as in `fit_specialists`."""

    folder: os.PathLike | None
    epochs_scale: float
    seed: int
    batch_size: int
    holdout: float
    max_rows: int | None
    checkpoint_every: Mapping


def shared_provenance(options, pretrained):
    """Return what all specialists are made from.

    Parameters
    ----------
    options : Options
    pretrained : Pretrained or None

    Returns
    -------
    dict
    """
    return dict(
        data=data.fingerprint(data.find("training", options.folder)),
        holdout=options.holdout,
        batch_size=options.batch_size,
        seed=options.seed,
        precision=xla.get_precision(),
        pretrained_from=pretrained.digest() if pretrained else None,
    )


def make_jobs(settings, table, pretrained, options, shared, results):
    """Return the jobs of specialists.

    Parameters
    ----------
    settings : list of dict
        As from `read_settings`.
    table : kfkd.data.Table
        The training set.
    pretrained : Pretrained or None
    options : Options
    shared : dict
        As from `shared_provenance`.
    results : kfkd.jobs.results.Results
        Where the checkpoints are kept.

    Returns
    -------
    list of Job

    Raises
    ------
    ValueError
        Some ``kwargs`` name what is not a parameter.
    SpecialistError
        A specialist cannot start from these weights.
    """
    jobs = []
    for setting in settings:
        job = _make_job(setting, table, pretrained, options)
        job.checkpoint = str(results.checkpoint(job.name).path)
        job.checkpoint_every = dict(options.checkpoint_every)
        job.provenance = shared | dict(
            columns=job.columns,
            flip_indices=setting["flip_indices"],
            parameters=describe(setting["kwargs"]),
            rows=len(job.rows),
            epochs=job.changes["max_epochs"],
        )
        # Without parameters of their own, all have the same hidden layers.
        if pretrained and (not jobs or setting["kwargs"]):
            check_fit(pretrained, job)
        jobs.append(job)
    return jobs


def _make_job(setting, table, pretrained, options):
    columns = setting["columns"]
    rows = data.training_rows(
        table, columns, holdout=options.holdout, folder=options.folder
    )[: options.max_rows]
    presentations = _PRETRAINED if pretrained else _FROM_SCRATCH
    epochs = max(1, int(presentations / len(rows) * options.epochs_scale))
    changes = dict(
        output_num_units=len(columns),
        batch_iterator_train=FlipBatchIterator(
            options.batch_size, flip_indices=setting["flip_indices"]
        ),
        batch_iterator_test=nolearn.BatchIterator(options.batch_size),
        max_epochs=epochs,
    )
    if pretrained:
        changes |= pretrained.hidden_units()
    job = Job(columns, rows, changes | setting["kwargs"], options.seed)
    try:
        job.net()
    except (TypeError, ValueError) as error:
        raise ValueError(f"the specialist for {job.name}: {error}") from error
    return job
