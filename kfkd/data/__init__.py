"""The tutorial's data, read from Kaggle's CSV files, for training and prediction."""

from kfkd.data.columns import (
    ALL_COLUMNS,
    COLUMNS,
    PIXELS,
    SIDE,
    SPARSE_COLUMNS,
    check_cols,
    join_sparse,
    sparse_rows,
    split_sparse,
)
from kfkd.data.datasets import (
    arrays,
    load,
    load2d,
    load_held_out,
    read,
    training_rows,
)
from kfkd.data.locate import find, fingerprint, is_data_file, open_csv, read_csv
from kfkd.data.parse import Table
from kfkd.data.scaling import from_pixels, scale_images, to_pixels
from kfkd.errors import DataError, NoDataError

__all__ = [
    "ALL_COLUMNS",
    "COLUMNS",
    "PIXELS",
    "SIDE",
    "SPARSE_COLUMNS",
    "DataError",
    "NoDataError",
    "Table",
    "arrays",
    "check_cols",
    "find",
    "fingerprint",
    "from_pixels",
    "is_data_file",
    "join_sparse",
    "load",
    "load2d",
    "load_held_out",
    "open_csv",
    "read",
    "read_csv",
    "scale_images",
    "sparse_rows",
    "split_sparse",
    "to_pixels",
    "training_rows",
]
