"""Forks: what a child process cannot use of its parent's, and locks that it can.

A child has a copy of the parent's memory, and one thread: that which has forked.  XLA
computes in threads of its own.  A child whose parent has started XLA would wait for
them for ever, as it would for the locks that other threads held at the fork.
"""

import ctypes
import os
import sys
import threading
import weakref

from kfkd.errors import StateError

__all__ = ["fork_safe_rlock", "raise_if_forked"]

_xla_is_lost = False
_locks = weakref.WeakSet()


def raise_if_forked():
    """Raise StateError if XLA had been started when this process was forked."""
    if _xla_is_lost:
        raise StateError(
            "this process was forked from one in which XLA had been started, and XLA's "
            "threads are not in it: it can neither run functions of mode 'xla' nor "
            "read values on the device. Start processes by the method 'spawn' or "
            "'forkserver' of multiprocessing, or by joblib's default backend 'loky'; "
            "or fork before anything has been computed."
        )


def fork_safe_rlock():
    """Return a ``threading.RLock`` that is free in a child process.

    It still belongs to the thread that has forked if that holds it.
    """
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def _after_fork_in_child():
    global _xla_is_lost
    for lock in _locks:
        if lock.acquire(blocking=False):
            lock.release()
        else:
            lock._at_fork_reinit()
    # JAX has no public way to ask whether it has started, or is about to.
    bridge = sys.modules.get("jax._src.xla_bridge")
    lock = getattr(bridge, "_backend_lock", None)
    if getattr(bridge, "_backends", None) or (lock is not None and lock.locked()):
        _xla_is_lost = True
        _keep_jax()


def _keep_jax():
    """Keep all that JAX's modules hold, even when Python ends.

    XLA's clients and pools of threads are among it.  To delete one is to wait for its
    threads, or to crash.
    """
    # Those of jaxlib and of JAX's plug-ins, too.
    modules = [m for name, m in sys.modules.items() if name.startswith("jax")]
    kept = [vars(module).copy() for module in modules]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork_in_child)
