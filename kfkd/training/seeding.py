"""Seeded initialisation of layers."""

import contextlib

import lasagne
import numpy as np

from kfkd.process.forks import fork_safe_rlock

__all__ = ["seeded_initialization"]

# Lasagne has one generator for all threads.
_lock = fork_safe_rlock()


@contextlib.contextmanager
def seeded_initialization(seed):
    """Draw the weights of layers that are made in this block from a seeded generator.

    Without a seed they come from ``lasagne.random.get_rng()``, as ever.  Other threads
    that enter such a block wait meanwhile.
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
