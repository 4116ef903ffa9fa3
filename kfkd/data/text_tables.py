"""Reader of delimited text, with errors that name line and column."""

import io
import itertools

import numpy as np
import pandas as pd

from kfkd.errors import DataError
from kfkd.messages import count, hint, shown

__all__ = ["check_beginning", "fault", "numbers", "read", "whole_numbers"]

_BOM = b"\xef\xbb\xbf"
_SHOWN = 8  # names of columns in a message
# Bytes in a line; a row of training.csv has about 35,000.
_LONGEST = 1 << 20


def read(stream, where, needed, *, optional=None, images=None):
    """Read a table.

    Separators may be commas, tabs, or semicolons (with these, decimal commas too);
    line ends LF or CRLF; columns may stand in any order. A byte order mark, quotes and
    spaces around values, and empty lines do no harm.

    Parameters
    ----------
    stream : binary file
    where : str
        The name of the file, for errors.
    needed : sequence of str
        Columns that must be there.
    optional : sequence of str, optional
        Other columns that may be there; by default any.
    images : callable, optional
        Called with each value of the column ``Image``, in bytes, its place in the file
        and a remark for errors. The column is then not in the frame.

    Returns
    -------
    pandas.DataFrame
        Numbers or texts, NaN where missing. The index holds the line numbers.

    Raises
    ------
    DataError
        The file is not such a table, or has no rows.
    """
    numbered = _numbered(stream, where)
    number, line = next(
        ((i, s) for i, s in numbered if s.removeprefix(_BOM).strip()), (0, b"")
    )
    header, separator = _header(line.removeprefix(_BOM), where)
    _check_names(header, f"{where}, line {number}", needed, optional)
    delimiter = separator.encode()
    at = header.index("Image") if images else None

    rows, lines = [], []
    for number, line in numbered:
        text = line.rstrip(b"\r\n")
        fields = [field.strip(b' "') for field in text.split(delimiter)]
        if not any(fields):
            continue
        here = f"{where}, line {number}"
        if b"\r" in text:  # which pandas takes for a line end
            raise DataError(f"{here}: there is a CR within the line")
        cut = "" if line.endswith(b"\n") else "; the file seems cut off here"
        if len(fields) != len(header):
            raise DataError(
                f"{here}: {count(len(fields), 'value')} for "
                f"{count(len(header), 'column')}{cut}"
            )
        if images:
            images(fields.pop(at), f"{here}, column Image", cut)
        rows.append(delimiter.join(fields))
        lines.append(number)
    if not rows:
        raise DataError(f"{where} holds a header, but no rows; download it again")
    if images:
        header.pop(at)
    return _frame(rows, separator, header, lines)


def check_beginning(stream, where):
    """Raise the DataError of `read` if one of the first two lines is too long."""
    for _ in itertools.islice(_numbered(stream, where), 2):
        pass


def _numbered(stream, where):
    """Yield the lines, counted from 1; none that does not end is read on and on."""
    lines = iter(lambda: stream.readline(_LONGEST + 1), b"")
    for number, line in enumerate(lines, start=1):
        if len(line) > _LONGEST:
            raise DataError(
                f"{where}, line {number}: it is longer than {_LONGEST:,} bytes, which "
                "no row of such a table is; download it again"
            )
        yield number, line


def _header(line, where):
    """Return the names in a header, and their separator."""
    line = line.rstrip(b"\r\n")
    if not line:
        raise DataError(f"{where} is empty; download it again")
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
    header = line.decode("utf-8", "replace")
    separator = max(",;\t", key=header.count)
    return [name.strip(' "') for name in header.split(separator)], separator


def _check_names(names, here, needed, optional):
    """Raise DataError for the first column that is unknown, repeated or missing."""
    known = (*needed, *(names if optional is None else optional))
    for position, name in enumerate(names, start=1):
        if name in names[: position - 1] and (optional is not None or name in needed):
            raise DataError(f"{here}: column {shown(name)} appears twice")
        if name not in known:
            absent = [other for other in known if other not in names]
            raise DataError(
                f"{here}: column {position} is called {shown(name)}"
                f"{hint(name, absent)}; the table should have the columns "
                f"{known[0]}{', ..., ' if known[2:] else ', '}{known[-1]}"
            )
    missing = [name for name in needed if name not in names]
    if missing:
        others = f" (nor {len(missing) - 1} more)" if missing[1:] else ""
        held = f"; there are {', '.join(map(shown, names[:_SHOWN]))}"
        held += ", ..." if names[_SHOWN:] else ""
        held = held if optional is None else ""
        raise DataError(f"{here}: there is no column {missing[0]!r}{others}{held}")


def _frame(rows, separator, names, lines):
    """Return a frame of rows of text, with their line numbers as the index."""
    text = b"\n".join([*rows, b""]).decode("latin-1")
    if separator == ";":
        text = text.replace(",", ".")
    text = text.replace("\0", "?")  # pandas before 3.1 ends a number at NUL
    # Pandas parsed the tutorial's numbers: another parser may differ in the last bit.
    frame = pd.read_csv(
        io.StringIO(text),
        sep=separator,
        header=None,
        names=names,
        skip_blank_lines=False,
        low_memory=False,
    )
    return frame.set_axis(lines)


def fault(series, row, where, what):
    """Return the DataError for a value of a column."""
    return DataError(f"{where}, line {series.index[row]}, column {series.name}: {what}")


def numbers(series, where):
    """Return a column of `read` as float64, NaN where missing.

    Raises
    ------
    DataError
        A value is not a number.
    """
    if series.dtype.kind in "iuf":
        return series.to_numpy(np.float64)
    texts = series.astype(str)
    values = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(series.notna() & np.isnan(values))
    if len(wrong):
        what = f"{shown(texts.iloc[wrong[0]])} is not a number"
        raise fault(series, wrong[0], where, what)
    return values


def whole_numbers(series, where, *, unique=False):
    """Return a column of `read` as int64.

    Raises
    ------
    DataError
        A value is missing, not a whole number, or too large for float64 to hold each
        whole number of its size; or, if they must be unique, a value is repeated.
    """
    values = numbers(series, where)
    for wrong, what in (
        (np.isnan(values), "the value is missing"),
        (np.abs(values) >= 2**53, "{} is too large"),
        (np.floor(values) != values, "{} is not a whole number"),
        (unique & series.duplicated(), "{} appears twice"),
    ):
        if wrong.any():
            row = np.argmax(wrong)
            value = series.iloc[row]
            value = shown(value) if isinstance(value, str) else value
            raise fault(series, row, where, what.format(value))
    return values.astype(np.int64)
