"""Kaggle's tables, read from text and checked."""

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kfkd.data.columns import COLUMNS, PIXELS, SIDE
from kfkd.errors import DataError
from kfkd.messages import count, hint, shown

__all__ = ["Table", "are_whole", "as_numbers", "parse", "why_not_whole"]


_BOM = b"\xef\xbb\xbf"


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
    """

    columns: tuple
    labels: np.ndarray
    images: np.ndarray
    ids: np.ndarray | None


def parse(stream, where, *, test):
    """Parse a table.

    Parameters
    ----------
    stream : binary file, or iterable of its lines
        The text. Separators may be commas, tabs, or semicolons (with these, decimal
        commas too); line ends LF or CRLF; a byte order mark and quotes around values
        do no harm; columns may stand in any order; empty lines are skipped.
    where : str
        The name of the file, for errors.
    test : bool
        Whether it is a test set (``ImageId``, ``Image``) or a training set (the 30
        label columns, ``Image``).

    Returns
    -------
    Table

    Raises
    ------
    DataError
        Something is wrong, or missing; with the line and column.
    """
    numbered = enumerate(stream, start=1)
    number, line = next(
        ((i, s) for i, s in numbered if s.removeprefix(_BOM).strip()), (0, b"")
    )
    header, separator = _header(line, where, number, test)
    at = header.index("Image")

    heads, images, lines = [], _Images(), []
    for number, line in numbered:
        text = line.rstrip(b"\r\n")
        if not text.strip():
            continue
        here = f"{where}, line {number}"
        if b"\r" in text:  # a line end to pandas
            raise DataError(f"{here}: there is a CR within the line")
        cut = "" if line.endswith(b"\n") else "; the file seems cut off here"
        fields = [field.strip(b' "') for field in text.split(separator)]
        if len(fields) != len(header):
            raise DataError(
                f"{here}: {count(len(fields), 'value')} for "
                f"{count(len(header), 'column')}{cut}"
            )
        images.append(_pixels(fields.pop(at), f"{here}, column Image", cut))
        heads.append(separator.join(fields))
        lines.append(number)
    if not lines:
        raise DataError(f"{where} holds a header, but no rows; download it again")

    frame = _frame(heads, separator, [name for name in header if name != "Image"])
    numbers = {name: as_numbers(frame[name], lines, where) for name in frame}
    ids = _ids(numbers["ImageId"], lines, where) if test else None
    columns = () if test else COLUMNS
    labels = np.empty((len(lines), len(columns)))
    for column, name in enumerate(columns):
        labels[:, column] = numbers[name]
    _check_inside(labels, lines, where)
    return Table(columns, labels, images.array(), ids)


class _Images:
    """Images in one piece of memory that grows with them."""

    def __init__(self):
        self.memory, self.dtype = bytearray(), np.dtype(np.uint8)

    def append(self, image):
        """Add an array of uint8 or float32; one of float32 makes all so."""
        if image.dtype.itemsize > self.dtype.itemsize:
            self.memory = bytearray(self.array().astype(image.dtype))
            self.dtype = image.dtype
        self.memory += image.astype(self.dtype, copy=False).data

    def array(self):
        """Return all of them, as many rows."""
        return np.frombuffer(self.memory, self.dtype).reshape(-1, PIXELS)


def _header(line, where, number, test):
    """Return the names of a header's columns, and what separates them."""
    here = f"{where}, line {number}"
    if not line:
        raise DataError(f"{where} is empty; download it again")
    line = line.removeprefix(_BOM).rstrip(b"\r\n")
    if line.startswith(b"\x1f\x8b"):
        raise DataError(f"{where} is compressed by gzip; uncompress it")
    if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line:
        raise DataError(
            f"{where} is not plain text in UTF-8; save it as such, if it is a table"
        )
    if line.lstrip().startswith((b"<", b"{")):
        raise DataError(
            f"{where} is not a table but an answer of a web site: log in to Kaggle, "
            "accept the competition's rules, and download the file again"
        )
    if b"\r" in line:
        raise DataError(f"{where} ends its lines with CR alone; save it with LF")
    separator = max((b",", b";", b"\t"), key=line.count)
    names = [
        name.strip(b' "').decode("utf-8", "replace") for name in line.split(separator)
    ]
    known = ("ImageId", "Image") if test else (*COLUMNS, "Image")
    for position, name in enumerate(names, start=1):
        if name in names[: position - 1]:
            raise DataError(f"{here}: column {shown(name)} stands there twice")
        if name not in known:
            raise DataError(
                f"{here}: column {position} is called {shown(name)}, which is none "
                f"of Kaggle's{hint(name, [k for k in known if k not in names])}; a "
                f"{'test' if test else 'training'} set has the columns "
                f"{known[0]}{', ' if test else ', ..., '}{known[-1]}"
            )
    missing = [name for name in known if name not in names]
    if missing:
        others = f" (nor {len(missing) - 1} more)" if missing[1:] else ""
        raise DataError(f"{here}: there is no column {missing[0]!r}{others}")
    return names, separator


def _pixels(text, here, cut):
    """Return the grey values of an image, as uint8 if all are whole numbers."""
    # Kaggle's files hold digits and single spaces. Every byte is taken for the last
    # digit of a number, with the up to two digits before it; those that a space
    # follows are the pixels. No pass runs over Python objects.
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
    return _odd_pixels(text, here, cut)


def _odd_pixels(text, here, cut):
    """Return the grey values of an image not written as Kaggle does, or complain."""
    tokens = text.decode("utf-8", "replace").split()
    values = pd.to_numeric(np.array(tokens, dtype=object), errors="coerce")
    values = np.asarray(values, dtype=np.float64)
    wrong = np.flatnonzero(~((values >= 0) & (values <= 255)))
    # The fault that explains the other: half a number at the end comes of a cut.
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


def _frame(heads, separator, names):
    """Return the columns beside the images, as pandas reads them."""
    text = b"\n".join([*heads, b""])
    if separator == b";":  # the file may have decimal commas
        text = text.replace(b",", b".")
    text = text.replace(b"\0", b"?")  # at which pandas before 3.1 ends a number
    # Pandas converts the numbers since it did in the tutorial: the last bit is its.
    return pd.read_csv(
        io.BytesIO(text),
        sep=separator.decode(),
        header=None,
        names=names,
        skip_blank_lines=False,
        low_memory=False,
        encoding="latin-1",
    )


def as_numbers(series, lines, where):
    """Return a column as float64; NaN where missing."""
    if series.dtype.kind in "iuf":
        return series.to_numpy(np.float64)
    texts = series.astype(str)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(series.notna() & np.isnan(numbers))
    if len(wrong):
        raise DataError(
            f"{where}, line {lines[wrong[0]]}, column {series.name}: "
            f"{shown(texts.iloc[wrong[0]])} is not a number"
        )
    return numbers


def _ids(values, lines, where):
    """Return the column ``ImageId`` as int64."""
    whole = are_whole(values)
    if not whole.all():
        row = np.flatnonzero(~whole)[0]
        raise DataError(
            f"{where}, line {lines[row]}, column ImageId: {values[row]} is "
            f"{why_not_whole(values[row])}"
        )
    again = np.flatnonzero(pd.Series(values).duplicated())
    if len(again):
        raise DataError(
            f"{where}, line {lines[again[0]]}, column ImageId: {values[again[0]]:.0f} "
            "has been given to a row before"
        )
    return values.astype(np.int64)


def are_whole(values):
    """Tell which numbers are whole, and small enough for float64 to hold any."""
    return (np.abs(values) < 2**53) & (np.floor(values) == values)


def why_not_whole(value):
    """Say what is wrong with a number that `are_whole` has not told whole."""
    return "too large" if abs(value) >= 2**53 else "no whole number"


def _check_inside(labels, lines, where):
    """Complain of the first coordinate outside the image; NaN is a missing one."""
    wrong = np.argwhere((labels < 0) | (labels > SIDE))
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"{where}, line {lines[row]}, column {COLUMNS[column]}: "
            f"{labels[row, column]:g} is outside the image (0 to {SIDE} pixels)"
        )
