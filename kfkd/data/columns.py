"""Layout of Kaggle's tables: column names, image size, and the two ways to mark faces.

Two thirds of the rows come from another collection.  These *sparse* rows have labels of
four points alone, and two of these are marked in other places: the nose at its base
instead of its tip, and the lower lip in the middle of the mouth.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from kfkd.errors import DataError
from kfkd.messages import hint, shown

__all__ = [
    "ALL_COLUMNS",
    "COLUMNS",
    "PIXELS",
    "SIDE",
    "SPARSE_COLUMNS",
    "check_cols",
    "join_sparse",
    "sparse_rows",
    "split_sparse",
]

SIDE = 96
PIXELS = SIDE * SIDE

# In the order of Kaggle's training.csv; "left" is the person's left.
_POINTS = (
    "left_eye_center",
    "right_eye_center",
    "left_eye_inner_corner",
    "left_eye_outer_corner",
    "right_eye_inner_corner",
    "right_eye_outer_corner",
    "left_eyebrow_inner_end",
    "left_eyebrow_outer_end",
    "right_eyebrow_inner_end",
    "right_eyebrow_outer_end",
    "nose_tip",
    "mouth_left_corner",
    "mouth_right_corner",
    "mouth_center_top_lip",
    "mouth_center_bottom_lip",
)
COLUMNS = tuple(f"{point}_{axis}" for point in _POINTS for axis in "xy")

# Of sparse rows, for nets with outputs of their own for these.
_SPARSE = [
    name
    for name in COLUMNS
    if name[:-2]
    in ("left_eye_center", "right_eye_center", "nose_tip", "mouth_center_bottom_lip")
]
SPARSE_COLUMNS = tuple(f"sparse_{name}" for name in _SPARSE)
ALL_COLUMNS = COLUMNS + SPARSE_COLUMNS
_AT = [COLUMNS.index(name) for name in _SPARSE]


def sparse_rows(has_label: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return which rows are sparse: those that have some of the four points alone.

    Parameters
    ----------
    has_label : bool array, shape (n, 30)
        Which labels there are, or are asked for.

    Returns
    -------
    bool array, shape (n,)
    """
    has_label = np.asarray(has_label, bool)
    others = np.delete(has_label, _AT, axis=1)
    return np.asarray(has_label.any(axis=1) & ~others.any(axis=1))


def split_sparse(labels: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return labels with those of sparse rows in columns of their own.

    Parameters
    ----------
    labels : array, shape (n, 30)
        Of a whole table, in the order of `COLUMNS`, NaN where missing.

    Returns
    -------
    array, shape (n, 38)
        In the order of `ALL_COLUMNS`.  A table without sparse rows has one way to mark
        faces: there the same labels are in both.
    """
    is_sparse = sparse_rows(~np.isnan(labels))[:, None]
    if not is_sparse.any():
        return np.hstack([labels, labels[:, _AT]])
    full = np.where(is_sparse, np.nan, labels)
    return np.hstack([full, np.where(is_sparse, labels[:, _AT], np.nan)])


def join_sparse(labels: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return labels as a table has them: the reverse of `split_sparse`.

    Parameters
    ----------
    labels : array, shape (n, 38)
        In the order of `ALL_COLUMNS`.

    Returns
    -------
    array, shape (n, 30)
        In the order of `COLUMNS`.
    """
    labels, of_sparse = labels[:, : len(COLUMNS)].copy(), labels[:, len(COLUMNS) :]
    labels[:, _AT] = np.where(np.isnan(labels[:, _AT]), of_sparse, labels[:, _AT])
    return labels


def check_cols(cols: Sequence[str] | None, test: bool = False) -> tuple[str, ...]:
    """Return names of target columns as a tuple, checked; empty stands for all.

    Raises
    ------
    DataError
        A name is unknown or appears twice.
    """
    if isinstance(cols, str) or not isinstance(cols, Iterable | None):
        raise DataError(f"cols is {shown(cols)}, not a list of column names")
    cols = () if cols is None else tuple(cols)
    known = (*ALL_COLUMNS, "ImageId") if test else ALL_COLUMNS
    for position, name in enumerate(cols):
        if name not in known:
            raise DataError(
                f"cols names {shown(name)}, which is not a target column"
                f"{hint(name, known)}; kfkd.data.COLUMNS lists them, and "
                "SPARSE_COLUMNS those of sparse rows"
            )
        if name in cols[:position]:
            raise DataError(f"cols names {name!r} twice")
    return cols
