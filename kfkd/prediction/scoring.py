"""Kaggle's score of predictions, for images with known labels.

>>> from kfkd.prediction import scoring
>>> print(scoring.report(*scoring.evaluate(net6, X_held_out, y_held_out)))
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from kfkd import data
from kfkd.arguments import as_numbers, as_path
from kfkd.data import ALL_COLUMNS, COLUMNS, SIDE, text_tables
from kfkd.errors import ArgumentError, DataError
from kfkd.prediction.keypoints import Nets, predict
from kfkd.prediction.tables import check_table

__all__ = [
    "asked_for",
    "evaluate",
    "find_labels",
    "read_labels",
    "report",
    "score",
    "score_by_point",
]


def score(predictions: pd.DataFrame, labels: pd.DataFrame) -> float:
    """Return the error of predictions as Kaggle computes it.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Coordinates in pixels, as from ``kfkd.prediction.predict``. They are clipped
        to 0 ... 96, as in a submission.
    labels : pandas.DataFrame
        True coordinates in pixels; NaN where unknown. It may have fewer rows and
        columns than `predictions`, in another order: they are matched by index and
        columns.

    Returns
    -------
    float
        The root mean squared error of all labelled coordinates, in pixels.

    Raises
    ------
    ArgumentError
        Something is not a DataFrame, or there is no label, or one without a prediction.

    Notes
    -----
    Kaggle's page "Evaluation" of the competition. Its leaderboards show this score for
    two parts of the test set.
    """
    return float(np.sqrt(np.nanmean(_squares(predictions, labels).to_numpy())))


def score_by_point(predictions: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Return the error of each key point.

    Parameters and errors are those of `score`.

    Returns
    -------
    pandas.DataFrame
        One row per key point that has labels, indexed by its name, such as
        ``nose_tip``. ``locations`` is the number of its labels, x and y counted
        separately, and ``rmse`` their error in pixels. The mean of the squares of
        ``rmse``, weighted by ``locations``, is the square of the `score`.
    """
    squares = _squares(predictions, labels)
    points = squares.columns.str.replace(r"_[xy]$", "", regex=True)
    by_point = squares.T.groupby(points, sort=False)
    counts = by_point.count().sum(axis=1)
    rmse = np.sqrt(by_point.sum().sum(axis=1) / counts)
    return pd.DataFrame({"locations": counts, "rmse": rmse}).rename_axis("point")


def _squares(predictions, labels):
    """Return squared errors in pixels, NaN where a label is missing."""
    check_table("predictions", predictions)
    check_table("labels", labels)
    labels = labels.dropna(how="all").dropna(how="all", axis=1)
    if labels.empty:
        raise ArgumentError("there is no label to score against")
    for missing, what in (
        (labels.columns.difference(predictions.columns, sort=False), "column"),
        (labels.index.difference(predictions.index, sort=False), "image"),
    ):
        if len(missing):
            raise ArgumentError(
                f"there are labels, but no predictions for {what} {missing[0]}"
            )
    ours = predictions.loc[labels.index, labels.columns].clip(0, SIDE)
    lacking = (ours.isna() & labels.notna()).any()
    if lacking.any():
        raise ArgumentError(f"predictions are missing in column {lacking.idxmax()}")
    return (ours - labels) ** 2


def evaluate(
    nets: Nets,
    X: npt.NDArray[np.floating],
    y: npt.ArrayLike,
    columns: Sequence[str] | None = None,
    *,
    mirror: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predict images with known labels, for scoring nets.

    Parameters
    ----------
    nets, X
        As for ``kfkd.prediction.predict``.
    y : array, shape (n, len(columns))
        True coordinates in [-1, 1], as from ``kfkd.data.load``; NaN where unknown.
        With all columns, they tell which rows are sparse (`kfkd.data.columns`), and of
        these the points are predicted as sparse rows have them.
    columns : sequence of str
        Names of the columns of `y`; by default all 30, in Kaggle's order, or all of
        ``kfkd.data.ALL_COLUMNS`` if `y` has so many.
    mirror : bool, default=False
        As for ``kfkd.prediction.predict``.

    Returns
    -------
    predictions, labels : pandas.DataFrame
        In pixels, for `score`, `score_by_point` and `report`.

    Raises
    ------
    PredictionError
        As for ``kfkd.prediction.predict``.
    ArgumentError
        `y` has another shape.
    """
    targets: npt.NDArray[np.float64] = as_numbers("y", y).astype(np.float64)
    if columns is None:
        has_all = targets.shape[1:] == (len(ALL_COLUMNS),)
        columns = ALL_COLUMNS if has_all else COLUMNS
    if targets.shape != (len(X), len(columns)):
        raise ArgumentError(
            f"y has the shape {targets.shape}, not ({len(X)}, {len(columns)}) as X and "
            "columns have"
        )
    if set(columns) == set(ALL_COLUMNS):
        order = [list(columns).index(name) for name in ALL_COLUMNS]
        targets = data.join_sparse(targets[:, order]).astype(np.float64)
        columns = COLUMNS
    sparse = None
    if set(columns) == set(COLUMNS):
        order = [list(columns).index(name) for name in COLUMNS]
        sparse = data.sparse_rows(~np.isnan(targets[:, order]))
    predictions = predict(nets, X, mirror=mirror, sparse=sparse)
    labels = pd.DataFrame(
        data.to_pixels(targets), index=predictions.index, columns=list(columns)
    )
    return predictions, labels


def report(predictions: pd.DataFrame, labels: pd.DataFrame) -> str:
    """Return the score of each key point, and of all, as a table for printing.

    Parameters and errors are those of `score`.

    Returns
    -------
    str
    """
    table = score_by_point(predictions, labels)
    table.loc["all"] = table["locations"].sum(), score(predictions, labels)
    width = max(table.index.str.len())
    lines = [f"{'key point':{width}}  locations  RMSE (pixels)"]
    for point, count, rmse in table.itertuples():
        lines.append(f"{point:{width}}  {count:9,.0f}  {rmse:13.3f}")
    return "\n".join(lines)


def find_labels(folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the path of ``test_labels.csv`` beside ``test.csv``, as drawn faces have.

    Parameters
    ----------
    folder : path, optional
        As for ``kfkd.data.find``.

    Returns
    -------
    pathlib.Path or None
        None if there is no such file.

    Raises
    ------
    DataError
        There is no ``test.csv``.
    """
    path = data.find("test", folder).with_name("test_labels.csv")
    return path if path.is_file() else None


def read_labels(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the labels of a test set, such as the ``test_labels.csv`` of drawn faces.

    Parameters
    ----------
    path : path
        A file with ``ImageId`` and any of the 30 columns, in pixels; empty where a
        label is unknown.

    Returns
    -------
    pandas.DataFrame
        float64, with ``ImageId`` as the index, as `score` takes it.

    Raises
    ------
    DataError
        The file is missing or faulty; the message gives line and column.
    """
    path = as_path(path)
    labels, _ = data.read_csv(path, path.stem, _parse_labels)
    return labels


def _parse_labels(stream, where):
    """Return the labels in a binary file, checked."""
    table = text_tables.read(stream, where, ("ImageId",), optional=COLUMNS)
    ids = text_tables.whole_numbers(table.pop("ImageId"), where, unique=True)
    labels = {name: text_tables.numbers(table[name], where) for name in table}
    return pd.DataFrame(labels, index=pd.Index(ids, name="ImageId"))


def asked_for(labels: pd.DataFrame, lookup: pd.DataFrame) -> pd.DataFrame:
    """Select the labels that Kaggle scores: those that a submission must give.

    Parameters
    ----------
    labels : pandas.DataFrame
        As from `read_labels`.
    lookup : pandas.DataFrame
        As from ``kfkd.prediction.submission.read_lookup``.

    Returns
    -------
    pandas.DataFrame
        A copy, NaN where no label is asked for.

    Raises
    ------
    DataError
        None of the labels is asked for.
    ArgumentError
        Something is not such a DataFrame.
    """
    check_table("labels", labels)
    check_table("lookup", lookup, ("ImageId", "FeatureName"))
    asked = pd.crosstab(lookup["ImageId"], lookup["FeatureName"])
    asked = asked.reindex(index=labels.index, columns=labels.columns)
    labels = labels.where(asked > 0)
    if not labels.notna().to_numpy().any():
        raise DataError("the labels have none of the locations to be submitted")
    return labels
