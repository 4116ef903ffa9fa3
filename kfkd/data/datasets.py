"""Datasets of the Kaggle competition: loading, splitting, scaling.

``load`` and ``load2d`` are the tutorial's (section "The data"). ``read`` gives the same
tables unscaled, with all rows. Where the files come from: ``data/README.md``.
"""

import math
import numbers
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import shuffle

from kfkd.data import cache
from kfkd.data.columns import COLUMNS, PIXELS, SIDE
from kfkd.data.locate import find, fingerprint, read_csv
from kfkd.data.parse import Table, parse
from kfkd.errors import DataError
from kfkd.messages import hint, shown
from kfkd.progress import Bar

__all__ = [
    "arrays",
    "check_cols",
    "from_pixels",
    "load",
    "load2d",
    "load_held_out",
    "read",
    "scale_images",
    "to_pixels",
    "training_rows",
]

_HALF = SIDE // 2
# Images scaled at a time.
_BLOCK = 256


def load(
    test: bool = False,
    cols: Sequence[str] | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    holdout: float = 0,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
    """Load the training or the test set, scaled and ready to fit.

    Prints the number of values in each column, before rows are dropped.

    Parameters
    ----------
    test : bool, default=False
        The test set instead of the training set.
    cols : sequence of str, optional
        The target columns wanted, in this order; all 30 by default. Only rows that
        have all of them are kept. A test set has no targets: there, `cols` is
        checked in the same way and says whose numbers are printed (``ImageId`` may
        be among them), but every image is returned, so that one call serves a
        specialist's training and prediction alike.
    folder : path, optional
        Where the files are, instead of the places that `find` looks into.
    holdout : float, default=0
        The share of the training set's rows, from 0 to less than 1, to leave out, so
        that neither training nor validation sees them: those that `load_held_out`
        returns.

    Returns
    -------
    X : float32 array, shape (n, 9216)
        Grey values in [0, 1], an image a row.
    y : float32 array, shape (n, 30) or (n, len(cols)), or None
        Coordinates in [-1, 1] (`to_pixels` leads back), x and y in turn; None for a
        test set. Training rows are shuffled with ``random_state=42``, as in the
        tutorial; test rows are in the order of the file.

    Raises
    ------
    DataError
        No usable data, an unknown name in `cols`, or no row that has all the
        columns. See `find` and `read`.
    ValueError
        `holdout` is not such a share, or is given for a test set.

    Notes
    -----
    The tutorial's section "The data". From the same file the results are equal to
    the tutorial's bit for bit, save for two cases: columns that the file has in
    another order come in Kaggle's, and pixels with decimals (Kaggle's have none)
    are rounded to float32 before they are scaled.
    """
    cols = check_cols(cols, test)
    if test and holdout:
        raise ValueError("holdout is a share of the training set, not of the test set")
    table = read("test" if test else "training", folder)
    targets = () if test else cols or table.columns
    labels = table.labels[:, [table.columns.index(name) for name in targets]]
    if holdout:
        labels = labels[_split(len(labels), holdout)[0]]

    counts = dict(
        zip(targets, np.count_nonzero(~np.isnan(labels), axis=0), strict=True)
    )
    if test and (not cols or "ImageId" in cols):
        counts["ImageId"] = len(table.images)
    counts["Image"] = len(labels)
    print(pd.Series(counts, dtype=np.int64))

    if test:
        return scale_images(table.images), None
    rows = training_rows(table, targets, holdout=holdout, folder=folder)
    return arrays(table.images, table.labels, rows, targets)


def load2d(
    test: bool = False,
    cols: Sequence[str] | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    holdout: float = 0,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
    """Load like `load`, with images of shape (1, 96, 96).

    Parameters, errors and `y` are those of `load`. Unlike the tutorial's version,
    which forgot to pass it on, this one honours `cols`.

    Returns
    -------
    X : float32 array, shape (n, 1, 96, 96)
        Grey values in [0, 1]: image, channel, y, x.
    y : float32 array, shape (n, 30) or (n, len(cols)), or None
        Coordinates in [-1, 1].
    """
    X, y = load(test=test, cols=cols, folder=folder, holdout=holdout)
    return X.reshape(-1, 1, SIDE, SIDE), y


def load_held_out(
    holdout: float, *, folder: str | os.PathLike[str] | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Load the rows that ``load(holdout=holdout)`` leaves out, to score nets on.

    Parameters
    ----------
    holdout : float
        The share of the training set's rows, more than 0 and less than 1.
    folder : path, optional
        Where the files are, instead of the places that `find` looks into.

    Returns
    -------
    X : float32 array, shape (n, 9216)
        Grey values in [0, 1], an image a row.
    y : float32 array, shape (n, 30)
        Coordinates in [-1, 1]; NaN where one is missing.

    Raises
    ------
    DataError
        No usable data. See `find` and `read`.
    ValueError
        `holdout` is not such a share.

    Notes
    -----
    Not in the tutorial, which has Kaggle's leaderboard for this. Which rows they are
    follows from the share and the number of rows alone, and not from the columns that
    a net predicts, so that single nets and specialists are scored on the same faces.
    """
    if not holdout:
        raise ValueError("holdout is 0: no rows are held out")
    table = read("training", folder)
    _, held = _split(len(table.labels), holdout)
    return arrays(table.images, table.labels, held)


def training_rows(
    table: Table,
    cols: Sequence[str] | None = None,
    *,
    holdout: float = 0,
    folder: str | os.PathLike[str] | None = None,
) -> npt.NDArray[np.intp]:
    """Return which rows of the training set `load` returns, in its order.

    Parameters
    ----------
    table : Table
        What `read` returned for the training set.
    cols, holdout, folder
        As for `load`.

    Returns
    -------
    int array
        Positions of rows that have all the columns, shuffled.

    Raises
    ------
    DataError, ValueError
        As from `load`.
    """
    cols = check_cols(cols) or COLUMNS
    kept, _ = _split(len(table.labels), holdout)
    labels = table.labels[kept][:, [COLUMNS.index(name) for name in cols]]
    present = ~np.isnan(labels)
    rows = kept[present.all(axis=1)]
    if not len(rows):
        counts = dict(zip(cols, present.sum(axis=0), strict=True))
        rarest = min(cols, key=lambda name: counts[name])
        raise DataError(
            f"{find('training', folder)}: no row is left after dropping those that "
            f"lack one of the columns wanted ({rarest} has {counts[rarest]} values "
            f"in {len(labels)} rows); choose others with cols"
        )
    return shuffle(rows, random_state=42)


def arrays(
    images: npt.NDArray[np.uint8 | np.float32],
    labels: npt.NDArray[np.float64],
    rows: npt.NDArray[np.intp],
    cols: Sequence[str] = COLUMNS,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return rows of a table scaled as by `load`: X in [0, 1] and y in [-1, 1].

    Parameters
    ----------
    images, labels : arrays, shapes (n, 9216) and (n, 30)
        Those of a training set's `Table`.
    rows : int array
    cols : sequence of str
    """
    X = np.empty((len(rows), PIXELS), np.float32)
    for start in range(0, len(rows), _BLOCK):  # without a copy of all the images
        block = slice(start, start + _BLOCK)
        X[block] = scale_images(images[rows[block]])
    y = labels[rows][:, [COLUMNS.index(name) for name in cols]]
    return X, from_pixels(y).astype(np.float32)


def _split(n, holdout):
    """Return the rows of `n` to train on and those to hold out, in their order."""
    if not (isinstance(holdout, numbers.Real) and 0 <= holdout < 1):
        raise ValueError(
            f"holdout is {shown(holdout)}, not a share from 0 to less than 1"
        )
    drawn = np.random.RandomState(42).permutation(n)
    out = math.ceil(round(holdout * n, 6))
    return np.sort(drawn[out:]), np.sort(drawn[:out])


def read(name: str, folder: str | os.PathLike[str] | None = None) -> Table:
    """Read a whole table, unscaled and in the file's order.

    The first time the text is parsed and checked; later, as long as the file's
    content is the same, a binary copy in the user's cache folder
    (``$XDG_CACHE_HOME/kfkd/tables``, else ``~/.cache/kfkd/tables``) is read.

    Parameters
    ----------
    name : {"training", "test"}
        Which table.
    folder : path, optional
        Where the files are, instead of the places that `find` looks into.

    Returns
    -------
    Table
        ``columns``, ``labels`` (pixels, NaN where missing), ``images`` (0 to 255),
        ``ids``.

    Raises
    ------
    DataError
        There is no such file, it changes while it is read, or something in it is
        wrong: the message gives line and column.
    """
    if name not in ("training", "test"):
        raise DataError(f"no table is called {name!r}: 'training' or 'test'")
    test = name == "test"
    path = find(name, folder)
    content = fingerprint(path)
    arrays = cache.load(f"{name}-{content}")
    if arrays is not None:
        labels, images, ids = arrays
        return Table(() if test else COLUMNS, labels, images, ids if test else None)

    def parse_table(stream, where):
        with _bar(path, name) as bar:
            return parse(_counted(stream, bar), where, test=test)

    table, content = read_csv(path, name, parse_table, content)
    ids = table.ids if test else np.empty(0, np.int64)
    cache.save(f"{name}-{content}", (table.labels, table.images, ids))
    return table


def _bar(path, name):
    """Return a progress bar for reading a table."""
    # The size of a table within a zip file is not known here.
    total = path.stat().st_size if path.suffix == ".csv" else None
    options = dict(unit="B", unit_scale=True, unit_divisor=1000)
    return Bar(f"reading {name}.csv", total, **options)


def _counted(lines, bar):
    """Yield lines, and count their bytes."""
    for line in lines:
        bar.update(len(line))
        yield line


def to_pixels(y: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """Return coordinates given in [-1, 1] in pixels, 0 to 96.

    Parameters
    ----------
    y : array_like
        Targets as `load` returns them, or predictions, of any shape.

    Returns
    -------
    array
        ``y * 48 + 48``; float32 stays float32.
    """
    return np.asarray(y) * _HALF + _HALF


def scale_images(images: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return grey values of 0 to 255 as float32 in [0, 1]."""
    return np.divide(images, np.float32(255), dtype=np.float32)


def from_pixels(pixels: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """Return coordinates given in pixels in [-1, 1], the inverse of `to_pixels`."""
    return (np.asarray(pixels) - _HALF) / _HALF


def check_cols(cols: Sequence[str] | None, test: bool = False) -> tuple[str, ...]:
    """Return `cols` as a tuple of valid names; empty stands for all.

    Raises
    ------
    DataError
        A name is unknown or comes twice.
    """
    if isinstance(cols, str):
        raise DataError(f"cols is the text {shown(cols)}, not a list of column names")
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
