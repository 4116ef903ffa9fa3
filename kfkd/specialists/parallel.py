"""Training of several specialists, each saved as soon as its result arrives."""

import concurrent.futures

import joblib

from kfkd import storage, xla
from kfkd.errors import SpecialistError
from kfkd.history import best_epoch
from kfkd.jobs import pool
from kfkd.jobs.progress_bars import ProgressBars
from kfkd.jobs.progress_channel import ProgressChannel
from kfkd.process.signals import hold_signals, is_signal_held, raise_held_signal
from kfkd.specialists.worker import train

__all__ = ["train_all"]

_INTERRUPTED = "interrupted"


def train_all(jobs, todo, arrays, results, *, device, n_jobs, log_every):
    """Train specialists, and save each among the results.

    Parameters
    ----------
    jobs, todo : list of Job
        All, and those to train.
    arrays : tuple
        The training set's images and labels, and the net to start from.
    results : kfkd.jobs.results.Results
    device, n_jobs, log_every
        As for `fit_specialists`.

    Raises
    ------
    SpecialistError
        Some have failed.
    KeyboardInterrupt
        On Ctrl-C, SIGTERM or SIGHUP, once workers on this machine have ended, each
        after its epoch, with a checkpoint.  What another machine trains is not awaited.
    """
    with hold_signals(but_first=not pool.is_local()):
        _train_all(jobs, todo, arrays, results, device, n_jobs, log_every)


def _train_all(jobs, todo, arrays, results, device, n_jobs, log_every):
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

    def report(name, news):
        if is_signal_held() or _INTERRUPTED in missing.values():
            raise KeyboardInterrupt  # in the worker, which saves a checkpoint
        bars.report(name, news)

    channel = ProgressChannel(report, local=pool.is_local())
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
                name = outcome.name
                if outcome.interrupted:  # and soon the others will be
                    missing[name] = _INTERRUPTED
                    continue
                bars.finish(name, outcome.history, _summary(outcome))
                if outcome.error:
                    missing[name] = outcome.error
                else:
                    kept.append(results.save(name, outcome.pickled, provenance[name]))
                    del missing[name]
        if _INTERRUPTED in missing.values():
            raise KeyboardInterrupt
    except storage.StorageError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        # A signal may have killed workers, too.
        if isinstance(error, KeyboardInterrupt) or is_signal_held():
            bars.close()
            names = ", ".join(missing)
            print(f"\nNot finished: {names}. {_kept(jobs, missing, results)}")
            raise_held_signal()  # by which the exit status is that of the signal
            raise KeyboardInterrupt from None
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, concurrent.futures.BrokenExecutor):
            reason = "a worker was killed, perhaps as memory was short"
        missing = {name: why or reason for name, why in missing.items()}
    finally:
        channel.close()
        bars.close()
        if any(kept):
            print(f"What was there is kept: {', '.join(map(str, filter(None, kept)))}")
    if missing:
        names = {}
        for name, why in missing.items():
            names.setdefault(why, []).append(name)
        reasons = "; ".join(f"{', '.join(names[why])} ({why})" for why in names)
        raise SpecialistError(
            f"the training of some specialists has failed: {reasons}. "
            + _kept(jobs, missing, results)
        )


def _kept(jobs, missing, results):
    finished = [job.name for job in jobs if job.name not in missing]
    if not finished:
        return "None is finished yet. To go on, do the same again."
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
