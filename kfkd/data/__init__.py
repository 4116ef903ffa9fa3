"""The tutorial's data, read from Kaggle's CSV files, for training and prediction."""

from kfkd.data.columns import COLUMNS, PIXELS, SIDE
from kfkd.data.datasets import (
    arrays,
    check_cols,
    from_pixels,
    load,
    load2d,
    load_held_out,
    read,
    scale_images,
    to_pixels,
    training_rows,
)
from kfkd.data.locate import find, fingerprint, open_csv, read_csv
from kfkd.data.parse import Table
from kfkd.errors import DataError, NoDataError

__all__ = [
    "COLUMNS",
    "PIXELS",
    "SIDE",
    "DataError",
    "NoDataError",
    "Table",
    "arrays",
    "check_cols",
    "find",
    "fingerprint",
    "from_pixels",
    "load",
    "load2d",
    "load_held_out",
    "open_csv",
    "read",
    "read_csv",
    "scale_images",
    "to_pixels",
    "training_rows",
]
