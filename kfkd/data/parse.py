"""Parser of Kaggle's training and test tables, with checks of every value."""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kfkd.data import text_tables
from kfkd.data.columns import COLUMNS, PIXELS, SIDE
from kfkd.errors import DataError
from kfkd.messages import count, hint, shown

__all__ = ["Table", "parse"]

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

    columns: tuple[str, ...]
    labels: npt.NDArray[np.float64]
    images: npt.NDArray[np.uint8 | np.float32]
    ids: npt.NDArray[np.int64] | None


def parse(stream: Iterable[bytes], where: str, *, test: bool) -> Table:
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
    delimiter = separator.encode()
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
        fields = [field.strip(b' "') for field in text.split(delimiter)]
        text_tables.check_width(fields, header, here, cut)
        images.append(_pixels(fields.pop(at), f"{here}, column Image", cut))
        heads.append(delimiter.join(fields))
        lines.append(number)
    text_tables.check_any(lines, where)

    frame = _frame(heads, separator, [name for name in header if name != "Image"])
    frame.index = lines
    numbers = {name: text_tables.numbers(frame[name], where) for name in frame}
    ids = None
    if test:
        column = pd.Series(numbers["ImageId"], lines, name="ImageId")
        ids = text_tables.whole_numbers(column, where)
        text_tables.check_unique(ids, column, where)
    columns = () if test else COLUMNS
    labels = np.empty((len(lines), len(columns)))
    for column, name in enumerate(columns):
        labels[:, column] = numbers[name]
    _check_inside(labels, lines, where)
    return Table(columns, labels, images.array(), ids)


class _Images:
    """Images in one growing buffer."""

    def __init__(self):
        self.memory, self.dtype = bytearray(), np.dtype(np.uint8)

    def append(self, image):
        """Add an array of uint8 or float32; the first of float32 converts all."""
        if image.dtype.itemsize > self.dtype.itemsize:
            self.memory = bytearray(self.array().astype(image.dtype))
            self.dtype = image.dtype
        self.memory += image.astype(self.dtype, copy=False).data

    def array(self):
        """Return all images, one a row."""
        return np.frombuffer(self.memory, self.dtype).reshape(-1, PIXELS)


def _header(line, where, number, test):
    """Return the column names of a header and their separator."""
    here = f"{where}, line {number}"
    line = line.removeprefix(_BOM).rstrip(b"\r\n")
    if line.startswith(b"\x1f\x8b"):
        raise DataError(f"{where} is compressed by gzip; uncompress it")
    if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line:
        raise text_tables.not_text(where)
    if line.lstrip().startswith((b"<", b"{")):
        raise DataError(
            f"{where} is not a table but an answer of a web site: log in to Kaggle, "
            "accept the competition's rules, and download the file again"
        )
    if b"\r" in line:
        raise DataError(f"{where} ends its lines with CR alone; save it with LF")
    header = line.decode("utf-8", "replace")
    separator = text_tables.separator_of(header, where)
    names = [name.strip(' "') for name in header.split(separator)]
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
    return _irregular_pixels(text, here, cut)


def _irregular_pixels(text, here, cut):
    """Return the grey values of an image not written as in Kaggle's files, checked."""
    tokens = text.decode("utf-8", "replace").split()
    values = pd.to_numeric(np.array(tokens, dtype=object), errors="coerce")
    values = np.asarray(values, dtype=np.float64)
    wrong = np.flatnonzero(~((values >= 0) & (values <= 255)))
    # First the fault that explains the other: a truncated file ends in half a number.
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
    text = b"\n".join([*heads, b""]).decode("latin-1")
    text = text_tables.with_points(text, separator)
    text = text.replace("\0", "?")  # at which pandas before 3.1 ends a number
    # Pandas converts the numbers since it did in the tutorial: the last bit is its.
    return pd.read_csv(
        io.StringIO(text),
        sep=separator,
        header=None,
        names=names,
        skip_blank_lines=False,
        low_memory=False,
    )


def _check_inside(labels, lines, where):
    """Raise DataError for the first coordinate outside the image; NaN is missing."""
    wrong = np.argwhere((labels < 0) | (labels > SIDE))
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"{where}, line {lines[row]}, column {COLUMNS[column]}: "
            f"{labels[row, column]:g} is outside the image (0 to {SIDE} pixels)"
        )
