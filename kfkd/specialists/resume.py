"""Resume: the specialists of earlier calls that need no training."""

import pathlib
from collections.abc import Mapping

from kfkd import storage
from kfkd.errors import SpecialistError
from kfkd.jobs.results import differences
from kfkd.specialists.settings import name_of

__all__ = ["announce", "find_others"]


def find_others(settings, shared, results, out):
    """Return the specialists that are there already and are not to be trained.

    Parameters
    ----------
    settings : list of dict
        As from `read_settings`.
    shared : dict
        What those that are to be trained are made from.
    results : kfkd.jobs.results.Results
    out : path
        A pickle of specialists, if it is there.

    Returns
    -------
    dict of tuple of str to NeuralNet or None
        A net of `out`; None for one that is among the results.

    Raises
    ------
    SpecialistError
        Some were trained with other data or rows, or `out` holds something else.
    """
    kept, old = {}, None
    for setting in settings:
        columns, name = setting["columns"], name_of(setting["columns"])
        source = results.provenance(name)
        if source is not None and tuple(source["columns"]) == columns:
            for key in ("data", "holdout"):
                if source[key] != shared[key]:
                    raise SpecialistError(
                        f"the specialist for {name} in {results.folder} was trained "
                        f"with another {key} ({source[key]}, now {shared[key]}), so "
                        "the two do not belong together; name another file (out)"
                    )
            kept[columns] = None
            continue
        if old is None:
            old = storage.load(out) if pathlib.Path(out).exists() else {}
            if not isinstance(old, Mapping):
                raise SpecialistError(
                    f"{out} holds a single net, no set of specialists to add to; name "
                    "another file (out)"
                )
        if columns in old:
            if shared["holdout"]:
                raise SpecialistError(
                    f"whether the specialist for {name} in {out} has seen the rows to "
                    "be held out is not known; name another file (out)"
                )
            kept[columns] = old[columns]
    return kept


def announce(jobs, results):
    """Print the state of each job, and return the jobs that need training."""
    todo = []
    width = max(len(job.name) for job in jobs)
    for job in jobs:
        before = results.provenance(job.name)
        changed = differences(before, job.provenance)
        if before is None or changed:
            todo.append(job)
            note = f"  (anew: was trained with {changed})" if changed else ""
        else:
            note = f"  (done before, see {results.log(job.name)})"
        epochs = job.provenance["epochs"]
        unit = "epoch" if epochs == 1 else "epochs"
        print(f"{job.name:{width}} {len(job.rows):>6} rows {epochs:>6} {unit}{note}")
    return todo
