"""Data sets of the Kaggle competition: reading, splitting, loading.

``load`` and ``load2d`` are the tutorial's (section "The data"). ``read`` gives the same
tables unscaled, with all rows. Where the files come from: ``data/README.md``.
"""

import dataclasses
import math
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import shuffle

from kfkd.arguments import one_of, share
from kfkd.data import cache
from kfkd.data.columns import (
    ALL_COLUMNS,
    COLUMNS,
    PIXELS,
    SIDE,
    SPARSE_COLUMNS,
    check_cols,
    split_sparse,
)
from kfkd.data.locate import find, fingerprint, read_csv
from kfkd.data.origin import identify, remember
from kfkd.data.parse import Table, parse
from kfkd.data.scaling import from_pixels, scale_images
from kfkd.errors import ArgumentError, DataError
from kfkd.messages import count
from kfkd.progress import Bar

__all__ = [
    "arrays",
    "load",
    "load2d",
    "load_held_out",
    "read",
    "training_rows",
]

# Images scaled at a time.
_BLOCK = 256


def load(
    test: bool = False,
    cols: Sequence[str] | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    holdout: float = 0,
    missing: str = "drop",
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
    """Load the training or the test set, scaled and ready to fit.

    It prints the number of values in each column, before rows are dropped.

    Parameters
    ----------
    test : bool, default=False
        Load the test set instead of the training set.
    cols : sequence of str, optional
        Target columns, in this order; all 30 by default. If some of
        ``kfkd.data.SPARSE_COLUMNS`` are among them, labels of sparse rows are in these
        alone (see `kfkd.data.columns`). A test set has no targets: there `cols`, which
        may contain ``ImageId``, selects the numbers that are printed, and every image
        is returned.
    folder : path, optional
        The folder with the files, instead of those that `find` looks into.
    holdout : float, default=0
        The share of the training set's rows, from 0 to less than 1, that is left out
        of training and validation: the rows that `load_held_out` returns.
    missing : {"drop", "keep"}, default="drop"
        Return only the rows that have all of the columns, or those that have any.
        Most rows lack some. Nets learn from such rows with
        ``objective_loss_function=kfkd.objectives.masked_squared_error``.

    Returns
    -------
    X : float32 array, shape (n, 9216)
        Grey values in [0, 1], one image per row.
    y : float32 array, shape (n, 30) or (n, len(cols)), or None
        Coordinates in [-1, 1], x and y in turn, NaN where missing; None for a test
        set. `to_pixels` converts them back. Training rows are shuffled with
        ``random_state=42``, as in the tutorial; test rows are in the order of the file.

    Raises
    ------
    DataError
        There are no usable data (see `find` and `read`), a name in `cols` is unknown,
        or no row has all the columns, or a column no labels.
    ArgumentError
        `holdout` is not such a share, or is given for a test set, or `missing` is
        something else.

    Notes
    -----
    The tutorial's section "The data", which drops rows. From the same file the results
    are the tutorial's, bit for bit, with two exceptions: columns are in Kaggle's order
    even if the file has another, and pixels with decimals (Kaggle's have none) are
    rounded to float32 before they are scaled.
    """
    cols = check_cols(cols, test)
    if test and holdout:
        raise ArgumentError(
            "holdout is a share of the training set, not of the test set"
        )
    table = read("test" if test else "training", folder)
    if test:
        names = ["ImageId", "Image"] if not cols or "ImageId" in cols else ["Image"]
        print(pd.Series(len(table.images), names))
        return scale_images(table.images), None
    print(_labels(table, cols, holdout).assign(Image=0).count())
    rows = training_rows(table, cols, holdout=holdout, folder=folder, missing=missing)
    X, y = arrays(table.images, table.labels, rows, cols or COLUMNS)
    remember(X, table.origin, cols or COLUMNS)
    return X, y


def load2d(
    test: bool = False,
    cols: Sequence[str] | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    holdout: float = 0,
    missing: str = "drop",
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
    """Load like `load`, with images of shape (1, 96, 96).

    Parameters, errors and `y` are those of `load`. The tutorial's version ignores
    `cols`; this one does not.

    Returns
    -------
    X : float32 array, shape (n, 1, 96, 96)
        Grey values in [0, 1]: image, channel, y, x.
    y : float32 array or None
    """
    X, y = load(test, cols, folder=folder, holdout=holdout, missing=missing)
    return X.reshape(-1, 1, SIDE, SIDE), y


def load_held_out(
    holdout: float, *, folder: str | os.PathLike[str] | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Load the rows that ``load(holdout=holdout)`` leaves out, for scoring nets.

    Parameters
    ----------
    holdout : float
        The share of the training set's rows, more than 0 and less than 1.
    folder : path, optional
        As for `load`.

    Returns
    -------
    X : float32 array, shape (n, 9216)
        Grey values in [0, 1], one image per row.
    y : float32 array, shape (n, 30)
        Coordinates in [-1, 1]; NaN where missing.

    Raises
    ------
    DataError
        There are no usable data. See `find` and `read`.
    ArgumentError
        `holdout` is not such a share.

    Notes
    -----
    The tutorial scores its nets on Kaggle's leaderboard instead. The rows depend only
    on the share and the number of rows, not on the columns that a net predicts, so that
    single nets and specialists are scored on the same faces.
    """
    if not holdout:
        raise ArgumentError("holdout is 0: no rows are held out")
    table = read("training", folder)
    _, held = _split(len(table.labels), holdout)
    return arrays(table.images, table.labels, held)


def training_rows(
    table: Table,
    cols: Sequence[str] | None = None,
    *,
    holdout: float = 0,
    folder: str | os.PathLike[str] | None = None,
    missing: str = "drop",
) -> npt.NDArray[np.intp]:
    """Return the positions of the rows that `load` returns, in its order.

    Parameters
    ----------
    table : Table
        The training set, as from `read`.
    cols, holdout, folder, missing
        As for `load`.

    Returns
    -------
    int array
        Shuffled.

    Raises
    ------
    DataError, ArgumentError
        As from `load`.
    """
    cols = check_cols(cols)
    labels = _labels(table, cols, holdout)
    counts = labels.count()
    how = {"drop": "any", "keep": "all"}[one_of("missing", missing, ("drop", "keep"))]
    if how == "all" and not counts.all():
        raise DataError(
            f"{find('training', folder)}: {counts.idxmin()} has no labels in the "
            f"{count(len(labels), 'row')} to train on; choose others with cols"
        )
    rows = labels.dropna(how=how).index.to_numpy()
    if not len(rows):
        if holdout and len(_labels(table, cols, 0).dropna()):
            raise DataError(
                f"holdout is {holdout}, which leaves {count(len(labels), 'row')} to "
                "train on, none with all the columns wanted; choose a smaller share"
            )
        raise DataError(
            f"{find('training', folder)}: no row has all the columns wanted "
            f"({counts.idxmin()} has {counts.min()} values in {len(labels)} rows); "
            "choose others with cols"
        )
    return shuffle(rows, random_state=42)


def _labels(table, cols, holdout):
    """Return the labels of the rows to train on, with their positions as the index."""
    kept, _ = _split(len(table.labels), holdout)
    cols = list(cols or COLUMNS)
    return pd.DataFrame(_selected(table.labels, cols)[kept], kept, cols)


def _selected(labels, cols):
    """Return columns of labels; of sparse rows in those of their own, if wanted."""
    if set(cols) & set(SPARSE_COLUMNS):
        labels = split_sparse(labels)
    return labels[:, [ALL_COLUMNS.index(name) for name in cols]]


def arrays(
    images: npt.NDArray[np.uint8 | np.float32],
    labels: npt.NDArray[np.float64],
    rows: npt.NDArray[np.intp],
    cols: Sequence[str] = COLUMNS,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return rows of a training set as `load` does: X in [0, 1] and y in [-1, 1].

    Parameters
    ----------
    images, labels : arrays, shapes (n, 9216) and (n, 30)
        Those of its `Table`.
    rows : int array
    cols : sequence of str
    """
    X = np.empty((len(rows), PIXELS), np.float32)
    for start in range(0, len(rows), _BLOCK):  # without a copy of all the images
        block = slice(start, start + _BLOCK)
        X[block] = scale_images(images[rows[block]])
    y = _selected(labels, cols)[rows]
    return X, from_pixels(y).astype(np.float32)


def _split(n, holdout):
    """Return the positions of `n` rows to train on, and of those to hold out."""
    out = math.ceil(round(share("holdout", holdout) * n, 6))
    if holdout and not out:
        raise ArgumentError(
            f"holdout is {holdout}, which is none of {count(n, 'row')}; "
            f"the smallest share of them is {1 / n:.2g}"
        )
    shuffled = np.random.RandomState(42).permutation(n)
    return np.sort(shuffled[out:]), np.sort(shuffled[:out])


def read(name: str, folder: str | os.PathLike[str] | None = None) -> Table:
    """Read a whole table, unscaled and in the file's order.

    The text is parsed and checked once. As long as the file's content is the same, a
    binary copy in the user's cache folder (``$XDG_CACHE_HOME/kfkd/tables``, else
    ``~/.cache/kfkd/tables``) is read from then on.

    Parameters
    ----------
    name : {"training", "test"}
    folder : path, optional
        As for `load`.

    Returns
    -------
    Table
        ``columns``, ``labels`` (pixels, NaN where missing), ``images`` (0 to 255),
        ``ids``, ``origin``.

    Raises
    ------
    DataError
        There is no such file, it changes while it is read, or something in it is
        wrong: the message gives line and column.
    ArgumentError
        There is no table of that name.
    """
    test = one_of("name", name, ("training", "test")) == "test"
    path = find(name, folder)
    content = fingerprint(path)
    copy = cache.load(f"{name}-{content}")
    if copy is not None:
        labels, images, ids = copy
        table = Table(() if test else COLUMNS, labels, images, ids if test else None)
        return _identified(table, path, content)

    def parse_table(stream, where):
        # The size of a table within a zip file is not known here.
        total = path.stat().st_size if path.suffix == ".csv" else None
        options = dict(unit="B", unit_scale=True, unit_divisor=1000)
        with Bar(f"reading {name}.csv", total, **options) as bar:
            return parse(_Watched(stream, bar.update), where, test=test)

    table, content = read_csv(path, name, parse_table, content)
    ids = table.ids if test else np.empty(0, np.int64)
    cache.save(f"{name}-{content}", (table.labels, table.images, ids))
    return _identified(table, path, content)


def _identified(table, path, content):
    """Return a table that knows which data it is, if it is a training set."""
    if table.ids is not None:
        return table
    return dataclasses.replace(table, origin=identify(path, content, table.labels))


class _Watched:
    """A binary file that tells how many bytes are read."""

    def __init__(self, file, read):
        self._file, self._read = file, read

    def readline(self, limit):
        """Return a line, or as much of it as the limit allows."""
        line = self._file.readline(limit)
        if line:
            self._read(len(line))
        return line
