"""Devices: which GPU, or which CPU cores, each of several workers uses."""

import contextlib
import os
import threading

from kfkd import stack, xla

__all__ = ["count_gpus", "limit_cores", "take_device"]


def take_device(name, place):
    """Set the device of this process.

    Parameters
    ----------
    name : str or None
        As for ``kfkd.xla.set_device``. With None, ``KFKD_DEVICE`` decides; if it is not
        set, workers take GPUs in turn.
    place : int or None
        The number of this worker among those of the machine.
    """
    # For processes that share a GPU; without effect once JAX has started.
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
    """Return the number of GPUs to train on; 0 if the CPU is chosen."""
    device = xla.get_device()
    if device.platform == "cpu":
        return 0
    return 1 if _named() else len(device.client.local_devices())


@contextlib.contextmanager
def limit_cores(place, workers):
    """Limit JAX, if it starts in the block, to an even share of the CPU cores.

    When XLA starts, it creates one thread for each core that it may use. These threads
    inherit the restriction of the calling thread, which ends with the block. Nothing
    is done in threads other than the main one, since others may have chosen their
    cores, or where the system has no such call.

    Parameters
    ----------
    place : int
        The number of this worker among those of the machine.
    workers : int
        How many there are on this machine.
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
