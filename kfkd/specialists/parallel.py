"""Training of several specialists, each saved as soon as its result arrives."""

import joblib

from kfkd import storage, xla
from kfkd.errors import SpecialistError
from kfkd.history import best_epoch
from kfkd.jobs import pool
from kfkd.jobs.progress_bars import ProgressBars
from kfkd.jobs.progress_channel import ProgressChannel
from kfkd.process.signals import hold_signals
from kfkd.specialists.worker import train

__all__ = ["train_all"]


@hold_signals(but_first=True)
def train_all(jobs, todo, arrays, results, *, device, n_jobs, log_every):
    """Train specialists, and save each among the results.

    Parameters
    ----------
    jobs, todo : list of Job
        All, and those to train.
    arrays : tuple
        The training set's images and labels, and the weights to start from.
    results : kfkd.jobs.results.Results
    device, n_jobs, log_every
        As for `fit_specialists`.

    Raises
    ------
    SpecialistError
        Some have failed.
    """
    n_jobs = pool.effective_n_jobs(n_jobs, len(todo))
    where = f", on {xla.describe_device()}" if pool.is_local() else ""
    print(f"\n{n_jobs} at a time{where}", flush=True)

    provenance = {job.name: job.provenance for job in todo}
    missing = dict.fromkeys(provenance)  # why, by name; None if not yet known
    kept = []  # what has been there before
    bars = ProgressBars(
        {job.name: job.changes["max_epochs"] for job in todo},
        results.log,
        log_every,
        {job.name: len(job.rows) for job in todo},
        n_jobs,
    )
    channel = ProgressChannel(bars.report, local=pool.is_local())
    options = dict(
        progress=channel.sender,
        device=device,
        precision=xla.get_precision(),
        n_workers=n_jobs if pool.is_local() else 1,
    )
    calls = (joblib.delayed(train)(job, *arrays, **options) for job in todo)
    try:
        with pool.as_completed(calls, n_jobs) as outcomes:
            for outcome in outcomes:
                if outcome.interrupted:
                    raise KeyboardInterrupt
                name = outcome.name
                bars.finish(name, outcome.history, _summary(outcome))
                if outcome.error:
                    missing[name] = outcome.error
                else:
                    kept.append(results.save(name, outcome.pickled, provenance[name]))
                    del missing[name]
    except KeyboardInterrupt:
        bars.close()
        print(f"\nNot finished: {', '.join(missing)}. {_kept(jobs, missing, results)}")
        raise
    except storage.StorageError:
        raise
    except Exception as error:  # such as that of a worker that the system has killed
        reason = f"{type(error).__name__}: {error}"
        missing = {name: why or reason for name, why in missing.items()}
    finally:
        channel.close()
        bars.close()
        if any(kept):
            print(f"What was there is kept: {', '.join(map(str, filter(None, kept)))}")
    if missing:
        reasons = "; ".join(f"{name} ({why})" for name, why in missing.items())
        raise SpecialistError(
            f"the training of some specialists has failed: {reasons}. "
            + _kept(jobs, missing, results)
        )


def _kept(jobs, missing, results):
    finished = [job.name for job in jobs if job.name not in missing]
    if not finished:
        return "None is finished yet."
    return (
        f"Finished, and kept in {results.folder}: {', '.join(finished)}. To train the "
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
