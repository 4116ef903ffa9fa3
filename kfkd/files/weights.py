"""Weights of nets in files."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from kfkd.errors import StorageError
from kfkd.files import arrays, pickles
from kfkd.files.net_files import holds_arrays, read_bytes
from kfkd.files.packing import unpack
from kfkd.messages import shown

__all__ = ["Weights", "load_params", "unpack_weights"]


class Weights(dict):
    """The weights of a net by layer, and what it was trained on.

    Parameters
    ----------
    weights : dict of str to list of arrays
    trained_on : sequence of dict
        As ``NeuralNet.trained_on_``, which is the name of the attribute, too.
    """

    def __init__(self, weights, trained_on):
        super().__init__(weights)
        self.trained_on_ = [dict(entry) for entry in trained_on]


def unpack_weights(packed, arrays):
    """Return packed weights; raise ValueError if one is not finite."""
    weights = unpack(packed, arrays)
    for layer, values in (weights or {}).items():
        if not all(np.isfinite(value).all() for value in values):
            raise ValueError(f"the weights of its layer {layer!r} are not finite")
    return weights


def load_params(path: str | os.PathLike[str]) -> Any:
    """Load the weights in a file, or the pickled net that has them.

    Parameters
    ----------
    path : path

    Returns
    -------
    NeuralNet, or dict of str to list of arrays, or None
        As from ``get_all_params_values`` of the net in the file; None if it had no
        weights.

    Raises
    ------
    StorageError
        There is no such file, or it holds neither.
    """
    content = read_bytes(path)
    if holds_arrays(path, content):
        return _from_arrays(path, content)
    found = pickles.loads(content, path)
    if not (hasattr(found, "predict") or (isinstance(found, Mapping) and found)):
        raise StorageError(
            f"{path} holds {shown(found)} ({type(found).__name__}), not a net or its "
            "parameters"
        )
    return found


def _from_arrays(path, content):
    """Return the weights in a file of arrays."""
    packed, about = arrays.read(path, "net", content)
    try:
        if len(about) != 1:
            raise ValueError(f"it is a set of {len(about)} nets, not one net")
        net = about[0]["net"]
        weights = unpack_weights(net["weights"], packed)
        if weights is None:
            return None
        return Weights(weights, unpack(net["fitted"], packed).get("trained_on_", ()))
    except Exception as error:
        raise StorageError(f"{path} does not hold a valid net: {error}") from error
