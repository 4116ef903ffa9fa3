"""Pool of workers: joblib, with the backend that the user has chosen."""

import contextlib
import signal
import threading
import warnings

import joblib
from joblib.parallel import get_active_backend

from kfkd.jobs.devices import count_gpus
from kfkd.process.signals import hold_signals

__all__ = ["as_completed", "effective_n_jobs", "is_local"]

# From so many bytes on, arrays are files that workers map. A call without them is sent
# at once: of one half sent, as by a parent that is killed, a worker awaits the rest.
_SHARED = 10_000


def is_local():
    """Return whether joblib's backend is one of its own, on this machine."""
    backend, _ = get_active_backend()
    return type(backend).__module__ == "joblib._parallel_backends"


def effective_n_jobs(n_jobs, calls):
    """Return how many of `calls` calls are made at the same time.

    `n_jobs` is as for joblib; None stands for what ``joblib.parallel_config`` says. By
    default it is the number of GPUs, and 1 on the CPU, since one net uses all cores.
    """
    _, configured = get_active_backend()
    if n_jobs is None and is_local() and configured in (None, 1):
        n_jobs = count_gpus() or 1
    return max(1, min(joblib.effective_n_jobs(n_jobs), calls))


@contextlib.contextmanager
def as_completed(calls, n_jobs):
    """Make calls in parallel, and yield an iterator over results as they arrive.

    The calls are those of ``joblib.delayed``. If the block ends before all results have
    arrived, the calls that remain are cancelled.
    """
    backend, _ = get_active_backend()
    streams = n_jobs == 1 or backend.supports_return_generator
    parallel = joblib.Parallel(
        n_jobs,
        batch_size=1,
        max_nbytes=_SHARED,
        return_as="generator_unordered" if streams else "list",
    )
    # Neither the start nor the end of workers is broken off, also where joblib ends
    # them itself, so that no process is forgotten and no thread is waited for for ever.
    with contextlib.ExitStack() as stack:
        stack.enter_context(hold_signals(but_first=True))
        if not streams:
            yield iter(parallel(calls))
            return
        with hold_signals(), _terminal_ignored_by_children(is_local() and n_jobs > 1):
            found = parallel(calls)
            stack.callback(_close, found)
        yield found


def _close(found):
    with hold_signals(), warnings.catch_warnings():  # that calls are cancelled
        warnings.simplefilter("ignore")
        found.close()


@contextlib.contextmanager
def _terminal_ignored_by_children(wanted):
    """Make processes that are started in the block ignore Ctrl-C and SIGHUP.

    A terminal sends these to all of them, and each would print a traceback. The parent
    ends them instead.
    """
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (getattr(signal, name, None) for name in ("SIGINT", "SIGHUP"))
    before = {n: signal.signal(n, signal.SIG_IGN) for n in numbers if n}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
