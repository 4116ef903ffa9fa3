"""Origin of training data: Kaggle's photographs, drawn faces, or others.

Arrays that ``kfkd.data.load`` returns are remembered, so that a net knows what it was
trained on (``NeuralNet.trained_on_``).
"""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kfkd.data.columns import COLUMNS
from kfkd.data.drawn import is_as_recorded, read_record
from kfkd.messages import count

__all__ = ["TITLES", "Origin", "identify", "recall", "remember"]

TITLES = {
    "kaggle": "Kaggle's photographs",
    "drawn": "drawn faces (kfkd.faces)",
    "other": "other data in Kaggle's layout",
}

# Of Kaggle's training.csv, and of the tutorial's author's copy: the number of rows; how
# many of them are complete, and the means of some columns, in pixels, of both.
_ROWS = (7049, 7044)
_COMPLETE = 2140
_MEANS = {
    "left_eye_center_x": 66.359,
    "left_eye_center_y": 37.651,
    "mouth_center_bottom_lip_x": 48.570,
    "mouth_center_bottom_lip_y": 78.970,
}
_NEAR = 0.02


@dataclass(frozen=True)
class Origin:
    """Which data a training set is.

    Attributes
    ----------
    kind : {"kaggle", "drawn", "other"}
    rows, complete : int
        How many faces it has, and how many of them have all 30 labels.
    name : str
        Of the file, without its folder.
    fingerprint : str
        As from ``kfkd.data.fingerprint``.
    """

    kind: str
    rows: int
    complete: int
    name: str
    fingerprint: str

    @property
    def title(self) -> str:
        """What it is, for the middle of a sentence."""
        return TITLES[self.kind]

    @property
    def size(self) -> str:
        """How much it is, for people."""
        faces = count(self.rows, "face")
        return f"{faces}, {self.complete:,} of them with all 30 labels"


def identify(path: Path, fingerprint: str, labels: npt.NDArray[np.float64]) -> Origin:
    """Return the origin of a training set.

    Kaggle's data are recognized by their numbers of rows and the means of their labels.
    Drawn faces have the same numbers, but ``kfkd.faces.make`` leaves a record beside
    them.

    Parameters
    ----------
    path : pathlib.Path
        Its file.
    fingerprint : str
        Of the file.
    labels : float64 array, shape (n, 30)
        In pixels.
    """
    complete = int(np.count_nonzero(~np.isnan(labels).any(axis=1)))
    if is_as_recorded(path, read_record(path.parent)):
        kind = "drawn"
    else:
        kind = "kaggle" if _is_kaggles(labels, complete) else "other"
    return Origin(kind, len(labels), complete, path.name, fingerprint)


def _is_kaggles(labels, complete):
    if len(labels) not in _ROWS or complete != _COMPLETE:
        return False
    positions = [COLUMNS.index(name) for name in _MEANS]
    means = np.nanmean(labels[:, positions], axis=0)
    return bool((abs(means - list(_MEANS.values())) < _NEAR).all())


_known: dict[int, tuple[Any, Origin, tuple[str, ...]]] = {}


def remember(
    X: npt.NDArray[Any], origin: Origin | None, columns: Sequence[str]
) -> None:
    """Remember where an array comes from, for as long as it is there.

    Parameters
    ----------
    X : array
        The images.
    origin : Origin or None
        None is not remembered.
    columns : sequence of str
        The columns of the labels that go with it.
    """
    if origin is not None:
        key = id(X)
        reference = weakref.ref(X, lambda _: _known.pop(key, None))
        _known[key] = reference, origin, tuple(columns)


def recall(X: Any) -> tuple[Origin, tuple[str, ...]] | None:
    """Return the origin and the columns of an array, or of the one that it views."""
    while isinstance(X, np.ndarray):
        found = _known.get(id(X))
        if found and found[0]() is X:
            return found[1:]
        X = X.base
    return None
