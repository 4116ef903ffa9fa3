"""Nets that others replace: which of them are kept, and where.

With each net, its file has a summary of its training, which is read without running
code of the file.
"""

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kfkd.errors import StorageError
from kfkd.files import arrays, pickles
from kfkd.files.net_files import read_bytes
from kfkd.files.old_files import keep_old, locked_folder

__all__ = ["Summaries", "keep_replaced", "read_summaries", "summarize"]

Summaries = list[dict[str, Any]]


def summarize(net: Any) -> Summaries:
    """Return the summaries of a net, or of each in a set, as JSON can hold them.

    Returns
    -------
    list of dict
        ``key`` is None for a net by itself.  ``training`` tells trainings apart: it is
        a digest of the number of epochs asked for and the losses of the first, or None
        if there was none.  ``epochs`` and ``interrupted`` say how far it came.
    """
    nets = net.items() if isinstance(net, Mapping) else [(None, net)]
    return [
        {
            "key": list(key) if isinstance(key, tuple) else key,
            "training": _training(one),
            "epochs": len(getattr(one, "train_history_", ())),
            "interrupted": bool(getattr(one, "interrupted_", False)),
        }
        for key, one in nets
    ]


def _training(net: Any) -> str | None:
    history = getattr(net, "train_history_", ())
    if not history:
        return None
    losses = [history[0].get(name, np.nan) for name in ("train_loss", "valid_loss")]
    asked = getattr(net, "epochs_", getattr(net, "max_epochs", 0))
    told = np.array([asked, *losses], dtype=float)
    return hashlib.blake2b(told.tobytes(), digest_size=16).hexdigest()


def read_summaries(path: pathlib.Path) -> Summaries | None:
    """Return the summaries in the file of a net; None if it has none, or is damaged."""
    try:
        content = read_bytes(path)
        if content[:2] != b"PK":
            return pickles.read_note(content)
        about = arrays.read_about(path, "net", content)
        return [entry["summary"] for entry in about]
    except (StorageError, KeyError, TypeError):
        return None


def _is_continued(old: dict[str, Any], new: Summaries) -> bool:
    """Return whether nothing is lost where nets replace an old one."""
    for one in new:
        if one["key"] == old["key"] and one["epochs"] >= old["epochs"]:
            same = old["training"] is not None and one["training"] == old["training"]
            return same or old["interrupted"]
    return False


@contextlib.contextmanager
def keep_replaced(
    path: pathlib.Path, new: Summaries | None
) -> Iterator[pathlib.Path | None]:
    """Keep the net of a file beside it, where the block is to replace it by others.

    A net is not kept if the new one is of the same training, and as long; nor if it
    was interrupted, and is shorter.

    Parameters
    ----------
    path : pathlib.Path
        See `kfkd.files.old_files.keep_old` for the names of old ones.
    new : list of dict or None
        As from `summarize`; None if it is not known.

    Yields
    ------
    pathlib.Path or None
        Where it is kept.  It is there no more if the block fails.

    Raises
    ------
    StorageError
        It cannot be kept.
    """
    path = pathlib.Path(os.path.realpath(path))  # beside what a link points to
    kept = None
    with locked_folder(path):
        if path.is_file() and path.stat().st_size:
            old = read_summaries(path)
            if not old or not new or not all(_is_continued(one, new) for one in old):
                kept = keep_old(path)
        try:
            yield kept
        except BaseException:
            if kept:
                kept.unlink(missing_ok=True)
            raise
