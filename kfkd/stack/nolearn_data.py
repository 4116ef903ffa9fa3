"""Data as nets take them: an array, or a dict of arrays for several inputs."""

import copy

import numpy as np

__all__ = ["copied", "each", "n_samples", "own_copy", "without_tables"]


def n_samples(X):
    """Return the number of samples in an array, or in a dict of arrays."""
    return len(next(iter(X.values())) if isinstance(X, dict) else X)


def without_tables(data):
    """Return data with tables and lists as arrays; others, such as files, stay."""

    def array(values):
        is_list = isinstance(values, (list, tuple)) or hasattr(values, "iloc")
        return np.asarray(values) if is_list else values

    return each(array, data)


def own_copy(values):
    """Return a copy in memory of an array, or of a sequence of another kind."""
    return np.array(values) if isinstance(values, np.ndarray) else copy.copy(values)


def each(function, data):
    """Apply a function to an array, or to those in a dict."""
    if isinstance(data, dict):
        return {name: function(values) for name, values in data.items()}
    return function(data)


def copied(data):
    """Return data that an iterator may write to.

    Of files that are mapped into memory it cannot: there may be no room for a copy.
    """

    def copy_of(values):
        if isinstance(values, np.memmap) and values.mode in ("r+", "w+"):
            values = values.view()
            values.flags.writeable = False
        return values.copy() if type(values) is np.ndarray else values

    return each(copy_of, data)
