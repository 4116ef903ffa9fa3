"""Mirrored faces: which columns change places, and predictions averaged over both."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kfkd.data import COLUMNS, SIDE, check_cols
from kfkd.errors import ArgumentError

__all__ = [
    "average_mirrored",
    "flip_pairs",
    "mirror_images",
    "mirror_points",
    "sources",
]


def flip_pairs(columns: Sequence[str] = COLUMNS) -> list[tuple[int, int]]:
    """Return the pairs of target columns that are exchanged when a face is mirrored.

    Parameters
    ----------
    columns : sequence of str
        Names of target columns, such as ``left_eye_center_x``.

    Returns
    -------
    list of (int, int)
        Positions of a left column and of its right counterpart, in the order of the
        columns.

    Raises
    ------
    ArgumentError
        Only one of the two is among the columns, so that its value in the mirrored
        face is unknown; or a column is unknown.

    Notes
    -----
    ``flip_indices`` of the tutorial's section "Data augmentation", which is written by
    hand there.
    """
    columns = check_cols(columns)
    position = {name: i for i, name in enumerate(columns)}
    pairs = []
    for name, i in position.items():
        sides = ("left", "right") if "left" in name else ("right", "left")
        other = name.replace(*sides)
        if other not in position:
            raise ArgumentError(
                f"{name!r} is among the columns, but {other!r} is not; images of faces "
                "can only be flipped when both are"
            )
        if i < position[other]:
            pairs.append((i, position[other]))
    return pairs


def sources(k: int, pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.intp]:
    """Return which of `k` columns each column comes from in a mirrored face."""
    found = np.arange(k)
    for a, b in pairs:
        found[[a, b]] = found[[b, a]]
    return found


def mirror_points(points: Any, pairs: Sequence[tuple[int, int]]) -> Any:
    """Return the points of mirrored faces.

    Parameters
    ----------
    points : array, shape (n, k)
        Coordinates in [-1, 1], x and y in turn; of NumPy or of JAX.
    pairs : list of (int, int)
        As from `flip_pairs`.

    Returns
    -------
    array, shape (n, k)
        With -x for x: that agrees with pixel column c becoming column 95 - c.
    """
    k = points.shape[1]
    sign = np.where(np.arange(k) % 2 == 0, -1, 1).astype(points.dtype)
    return (points * sign)[:, sources(k, pairs)]


def mirror_images(X: Any) -> Any:
    """Return mirrored images, of shape (n, 9216) or (n, ..., height, width)."""
    images = X.reshape(-1, SIDE, SIDE) if X.ndim == 2 else X
    return np.ascontiguousarray(images[..., ::-1]).reshape(X.shape)


def average_mirrored(
    predict: Callable[[Any], Any], X: Any, pairs: Sequence[tuple[int, int]]
) -> Any:
    """Return predictions averaged over images and their mirror images.

    Parameters
    ----------
    predict : callable
        Returns points in [-1, 1] for images, as the ``predict`` of a net.
    X : array, shape (n, 9216) or (n, ..., height, width)
    pairs : list of (int, int)
        As from `flip_pairs`, for the columns that are predicted.

    Returns
    -------
    array
        As from `predict`.
    """
    return (predict(X) + mirror_points(predict(mirror_images(X)), pairs)) / 2
