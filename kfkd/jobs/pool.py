"""Work shared out by joblib, over the backend that the user has chosen."""

import contextlib
import signal
import threading
import warnings

import joblib
from joblib.parallel import get_active_backend

from kfkd.jobs.devices import count_gpus

__all__ = ["how_many", "is_local", "results"]


def is_local():
    """Return whether joblib's backend is one of its own, on this machine."""
    backend, _ = get_active_backend()
    return type(backend).__module__ == "joblib._parallel_backends"


def how_many(n_jobs, most):
    """Return how many pieces of work are done at the same time.

    Parameters
    ----------
    n_jobs : int or None
        As for joblib. None is as many as there are GPUs, and 1 on the CPU, which a
        single net keeps busy; unless ``joblib.parallel_config`` says something else.
    most : int
        How many pieces there are.
    """
    _, configured = get_active_backend()
    if n_jobs is None and is_local() and configured in (None, 1):
        n_jobs = count_gpus() or 1
    return max(1, min(joblib.effective_n_jobs(n_jobs), most))


@contextlib.contextmanager
def results(calls, n_jobs):
    """Do the work, and give the results in the order in which they arrive.

    When the block ends before all results have arrived, the work is broken off.

    Parameters
    ----------
    calls : iterable
        Of ``joblib.delayed``.
    n_jobs : int

    Yields
    ------
    iterator
    """
    backend, _ = get_active_backend()
    streams = n_jobs == 1 or backend.supports_return_generator
    parallel = joblib.Parallel(
        n_jobs,
        batch_size=1,
        return_as="generator_unordered" if streams else "list",
    )
    with _ctrl_c_ignored_by_children(is_local() and n_jobs > 1):
        found = parallel(calls) if streams else None
    if not streams:
        found = iter(parallel(calls))
    try:
        yield found
    finally:
        if streams:
            with warnings.catch_warnings():  # of its end before all have arrived
                warnings.simplefilter("ignore")
                found.close()


@contextlib.contextmanager
def _ctrl_c_ignored_by_children(wanted):
    """Let processes that are started in the block never see Ctrl-C.

    A terminal sends it to all of them. It is for the parent to end them, which would
    otherwise each print where it was.
    """
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
