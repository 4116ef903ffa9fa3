"""Seeded initialisation of layers."""

import contextlib
import threading

import lasagne
import numpy as np

__all__ = ["seeded_initialization"]

# Lasagne has one generator for all threads.
_lock = threading.RLock()


@contextlib.contextmanager
def seeded_initialization(seed):
    """Draw the weights of layers that are made in this block from a seeded generator.

    Meanwhile, other threads that ask for the same wait.

    Parameters
    ----------
    seed : int or None
        Without one, they draw from ``lasagne.random.get_rng()`` as ever.
    """
    with _lock:
        if seed is None:
            yield
            return
        rng = lasagne.random.get_rng()
        lasagne.random.set_rng(np.random.RandomState(seed))
        try:
            yield
        finally:
            lasagne.random.set_rng(rng)
