"""Plan of the specialists' trainings: rows, epochs, parameters and provenance."""

import nolearn.lasagne as nolearn

from kfkd import data
from kfkd.augment import FlipBatchIterator
from kfkd.errors import ArgumentError
from kfkd.specialists.pretraining import check_fit
from kfkd.specialists.settings import describe, name_of
from kfkd.specialists.worker import Job
from kfkd.training.checks import check_parameters

__all__ = ["make_jobs"]

# Epochs times rows, as in the tutorial.
_FROM_SCRATCH, _PRETRAINED = 1e7, 4e6


def make_jobs(
    settings,
    table,
    pretrained,
    shared,
    results,
    *,
    folder,
    epochs_scale,
    max_rows,
    checkpoint_every,
):
    """Return the jobs of specialists.

    Parameters
    ----------
    settings : list of dict
        As from `read_settings`.
    table : kfkd.data.Table
        The training set.
    pretrained : Pretrained or None
    shared : dict
        The part of the provenance that they have in common.
    results : kfkd.jobs.results.Results
        Where the checkpoints are kept.
    folder, epochs_scale, max_rows, checkpoint_every
        As for `fit_specialists`.

    Raises
    ------
    ArgumentError
        Some ``kwargs`` name what is not a parameter, or give one a wrong value.
    SpecialistError
        A specialist cannot start from these weights.
    """
    jobs = []
    for setting in settings:
        columns, own = setting["columns"], setting["kwargs"]
        rows = data.training_rows(
            table, columns, holdout=shared["holdout"], folder=folder
        )[:max_rows]
        presentations = _PRETRAINED if pretrained else _FROM_SCRATCH
        changes = dict(
            output_num_units=len(columns),
            batch_iterator_train=FlipBatchIterator(
                shared["batch_size"], flip_indices=setting["flip_indices"]
            ),
            batch_iterator_test=nolearn.BatchIterator(shared["batch_size"]),
            max_epochs=max(1, int(presentations / len(rows) * epochs_scale)),
        )
        changes |= (pretrained.hidden_units() if pretrained else {}) | own
        path = results.checkpoint(name_of(columns)).path
        provenance = shared | dict(
            columns=columns,
            flip_indices=setting["flip_indices"],
            parameters=describe(own),
            rows=len(rows),
            epochs=changes["max_epochs"],
        )
        checkpoint = dict(checkpoint_every, path=path)
        job = Job(
            columns,
            rows,
            changes,
            shared["seed"],
            checkpoint,
            provenance,
            table.origin,
        )
        try:
            check_parameters(job.net())
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"the specialist for {job.name}: {error}") from error
        # Without parameters of their own, all have the same hidden layers.
        if pretrained and (not jobs or own):
            check_fit(pretrained, job)
        jobs.append(job)
    return jobs
