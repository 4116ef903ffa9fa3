"""Kaggle submissions from trained nets.

>>> from kfkd import storage
>>> from kfkd.prediction import submission
>>> submission.submit(storage.load("net-specialists.pickle"))

The steps of ``submit`` can be called on their own: ``read_lookup``, ``answer``,
``write``.
"""

import datetime
import os
import pathlib

import numpy as np
import pandas as pd

from kfkd import data
from kfkd.arguments import as_path
from kfkd.data import COLUMNS, SIDE, text_tables
from kfkd.errors import DataError, PredictionError
from kfkd.messages import count, hint, shown
from kfkd.prediction.keypoints import Nets, by_columns, predict_test_set
from kfkd.prediction.tables import check_table
from kfkd.storage import check_writable, written_atomically

__all__ = [
    "answer",
    "check",
    "new_path",
    "read_lookup",
    "sparse_images",
    "submit",
    "write",
]

_LOOKUP = ("RowId", "ImageId", "FeatureName")


def read_lookup(folder: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Read ``IdLookupTable.csv``: which coordinates a submission must give.

    Parameters
    ----------
    folder : path, optional
        As for ``kfkd.data.load``.

    Returns
    -------
    pandas.DataFrame
        ``RowId``, ``ImageId`` (int64) and ``FeatureName``, in the file's order.

    Raises
    ------
    DataError
        There is no such file, or it is faulty: the message gives line and column.
    """
    path = data.find("IdLookupTable", folder)
    lookup, _ = data.read_csv(path, "IdLookupTable", _parse_lookup)
    return lookup


def _parse_lookup(stream, where):
    """Return the lookup table in a binary file, checked."""
    table = text_tables.read(stream, where, _LOOKUP)
    names = table["FeatureName"]
    lookup = pd.DataFrame(
        {
            "RowId": text_tables.whole_numbers(table["RowId"], where, unique=True),
            "ImageId": text_tables.whole_numbers(table["ImageId"], where),
            "FeatureName": names.to_numpy(),
        }
    )
    for row in np.flatnonzero(~names.isin(COLUMNS)):
        name = names.iloc[row]
        what = f"{shown(name)} is not a target column{hint(name, COLUMNS)}"
        what = "the value is missing" if pd.isna(name) else what
        raise text_tables.fault(names, row, where, what)
    return lookup


def sparse_images(lookup: pd.DataFrame) -> list[int]:
    """Return the images of which a submission gives what sparse rows have.

    Parameters
    ----------
    lookup : pandas.DataFrame
        As from `read_lookup`.

    Returns
    -------
    list of int
        Their ``ImageId``; see `kfkd.data.columns`.
    """
    asked = pd.crosstab(lookup["ImageId"], lookup["FeatureName"])
    asked = asked.reindex(columns=COLUMNS, fill_value=0)
    return asked.index[data.sparse_rows(asked > 0)].to_list()


def answer(predictions: pd.DataFrame, lookup: pd.DataFrame) -> pd.DataFrame:
    """Return the coordinates that a submission must give.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Coordinates in pixels, with ``ImageId`` as the index, as from
        ``kfkd.prediction.predict``.
    lookup : pandas.DataFrame
        ``RowId``, ``ImageId``, ``FeatureName``, as from `read_lookup`.

    Returns
    -------
    pandas.DataFrame
        ``RowId`` and ``Location``, clipped to 0 ... 96 pixels, in the order of
        `lookup`.

    Raises
    ------
    PredictionError
        A feature that is asked for is not predicted.
    DataError
        An image that is asked for has no predictions.
    ArgumentError
        Something is not such a DataFrame.

    Notes
    -----
    Images are looked up by ``ImageId``. The tutorial's ``kfkd.py`` uses it as the
    position of a row in ``test.csv``.
    """
    check_table("predictions", predictions)
    check_table("lookup", lookup, _LOOKUP)
    rows = predictions.index.get_indexer(lookup["ImageId"])
    columns = predictions.columns.get_indexer(lookup["FeatureName"])
    for found, name, fault, error in (
        (columns, "FeatureName", "which is not predicted", PredictionError),
        (rows, "ImageId", "which the test set does not have", DataError),
    ):
        missing = np.flatnonzero(found < 0)
        if len(missing):
            first = lookup.iloc[missing[0]]
            others = lookup[name].iloc[missing].nunique() - 1
            raise error(
                f"IdLookupTable.csv asks, with RowId {first['RowId']}, for "
                f"{name} {first[name]}, {fault}"
                + (f" (and for {others} more such)" if others else "")
            )
    locations = predictions.to_numpy()[rows, columns].clip(0, SIDE)
    return pd.DataFrame({"RowId": lookup["RowId"].to_numpy(), "Location": locations})


def check(submission: pd.DataFrame, lookup: pd.DataFrame) -> None:
    """Raise PredictionError if Kaggle would reject a submission.

    Parameters
    ----------
    submission : pandas.DataFrame
        ``RowId`` and ``Location``, rows in any order.
    lookup : pandas.DataFrame
        As from `read_lookup`.

    Raises
    ------
    PredictionError
        It has other columns; a row is missing, unknown or repeated; or a location is
        missing or outside of 0 ... 96 pixels.
    ArgumentError
        Something is not such a DataFrame.
    """
    check_table("submission", submission)
    check_table("lookup", lookup, ("RowId",))
    if list(submission.columns) != ["RowId", "Location"]:
        raise PredictionError(
            f"a submission has the columns RowId and Location, not "
            f"{', '.join(map(str, submission.columns))}"
        )
    ids, wanted = submission["RowId"], lookup["RowId"]
    outside = ~submission["Location"].between(0, SIDE)  # or missing
    for faulty, fault in (
        (wanted[~wanted.isin(ids)], "is missing"),
        (ids[~ids.isin(wanted)], "is not in IdLookupTable.csv"),
        (ids[ids.duplicated()], "appears twice"),
        (ids[outside], f"has no location within 0 ... {SIDE} pixels"),
    ):
        if len(faulty):
            raise PredictionError(
                f"the submission is faulty: RowId {faulty.iloc[0]} {fault}"
                + (f", like {count(len(faulty) - 1, 'other row')}" * (len(faulty) > 1))
            )


def new_path() -> pathlib.Path:
    """Return the path ``submission-<time>.csv``, as the tutorial's ``kfkd.py`` does."""
    now = datetime.datetime.now().isoformat().replace(":", "-")
    return pathlib.Path(f"submission-{now}.csv")


def write(
    submission: pd.DataFrame,
    lookup: pd.DataFrame,
    path: str | os.PathLike[str] | None = None,
) -> pathlib.Path:
    """Check a submission and write it atomically.

    Parameters
    ----------
    submission, lookup : pandas.DataFrame
        As for `check`.
    path : path, optional
        By default `new_path`, in the current folder.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    PredictionError, ArgumentError
        As for `check`; nothing is written.
    StorageError
        The file cannot be written.
    """
    check(submission, lookup)
    path = new_path() if path is None else as_path(path)
    with written_atomically(path) as draft:
        submission.to_csv(draft, index=False, lineterminator="\n")
    return path


def _check_columns(nets, lookup):
    """Raise PredictionError if nets lack key points that are asked for."""
    given = {name[:-2] for columns in nets for name in columns}
    asked = {name[:-2] for name in lookup["FeatureName"]}
    missing = [name[:-2] for name in COLUMNS[::2] if name[:-2] in asked - given]
    if missing:
        raise PredictionError(
            f"the {count(len(nets), 'specialist')} predict {len(asked & given)} of the "
            f"{count(len(asked), 'key point')} that IdLookupTable.csv asks for; those "
            f"for {', '.join(missing)} are missing"
        )


def submit(
    nets: Nets,
    folder: str | os.PathLike[str] | None = None,
    path: str | os.PathLike[str] | None = None,
    *,
    mirror: bool = False,
) -> tuple[pathlib.Path, pd.DataFrame]:
    """Predict the test set and write Kaggle's file.

    Parameters
    ----------
    nets, folder, path
        As for ``kfkd.prediction.predict``, ``kfkd.data.load`` and `write`.
    mirror : bool, default=False
        As for ``kfkd.prediction.predict``.

    Returns
    -------
    path : pathlib.Path
        The file.
    predictions : pandas.DataFrame
        Its predictions, as from ``kfkd.prediction.predict``.

    Raises
    ------
    DataError, PredictionError, StorageError
        Something is missing or faulty; nothing is written.
    """
    if path is not None:
        check_writable(path)
    lookup = read_lookup(folder)
    _check_columns(by_columns(nets), lookup)
    predictions = predict_test_set(
        nets, folder, mirror=mirror, sparse_ids=sparse_images(lookup)
    )
    return write(answer(predictions, lookup), lookup, path), predictions
