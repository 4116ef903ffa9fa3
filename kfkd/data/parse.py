"""Parser of Kaggle's training and test tables, with checks of every value."""

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from kfkd.data import text_tables
from kfkd.data.columns import COLUMNS, PIXELS, SIDE
from kfkd.data.origin import Origin
from kfkd.errors import DataError
from kfkd.messages import count, shown

__all__ = ["Table", "parse"]


@dataclass(frozen=True, eq=False)
class Table:
    """The content of ``training.csv`` or ``test.csv``, as it stands in the file.

    Attributes
    ----------
    columns : tuple of str
        The names of the label columns, in Kaggle's order; none in a test set.
    labels : float64 array, shape (n, len(columns))
        Coordinates in pixels, 0 to 96; NaN where missing.
    images : uint8 array, shape (n, 9216)
        Grey values, 0 to 255, row by row. float32 if a pixel has decimals.
    ids : int64 array, shape (n,), or None
        ``ImageId`` of a test set; a training set has none.
    origin : kfkd.data.origin.Origin or None
        Which data a training set is, if that was looked at.
    """

    columns: tuple[str, ...]
    labels: npt.NDArray[np.float64]
    images: npt.NDArray[np.uint8 | np.float32]
    ids: npt.NDArray[np.int64] | None
    origin: Origin | None = None


def parse(stream: BinaryIO, where: str, *, test: bool) -> Table:
    """Parse a test set (``ImageId``, ``Image``) or a training set (labels, ``Image``).

    Formats and errors are those of `text_tables.read`. Every value is checked.
    """
    images: list[npt.NDArray[np.uint8 | np.float32]] = []

    def add(text, here, cut):
        images.append(_pixels(text, here, cut))

    known = (*(["ImageId"] if test else COLUMNS), "Image")
    frame = text_tables.read(stream, where, known, optional=(), images=add)
    if test:
        ids = text_tables.whole_numbers(frame["ImageId"], where, unique=True)
        return Table((), np.empty((len(ids), 0)), np.stack(images), ids)
    labels = np.stack([text_tables.numbers(frame[c], where) for c in COLUMNS], axis=1)
    for row, column in np.argwhere((labels < 0) | (labels > SIDE)):  # NaN is missing
        what = f"{labels[row, column]:g} is outside the image (0 to {SIDE} pixels)"
        raise text_tables.fault(frame[COLUMNS[column]], row, where, what)
    return Table(COLUMNS, labels, np.stack(images), None)


def _pixels(text, here, cut):
    """Return the grey values of an image, as uint8 if all are whole numbers."""
    # Kaggle's files hold digits and single spaces. For every byte, the number is
    # computed that ends there and has up to three digits; those before a space are the
    # pixels. So no step loops over Python objects.
    digits = np.frombuffer(b"   %b " % text, np.uint8) - np.uint8(ord("0"))
    is_digit = digits < 10
    ends = np.flatnonzero(~is_digit[3:])
    gaps = np.diff(ends)
    if (
        len(ends) == PIXELS
        and text.count(b" ") == PIXELS - 1
        and ends[0] <= 3
        and gaps.min() >= 2
        and gaps.max() <= 4
    ):
        digits *= is_digit
        values = digits[2:-1].astype(np.uint16)
        values += np.uint16(10) * digits[1:-2]
        values += np.uint16(100) * (digits[:-3] * is_digit[1:-2])
        values = values[ends]
        if values.max() <= 255:
            return values.astype(np.uint8)
    return _irregular_pixels(text, here, cut)


def _irregular_pixels(text, here, cut):
    """Return the grey values of an image not written as in Kaggle's files, checked."""
    tokens = text.decode("utf-8", "replace").split()
    values = pd.to_numeric(np.array(tokens, dtype=object), errors="coerce")
    values = np.asarray(values, dtype=np.float64)
    wrong = np.flatnonzero(~((values >= 0) & (values <= 255)))
    # Check the length first: a truncated file also ends in half a number.
    if len(tokens) != PIXELS:
        raise DataError(
            f"{here}: {count(len(tokens), 'pixel')} where {PIXELS:,} ({SIDE} x {SIDE}) "
            f"belong{cut}"
        )
    if len(wrong):
        token, value = tokens[wrong[0]], values[wrong[0]]
        fault = "is not a number" if np.isnan(value) else "is outside 0 to 255"
        raise DataError(f"{here}: pixel {wrong[0] + 1:,}, {shown(token)}, {fault}{cut}")
    whole = values.astype(np.uint8)
    return whole if np.array_equal(whole, values) else values.astype(np.float32)
