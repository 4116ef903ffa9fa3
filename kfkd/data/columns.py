"""Layout of Kaggle's tables: column names, image size."""

from collections.abc import Iterable, Sequence

from kfkd.errors import DataError
from kfkd.messages import hint, shown

__all__ = ["COLUMNS", "PIXELS", "SIDE", "check_cols"]

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
    known = (*COLUMNS, "ImageId") if test else COLUMNS
    for position, name in enumerate(cols):
        if name not in known:
            raise DataError(
                f"cols names {shown(name)}, which is not a target column"
                f"{hint(name, known)}; kfkd.data.COLUMNS lists them"
            )
        if name in cols[:position]:
            raise DataError(f"cols names {name!r} twice")
    return cols
