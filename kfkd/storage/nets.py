"""Saving and loading nets: as pickles, or as arrays and JSON, which run no code."""

import os
import pickle
from collections.abc import Mapping
from typing import Any

from kfkd.arguments import as_path
from kfkd.choices import NET_FORMATS as FORMATS
from kfkd.errors import StorageError
from kfkd.estimator import NeuralNet
from kfkd.files import arrays, pickles
from kfkd.files.net_files import holds_arrays, is_for_arrays, read_bytes
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
        With the ending ``.npz``, a file of arrays and JSON is written. It can hold nets
        of this package that are made of its own parts and those of Lasagne and nolearn.
        With another ending, a pickle is written as in the tutorial, of anything.

    Raises
    ------
    StorageError
        The file cannot be written, or cannot hold the net; an old one is unchanged.
    ArgumentError
        `path` is not a path.
    """
    path = as_path(path, before=net)
    if is_for_arrays(path):
        packed: dict[str, Any] = {}
        nets = net.items() if isinstance(net, Mapping) else [(None, net)]
        about = []
        for i, (key, one) in enumerate(nets):
            try:
                encoded = encode(one, packed, f"net{i}")
            except TypeError as error:
                raise StorageError(
                    f"{path} cannot hold the net, as {error}; {_advice(one)}"
                ) from error
            about.append({"key": key, "net": encoded})  # JSON turns a tuple into a list
        arrays.write(path, "net", packed, about)
    else:
        pickles.dump(net, path)


def _advice(net):
    """Return how a net can be saved that a file of arrays cannot hold."""
    try:
        pickle.dumps(net)
    except Exception:  # pickle raises many things
        return (
            "nor can a pickle hold it: write functions with def, and classes, at the "
            "top of a module, rather than within functions or as a lambda"
        )
    return f"try a pickle, a file whose name ends in {FORMATS['pickle']}"


def load(path: str | os.PathLike[str]) -> NeuralNet | Specialists:
    """Load what `save` has written.

    A pickle can run any code that its author has put into it: load only those that you
    trust. A file of arrays and JSON runs no code; one whose name ends in ``.npz`` is
    such a file, or an error.

    Parameters
    ----------
    path : path

    Returns
    -------
    NeuralNet, or dict of tuple of str to NeuralNet

    Raises
    ------
    StorageError
        There is no such file, or it does not hold a net.
    ArgumentError
        `path` is not a path.
    """
    content = read_bytes(path)
    if holds_arrays(path, content):
        return _load_arrays(path)
    found = pickles.loads(content, path)
    if hasattr(found, "predict"):
        return found
    wrong = f"{shown(found)} ({type(found).__name__})"
    if isinstance(found, Mapping) and found:
        foreign = [item for item in found.items() if not hasattr(item[1], "predict")]
        if not foreign:
            return found
        key, value = foreign[0]
        kinds = f"({type(found).__name__} of {type(value).__name__})"
        wrong = f"{shown(value)} under {shown(key)} {kinds}"
    raise StorageError(f"{path} holds {wrong}, not a net or a set of specialists")


def _load_arrays(path):
    packed, about = arrays.read(path, "net")
    try:
        nets = [(entry["key"], decode(entry["net"], packed)) for entry in about]
    except Exception as error:
        raise StorageError(f"{path} does not hold a valid net: {error}") from error
    if len(nets) == 1 and nets[0][0] is None:
        return nets[0][1]
    return {tuple(k) if isinstance(k, list) else k: net for k, net in nets}
