"""The weights of a net, as files hold them."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from kfkd.errors import StorageError
from kfkd.files import arrays, pickles
from kfkd.files.net_files import read_bytes
from kfkd.files.packing import pack, unpack
from kfkd.messages import shown

__all__ = ["load_params", "pack_weights", "unpack_weights"]


def pack_weights(weights, arrays, name):
    """Return weights as JSON can hold them, their arrays apart.

    Parameters
    ----------
    weights : dict of str to list of arrays, or None
        By layer, as from ``get_all_params_values``.
    arrays : dict
        Takes the arrays, by names that begin with `name`.
    name : str
    """
    return pack(weights and dict(weights), arrays, name)


def unpack_weights(packed, arrays):
    """Return what `pack_weights` was given.

    Raises
    ------
    ValueError
        If a weight is not finite.
    """
    weights = unpack(packed, arrays)
    for layer, values in (weights or {}).items():
        if not all(np.isfinite(value).all() for value in values):
            raise ValueError(f"the weights of its layer {layer!r} are not finite")
    return weights


def load_params(path: str | os.PathLike[str]) -> Any:
    """Load the weights in a file, or the net, pickled by anyone, that has them.

    Parameters
    ----------
    path : path

    Returns
    -------
    NeuralNet, or dict of str to list of arrays, or None
        What ``get_all_params_values`` of the net in the file returned; None if it had
        no weights.

    Raises
    ------
    StorageError
        If there is no such file, or it holds neither.
    """
    content = read_bytes(path)
    if content[:2] == b"PK":
        return _from_arrays(path)
    found = pickles.loads(content, path)
    if not (hasattr(found, "predict") or (isinstance(found, Mapping) and found)):
        raise StorageError(
            f"{path} holds {shown(found)} ({type(found).__name__}), where a net, or "
            "its parameters, are wanted"
        )
    return found


def _from_arrays(path):
    packed, about = arrays.read(path, "net")
    try:
        if len(about) != 1:
            raise ValueError(f"it is a set of {len(about)} nets, where one is wanted")
        return unpack_weights(about[0]["net"]["weights"], packed)
    except Exception as error:
        raise StorageError(f"{path} holds no sound net: {error}") from error
