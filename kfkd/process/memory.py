"""Memory: how much there is, and that of XLA's programs on the CPU."""

import ctypes
import math
import os

__all__ = ["keep_memory", "physical_memory"]

# Parameters of glibc's mallopt, from its malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8
_NEVER = -1


def keep_memory():
    """Keep memory that is freed in the process, for the next allocation.

    Call it before any thread is started: threads would get heaps of their own.

    XLA allocates the intermediate results of a program anew at every call, some 600
    megabytes for a training step of net2.  glibc gets blocks of that size from the
    kernel, which has to clear each page when it is first touched: a third of the time
    of the step.  Kept instead, the same blocks serve every step.  That costs memory, as
    the heap grows in the first calls: training net2 takes 1.8 gigabytes, not 1.2.

    The user's settings of glibc (``MALLOC_...``, ``GLIBC_TUNABLES``) stand.  With
    another C library nothing is done.
    """
    decided = {"GLIBC_TUNABLES", "LD_PRELOAD"}
    if any(name in decided or name.startswith("MALLOC_") for name in os.environ):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc
        return
    # Blocks come from one heap, by XLA's threads too, and it never shrinks.
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, _NEVER)
    mallopt(_M_ARENA_MAX, 1)


def physical_memory():
    """Return how many bytes of memory the machine has; infinity if it is not known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return math.inf
