"""Which GPU, or which cores, each of several workers takes."""

import contextlib
import os
import threading

from kfkd import stack, xla

__all__ = ["count_gpus", "share_of_cores", "take_device"]


def take_device(name, place):
    """Choose the device of this process.

    Parameters
    ----------
    name : str or None
        As for ``kfkd.xla.set_device``. None leaves it to ``KFKD_DEVICE``, and without
        it takes the GPUs in turn.
    place : int or None
        Which of the machine's workers this is.
    """
    # For those that share a GPU; without effect where JAX runs already.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if name is None and place is not None and not _named():
        gpus = count_gpus()
        if gpus:
            name = f"cuda:{place % gpus}"
    if name is not None:
        xla.set_device(name)


def _named():
    return os.environ.get("KFKD_DEVICE") or stack.REQUESTED_DEVICE


def count_gpus():
    """Return how many GPUs programs may run on; 0 if the CPU is chosen."""
    device = xla.get_device()
    if device.platform == "cpu":
        return 0
    return 1 if _named() else len(device.client.local_devices())


@contextlib.contextmanager
def share_of_cores(place, workers):
    """Let JAX, if it is not running yet, use an even share of the CPU cores.

    Parameters
    ----------
    place : int
        Which of the workers this is.
    workers : int
        How many there are on this machine.

    Notes
    -----
    XLA makes as many threads as it may use cores when it starts, and these inherit the
    calling thread's restriction, which ends with the block. In threads other than the
    main one nothing is done, as they may have been given their cores by others, and
    so where the system has no such call.
    """
    main = threading.current_thread() is threading.main_thread()
    if workers < 2 or not main or not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    ordered = sorted(cores)
    workers = min(workers, len(ordered))
    os.sched_setaffinity(0, ordered[place % workers :: workers])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
