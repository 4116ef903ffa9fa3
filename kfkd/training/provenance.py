"""What nets were trained on, and how that is told."""

import datetime
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import kfkd
from kfkd.data import origin
from kfkd.messages import count

__all__ = ["data_of", "describe", "extend", "is_of_drawn_faces", "taken_over"]


def extend(
    trained_on: Sequence[dict[str, Any]], X: Any, y: Any, epochs: int
) -> list[dict[str, Any]]:
    """Return what a net was trained on, with a training that begins.

    Parameters
    ----------
    trained_on : sequence of dict
        Of the trainings before; see `kfkd.NeuralNet`.
    X, y
        As they are given to ``fit``.
    epochs : int
        How many there have been before.
    """
    found = origin.recall(X)
    entry: dict[str, Any] = {"kind": "unknown", "faces": len(y)}
    if found:
        source, columns = found
        entry |= {
            "kind": source.kind,
            "file": source.name,
            "fingerprint": source.fingerprint,
            "columns": list(columns),
        }
    entry |= {
        "date": datetime.date.today().isoformat(),
        "kfkd": kfkd.__version__,
        "after_epoch": epochs,
    }
    before = [*trained_on]
    if before and all(
        before[-1].get(key) == entry.get(key)
        for key in ("kind", "fingerprint", "columns")
    ):
        earlier = before.pop()  # of which this may be a batch
        entry["after_epoch"] = earlier["after_epoch"]
        entry["faces"] = max(earlier["faces"], entry["faces"])
    return [*before, entry]


def taken_over(own: Any, source: Any) -> list[dict[str, Any]]:
    """Return what a net was trained on once it has weights of another.

    Parameters
    ----------
    own : NeuralNet
    source : NeuralNet, or mapping
        A net, or its weights by layer: with ``trained_on_``, or else nobody knows.
    """
    before = [*own.trained_on_] if own.train_history_ else []
    theirs = [*getattr(source, "trained_on_", ())]
    is_trained = getattr(source, "train_history_", True)
    # Its own weights, as early stopping puts them back, are no news to a trained net.
    are_own = bool(before) and isinstance(source, Mapping)
    if not theirs and is_trained and not are_own:
        theirs = [{"kind": "unknown", "faces": 0, "after_epoch": 0}]
    return [*before, *({**entry, "after_epoch": 0} for entry in theirs)]


def _trainings(nets):
    """Return the trainings of a net, or of each net of a set."""
    nets = nets.values() if isinstance(nets, Mapping) else [nets]
    return [[*getattr(net, "trained_on_", ())] for net in nets]


def _entries(nets):
    return [*chain.from_iterable(_trainings(nets))]


def is_of_drawn_faces(nets: Any) -> bool:
    """Return whether a net, or each of a set, has learnt from drawn faces alone."""
    trainings = _trainings(nets)
    return bool(trainings) and all(
        {entry["kind"] for entry in entries} == {"drawn"} for entries in trainings
    )


def data_of(nets: Any) -> str:
    """Return which data a net, or a set of them, was trained on; "" if not known."""
    titles = origin.TITLES | {"unknown": "data of a program's own"}
    return ", then ".join(
        dict.fromkeys(titles[entry["kind"]] for entry in _entries(nets))
    )


def describe(nets: Any) -> str:
    """Return what a net, or a set of them, was trained on: for people, in a line.

    Returns
    -------
    str
        "" if it is not known, as of nets that other programs have saved.
    """
    entries = _entries(nets)
    if not entries:
        return ""
    known = sorted((e for e in entries if "date" in e), key=lambda e: e["date"])
    if not known:  # of weights that came without a net
        return data_of(nets)
    last = known[-1]
    faces = max(entry["faces"] for entry in known if entry["kind"] == last["kind"])
    return (
        f"{data_of(nets)}: {count(faces, 'face')}, {last['date']}, kfkd {last['kfkd']}"
    )
