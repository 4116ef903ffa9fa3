"""Faces and their key points."""

import math
import numbers
from collections.abc import Iterable, Mapping

import numpy as np

from kfkd.arguments import whole
from kfkd.augment import FlipBatchIterator, flip_pairs
from kfkd.data import to_pixels
from kfkd.data.columns import COLUMNS, sparse_rows
from kfkd.errors import PlotError, PredictionError
from kfkd.messages import count, shown
from kfkd.prediction import predict

from .drawing import MARK, ORANGE, SKY
from .tiles import Tiles, checked

__all__ = ["plot_comparison", "plot_flip", "plot_predictions", "plot_sample"]

_CIRCLE = dict(marker="o", s=70, lw=1.3, facecolors="none", edgecolors=SKY)
_CROSS = dict(marker="x", s=40, lw=1.5, color=MARK)
_POINT = dict(s=34, lw=0.8, edgecolors="black")
_SIDES = {
    "left": _POINT | dict(label="the person's left", marker="^", color=ORANGE),
    "right": _POINT | dict(label="the person's right", marker="s", color=SKY),
    "middle": _POINT | dict(label="middle", marker="o", color="white"),
}


def plot_sample(x, y, axis):
    """Draw a face and its key points.

    Parameters
    ----------
    x : array of 9216 grey values in [0, 1], of any shape
    y : array, shape (2 * k,)
        Coordinates in [-1, 1], x and y in turn; NaN where one is not known.
    axis : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlotError
        Something has another shape.

    Notes
    -----
    The tutorial's function of this name.  Pixel c is drawn from c to c + 1, as the
    labels count.
    """
    return plot_predictions([x], [y], axis)


def plot_predictions(X, y, ax=None, *, rows=4, columns=4, title=None):
    """Draw the first faces with the key points that a net predicts for them.

    Parameters
    ----------
    X : array, shape (n, 9216) or (n, 1, 96, 96)
        Grey values in [0, 1].
    y : array, shape (n, 2 * k)
        Predictions in [-1, 1].  Points outside of a face's image are not drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    rows, columns : int, default=4
        The largest number of rows of faces, and of faces in a row.
    title : str, optional
        None by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlotError
        There is no face, or something has another shape.
    ArgumentError
        `rows` or `columns` is not a whole number of at least 1.

    Notes
    -----
    The figure samples1 of the tutorial.
    """
    rows, columns = whole("rows", rows, 1), whole("columns", columns, 1)
    first = slice(rows * columns)
    X, points = checked(np.atleast_1d(X)[first], np.atleast_1d(y)[first])
    columns = min(columns, len(X))
    rows = math.ceil(len(X) / columns)
    tiles = Tiles(ax, rows, columns, inches=1.75, title=title)
    for i, x in enumerate(X):
        tiles.face(i, x)
        tiles.mark(i, points[i])
    return tiles.ax


def plot_comparison(nets, X, index=0, y=None, ax=None):
    """Draw what several nets predict for a face, or for several, side by side.

    Parameters
    ----------
    nets : mapping of str to NeuralNet, or to a set of specialists
        Names, which become titles, and trained nets, as for
        ``kfkd.prediction.predict``.
    X : array, shape (n, 9216) or (n, 1, 96, 96)
        Grey values in [0, 1].
    index : int or sequence of int, default=0
        Which of the faces in `X` to draw.  With several nets, each row shows a net, or
        a face if there are fewer faces than nets.
    y : array, shape (n, 30), optional
        The true points in [-1, 1], NaN where one is not known.  They are drawn as
        circles, and the titles give each net's RMSE on this face, in pixels.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlotError
        There is no net or no such face, or something has another shape.
    PredictionError
        As for ``kfkd.prediction.predict``; the message begins with the net's name.

    Notes
    -----
    The figure samples2 of the tutorial.
    """
    named = isinstance(nets, Mapping) and all(isinstance(name, str) for name in nets)
    if not nets or not named:
        raise PlotError(
            "to compare nets, give a mapping of names to nets or to sets of specialists"
        )
    X = np.atleast_1d(X)
    y = np.full((len(X), len(COLUMNS)), np.nan) if y is None else y
    faces, truth = checked(X, y)
    indices = list(index) if isinstance(index, Iterable) else [index]
    if not indices:
        raise PlotError("index is empty: there is no face to draw")
    for index in indices:
        if not (isinstance(index, numbers.Integral) and 0 <= index < len(X)):
            raise PlotError(
                f"there is no face {shown(index)}; there are 0 to {len(X) - 1}"
            )
    X, faces, truth = X[indices], faces[indices], truth[indices]
    if truth.shape[1] != len(COLUMNS):
        raise PlotError(
            f"y has {count(truth.shape[1], 'column')}, where {len(COLUMNS)} are wanted"
        )

    # Each row has a net, or a face if these are fewer.
    order = [(j, name) for name in nets for j in range(len(X))]
    if len(X) < len(nets):
        order.sort(key=lambda pair: pair[0])
    rows = min(len(nets), len(X))
    if rows == 1:
        rows = math.ceil(len(order) / 4)
    columns = math.ceil(len(order) / rows)
    tiles = Tiles(ax, rows, columns, captions=True, inches=3)
    sparse = sparse_rows(np.isfinite(truth))
    predicted = {name: _predict(name, net, X, sparse) for name, net in nets.items()}
    for tile, (j, name) in enumerate(order):
        points = predicted[name].to_numpy()[j]
        known = truth[j, [COLUMNS.index(column) for column in predicted[name]]]
        caption = name
        if np.isfinite(known).any():
            rmse = np.sqrt(np.nanmean((points - known) ** 2))
            caption = f"{name} ({rmse:.2f} pixels)"
        tiles.face(tile, faces[j], caption)
        tiles.mark(tile, known, label="true", **_CIRCLE)
        tiles.mark(tile, points, label="predicted", **_CROSS)
    if np.isfinite(truth).any():
        tiles.legend()
    return tiles.ax


def _predict(name, net, X, sparse):
    try:
        return predict(net, X, sparse=sparse)
    except PredictionError as error:
        raise PredictionError(f"{name}: {error}") from error


def plot_flip(x, y, ax=None, *, columns=COLUMNS):
    """Draw a face beside its flipped copy, as `FlipBatchIterator` makes it.

    Points on the person's left are orange triangles, those on the right blue squares.
    The columns of a pair swap places: the left eye of one image is the right eye of the
    other, and its name is written above.

    Parameters
    ----------
    x : array of 9216 grey values in [0, 1], of any shape
    y : array, shape (len(columns),)
        Coordinates in [-1, 1]; NaN where one is not known.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    columns : sequence of str
        The names of the columns of `y`; by default all 30, in Kaggle's order.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlotError
        Something has another shape.
    ArgumentError
        `columns` has a left point without the right one, or the other way round.

    Notes
    -----
    The figure samples3 of the tutorial, where the points of the copy are not yet
    flipped.
    """
    (face,), _ = checked([x], [y])
    y, pairs = np.asarray(y), flip_pairs(columns)
    if y.shape != (len(columns),):
        raise PlotError(f"y has the shape {y.shape}, for {len(columns)} columns")
    iterator = FlipBatchIterator(batch_size=2, flip_indices=pairs)
    X2, y2 = iterator.transform(np.stack([face[None]] * 2), np.stack([y] * 2))
    # One of two is flipped.
    same = np.array_equal(X2[0, 0], face) and np.array_equal(y2[0], y, equal_nan=True)
    copy = 1 if same else 0

    tiles = Tiles(ax, 1, 2, captions=True, inches=3.2)
    names = [column[:-2] for column in columns[::2]]
    sides = np.array([_side(name) for name in names])
    for i, (image, values, caption) in enumerate(
        [(face, y, "original"), (X2[copy, 0], y2[copy], "flipped")]
    ):
        tiles.face(i, image, caption)
        points = to_pixels(values).reshape(-1, 2)
        for side, style in _SIDES.items():
            if side in sides:
                tiles.mark(i, points[sides == side].ravel(), **style)
        if pairs:  # the name of one and the same spot of the face
            which = pairs[0][i] // 2
            tiles.name(i, points[which], names[which])
    tiles.legend()
    return tiles.ax


def _side(name):
    words = name.split("_")
    return next((side for side in ("left", "right") if side in words), "middle")
