"""Predictions of trained nets, as tables of coordinates in pixels."""

import itertools
import math
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.exceptions import NotFittedError

from kfkd import data
from kfkd.arguments import check
from kfkd.data import ALL_COLUMNS, COLUMNS, PIXELS, SIDE, SPARSE_COLUMNS
from kfkd.errors import ArgumentError, PredictionError
from kfkd.messages import count, hint, shown
from kfkd.mirrored import flip_pairs, mirror_images, mirror_points

__all__ = ["Nets", "PredictionError", "Predictor", "predict", "predict_test_set"]


class Predictor(Protocol):
    """A trained net, or another estimator with ``predict``."""

    def predict(self, X: Any, /) -> npt.ArrayLike:
        """Return outputs in [-1, 1], a row for each image."""


Nets: TypeAlias = Predictor | Mapping[tuple[str, ...], Predictor]


def predict(
    nets: Nets,
    X: npt.ArrayLike,
    ids: Sequence[Any] | npt.NDArray[Any] | None = None,
    *,
    mirror: bool = False,
    sparse: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Predict key points in pixels.

    Parameters
    ----------
    nets : NeuralNet, or mapping of tuple of str to NeuralNet
        A net with 30 outputs, in the order of ``kfkd.data.COLUMNS``, or with 38, in
        that of ``ALL_COLUMNS``; or a set of specialists by the columns that they
        predict. Any object with ``predict`` is a net. Nets of nolearn get images in the
        shape of their input layer, others get rows.
    X : array, shape (n, 9216) or (n, 1, 96, 96)
        Grey values in [0, 1], as from ``kfkd.data.load`` or ``load2d``.
    ids : sequence, optional
        Names of the images; by default numbers from 1.
    mirror : bool, default=False
        Average the predictions for an image and for its mirror image. A NeuralNet with
        ``mirror=True`` does so in any case.
    sparse : bool array, shape (n,), optional
        Of which images points are wanted as sparse rows have them
        (`kfkd.data.columns`), from a net that has outputs for these; by default none.

    Returns
    -------
    pandas.DataFrame
        float64, one row per image, one column per predicted coordinate, in the order
        of ``COLUMNS``, x and y in turn. Coordinates are pixels and not clipped: a net
        may place a point outside of the image. The index is `ids`, named ``ImageId``.

    Raises
    ------
    PredictionError
        `nets` is something else, is not trained, predicts NaN or infinity, or predicts
        only x or only y of a point.
    ArgumentError
        `X` has another shape, or `ids` or `sparse` another length; or, with `mirror`, a
        net predicts only the left or only the right of two points.

    Notes
    -----
    The function ``predict`` of the tutorial's ``kfkd.py``, where columns are in the
    order of the specialists.
    """
    X = np.asarray(X)
    if X.shape[1:] not in ((PIXELS,), (1, SIDE, SIDE)):
        raise ArgumentError(
            f"X has the shape {X.shape}, not (n, {PIXELS}) or (n, 1, {SIDE}, {SIDE}) "
            f"of images of {SIDE} x {SIDE} pixels"
        )
    X = X.reshape(-1, PIXELS)
    if ids is not None:
        is_list = isinstance(ids, Collection) and not isinstance(ids, str)
        is_valid = is_list and len(ids) == len(X)
        check("ids", ids, is_valid, f"a list of {count(len(X), 'name')}, as X has rows")
    is_sparse = np.zeros(len(X), bool) if sparse is None else np.asarray(sparse)
    is_valid = is_sparse.dtype == bool and is_sparse.shape == (len(X),)
    check("sparse", sparse, is_valid, f"an array of {count(len(X), 'boolean')}")
    single = not isinstance(nets, Mapping)
    parts: dict[str, npt.NDArray[np.float64]] = {}
    for columns, net in by_columns(nets).items():
        name = "the net" if single else f"the specialist for {columns[0]}"
        y = _outputs(net, X, name)
        if single and y.shape == (len(X), len(ALL_COLUMNS)):
            columns = ALL_COLUMNS
        if y.shape != (len(X), len(columns)):
            outputs = (
                count(y.shape[1], "column")
                if y.ndim == 2
                else f"an array of shape {y.shape}"
            )
            raise PredictionError(
                f"{name} predicts {outputs}, where {len(columns)} are wanted"
                + ("; is it one of a set of specialists?" if single else "")
            )
        if mirror:
            there = _outputs(net, mirror_images(X), name)
            y = (y + mirror_points(there, flip_pairs(columns))) / 2
        bad = np.count_nonzero(~np.isfinite(y).all(axis=1))
        if bad:
            raise PredictionError(
                f"{name} predicts NaN or infinity for {bad} of {len(X)} images; its "
                "training has failed"
            )
        # In double precision, as in the tutorial.
        parts.update(zip(columns, data.to_pixels(y.astype(np.float64)).T, strict=True))
    for name in parts.keys() & set(SPARSE_COLUMNS):
        full = name.removeprefix("sparse_")
        parts[full] = np.where(is_sparse, parts[name], parts[full])
    index = pd.RangeIndex(1, len(X) + 1) if ids is None else pd.Index(ids)
    table = pd.DataFrame(parts, index=index.rename("ImageId"))
    return table[[name for name in COLUMNS if name in parts]]


def by_columns(nets: Nets) -> Mapping[tuple[str, ...], Predictor]:
    """Return nets as a mapping of columns to nets, checked."""
    if not isinstance(nets, Mapping):
        nets = {COLUMNS: nets}
    if not nets:
        raise PredictionError("the set of specialists is empty")
    for columns, net in nets.items():
        if not hasattr(net, "predict"):
            raise PredictionError(
                f"{shown(net)} is neither a trained net nor one of a set of specialists"
            )
        if not isinstance(columns, tuple) or not columns:
            raise PredictionError(
                "a set of specialists maps tuples of columns to nets; "
                f"{shown(columns)} is not such a tuple"
            )
    seen: set[str] = set()
    for name in itertools.chain.from_iterable(nets):
        if name not in COLUMNS:
            raise PredictionError(
                f"a specialist predicts {shown(name)}, which is not a target column"
                f"{hint(name, COLUMNS)}"
            )
        if name in seen:
            raise PredictionError(f"{name!r} is predicted twice")
        seen.add(name)
    for name in seen:
        other = name[:-1] + {"x": "y", "y": "x"}[name[-1]]
        if other not in seen:
            raise PredictionError(f"{name!r} is predicted, but {other!r} is not")
    return nets


def _outputs(net, X, name):
    """Return the outputs of a net, in [-1, 1], for rows of pixels."""
    layers = getattr(net, "layers_", None)  # only nolearn's nets have a dict
    if isinstance(layers, Mapping):
        shape = next(iter(layers.values())).shape[1:]
        if None in shape or math.prod(shape) != PIXELS:
            raise PredictionError(
                f"{name} takes inputs of the shape {shape}, not {SIDE} x {SIDE} pixels"
            )
        X = X.reshape(-1, *shape)
    try:
        return np.asarray(net.predict(X))
    except NotFittedError as error:
        raise PredictionError(f"{name} has not been trained") from error


def predict_test_set(
    nets: Nets,
    folder: str | os.PathLike[str] | None = None,
    *,
    mirror: bool = False,
    sparse_ids: Collection[int] = (),
) -> pd.DataFrame:
    """Predict key points, in pixels, for the images of ``test.csv``.

    Parameters
    ----------
    nets, folder, mirror
        As for `predict` and ``kfkd.data.load``.
    sparse_ids : collection of int
        The images that are `sparse` for `predict`, by their ``ImageId``.

    Returns
    -------
    pandas.DataFrame
        As from `predict`, with the file's ``ImageId`` as the index.

    Raises
    ------
    DataError
        There is no test set, or it is faulty.
    PredictionError
        As for `predict`.
    """
    table = data.read("test", folder)
    X = data.scale_images(table.images)
    ids = pd.Index(table.ids)
    return predict(nets, X, table.ids, mirror=mirror, sparse=ids.isin([*sparse_ids]))
