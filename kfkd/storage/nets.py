"""Saving and loading nets: as pickles, or as arrays and JSON, which run no code."""

import contextlib
import os
import pathlib
import pickle
from collections.abc import Mapping
from typing import Any

from kfkd.arguments import as_path, check
from kfkd.choices import NET_FORMATS as FORMATS
from kfkd.errors import StorageError
from kfkd.estimator import NeuralNet
from kfkd.files import arrays, pickles
from kfkd.files.net_files import holds_arrays, is_for_arrays, read_bytes
from kfkd.messages import shown
from kfkd.storage.definition import decode, encode
from kfkd.storage.replaced import Summaries, keep_replaced, summarize

__all__ = ["FORMATS", "load", "pickled", "save"]

Specialists = Mapping[tuple[str, ...], NeuralNet]


def save(
    net: NeuralNet | Specialists,
    path: str | os.PathLike[str],
    *,
    keep_old: bool = False,
    half: bool = False,
) -> pathlib.Path | None:
    """Save a net or a set of specialists.

    Parameters
    ----------
    net : NeuralNet, or dict of str or tuple of str to NeuralNet
    path : path
        With the ending ``.npz``, a file of arrays and JSON is written. It can hold nets
        of this package that are made of its own parts and those of Lasagne and nolearn.
        With another ending, a pickle is written as in the tutorial, of anything.
    keep_old : bool, default=False
        Keep a net that the file holds already beside it, as ``net6.old.pickle``, unless
        the new one has been trained further in the same training, or the old one was
        interrupted and has no more epochs than the new one.
    half : bool, default=False
        Round weights to half precision, so that a file of arrays has half the size.
        Predictions change by some hundredths of a pixel. A loaded net computes as ever.

    Returns
    -------
    pathlib.Path or None
        Where the old net is kept, if it is.

    Raises
    ------
    StorageError
        The file cannot be written, or cannot hold the net; an old one is unchanged.
    ArgumentError
        `path` is not a path, or `half` is asked of a pickle.
    """
    path = as_path(path, before=net)
    is_possible = not half or is_for_arrays(path)
    check("half", half, is_possible, "False unless the name ends in .npz")
    summaries = summarize(net)
    with contextlib.ExitStack() as stack:
        kept = None
        if keep_old:
            kept = stack.enter_context(keep_replaced(path, summaries))
        _save(net, path, summaries, half)
    return kept


def _save(
    net: NeuralNet | Specialists,
    path: pathlib.Path,
    summaries: Summaries,
    half: bool,
) -> None:
    if is_for_arrays(path):
        packed: dict[str, Any] = {}
        nets = net.items() if isinstance(net, Mapping) else [(None, net)]
        about = []
        for i, ((key, one), summary) in enumerate(zip(nets, summaries, strict=True)):
            try:
                encoded = encode(one, packed, f"net{i}", half=half)
            except TypeError as error:
                raise StorageError(
                    f"{path} cannot hold the net, as {error}; {_advice(one)}"
                ) from error
            # JSON turns a tuple into a list.
            about.append({"key": key, "net": encoded, "summary": summary})
        arrays.write(path, "net", packed, about)
    else:
        pickles.dump(net, path, summaries)


def pickled(net: NeuralNet | Specialists) -> bytes:
    """Return what `save` writes as a pickle; errors are those of pickle."""
    return pickles.dumps(net, summarize(net))


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
        return _load_arrays(path, content)
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


def _load_arrays(path, content):
    packed, about = arrays.read(path, "net", content)
    try:
        keys = [_key(entry["key"]) for entry in about]
        if not keys or len({*keys}) < len(keys) or (None in keys and len(keys) > 1):
            raise ValueError("it names none, or two by the same name")
        nets = [decode(entry["net"], packed) for entry in about]
    except Exception as error:
        raise StorageError(f"{path} does not hold a valid net: {error}") from error
    return nets[0] if keys == [None] else dict(zip(keys, nets, strict=True))


def _key(key):
    """Return the name of a net in a set as it was when it was saved."""
    return tuple(map(str, key)) if isinstance(key, list) else key
