"""Saving and loading nets: as pickles, or as arrays and JSON, which run no code."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from kfkd.choices import NET_FORMATS as FORMATS
from kfkd.errors import StorageError
from kfkd.estimator import NeuralNet
from kfkd.files import arrays, pickles
from kfkd.files.net_files import read_bytes
from kfkd.messages import shown
from kfkd.storage.definition import decode, encode

__all__ = ["FORMATS", "load", "save"]

Specialists = Mapping[tuple[str, ...], NeuralNet]


def save(net: NeuralNet | Specialists, path: str | os.PathLike[str]) -> None:
    """Save a net or a set of specialists.

    Parameters
    ----------
    net : NeuralNet, or dict of str or tuple of str to NeuralNet
    path : path
        With the ending ``.npz`` for a file of arrays and JSON, which holds nets of this
        package whose definitions are made of its own parts and those of Lasagne and
        nolearn.  With any other, for a pickle as in the tutorial, of anything.

    Raises
    ------
    StorageError
        If the file cannot be written, or not hold the net; an old one stays as it was.
    """
    if pathlib.Path(path).suffix == FORMATS["arrays"]:
        packed: dict[str, Any] = {}
        nets = net.items() if isinstance(net, Mapping) else [(None, net)]
        about = []
        for i, (key, one) in enumerate(nets):
            encoded = _encoded(one, packed, f"net{i}", path)
            about.append({"key": key, "net": encoded})  # JSON: a tuple is a list
        arrays.write(path, "net", packed, about)
        return
    pickles.dump(net, path)


def _encoded(net, packed, name, path):
    try:
        return encode(net, packed, name)
    except TypeError as error:
        raise StorageError(
            f"{path} cannot hold the net, as {error}; try a pickle, a file whose name "
            f"ends in {FORMATS['pickle']}"
        ) from error


def load(path: str | os.PathLike[str]) -> NeuralNet | Specialists:
    """Load what `save` has written, whatever the ending of its name.

    Loading a pickle can run any code that its author has put into it: load only those
    that you trust.  Loading a file of arrays and JSON runs no code of the file.

    Parameters
    ----------
    path : path

    Returns
    -------
    NeuralNet, or dict of tuple of str to NeuralNet

    Raises
    ------
    StorageError
        If there is no such file, or it does not hold a net.
    """
    content = read_bytes(path)
    if content[:2] == b"PK":
        return _load_arrays(path)
    found = pickles.loads(content, path)
    wrong = _wrong(found)
    if wrong:
        raise StorageError(
            f"{path} holds {wrong}, where a net, or a set of specialists, is wanted"
        )
    return found


def _wrong(found):
    """Return what a pickle holds if that is neither a net nor a set of them."""
    if hasattr(found, "predict"):
        return None
    if not (isinstance(found, Mapping) and found):
        return f"{shown(found)} ({type(found).__name__})"
    for key, value in found.items():
        if not hasattr(value, "predict"):
            kinds = f"({type(found).__name__} of {type(value).__name__})"
            return f"{shown(value)} under {shown(key)} {kinds}"
    return None


def _load_arrays(path):
    packed, about = arrays.read(path, "net")
    try:
        nets = [(entry["key"], decode(entry["net"], packed)) for entry in about]
    except Exception as error:
        raise StorageError(f"{path} holds no sound net: {error}") from error
    if len(nets) == 1 and nets[0][0] is None:
        return nets[0][1]
    return {tuple(k) if isinstance(k, list) else k: net for k, net in nets}
