"""Delimited text: separators, headers and numbers, checked line by line.

`read` reads small tables, such as IdLookupTable.csv. ``kfkd.data.parse`` reads those
with images, by the same rules.
"""

import csv
import io

import numpy as np
import pandas as pd

from kfkd.errors import DataError
from kfkd.messages import count, shown

__all__ = [
    "check_any",
    "check_unique",
    "check_width",
    "not_text",
    "numbers",
    "read",
    "separator_of",
    "whole_numbers",
    "with_points",
]

_MISSING = ("", "na", "nan")


def read(stream, where, needed):
    """Read a table as it stands in the file.

    Parameters
    ----------
    stream : binary file
        UTF-8, separated by commas, semicolons (with these, decimal commas too) or
        tabs. Empty lines are skipped.
    where : str
        The name of the file, for errors.
    needed : sequence of str
        Columns that must be there; there may be others, and in any order.

    Returns
    -------
    pandas.DataFrame
        Texts, NaN where missing. The index holds the line numbers of the file.

    Raises
    ------
    DataError
        The file is not such a table, or has no rows.
    """
    try:
        text = stream.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise not_text(where) from None
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = separator_of(first, where)
    # Python's reader leaves the ends of lines to the file: CR alone is one, too.
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=separator)
    rows, lines = [], []
    try:
        header = [name.strip() for name in next(filter(any, reader))]
        for name in needed:
            if header.count(name) != 1:
                fault = "no" if name not in header else "more than one"
                raise DataError(
                    f"{where}, line {reader.line_num}: there is {fault} column "
                    f"{name!r}, but {shown(first.strip())}; download the file again"
                )
        for fields in reader:
            if not any(fields):
                continue
            check_width(fields, header, f"{where}, line {reader.line_num}")
            rows.append([_text(with_points(field, separator)) for field in fields])
            lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{where}, line {reader.line_num}: {error}") from None
    check_any(rows, where)
    return pd.DataFrame(rows, index=lines, columns=header, dtype=object)


def _text(field):
    field = field.strip()
    return np.nan if field.lower() in _MISSING else field


def not_text(where):
    """Return the DataError for a file in another encoding."""
    return DataError(
        f"{where} is not plain text in UTF-8; save it as such, if it is a table"
    )


def separator_of(header, where):
    """Return the separator of a header's names: a comma, a semicolon or a tab.

    Raises
    ------
    DataError
        The header is empty: the file is.
    """
    if not header:
        raise DataError(f"{where} is empty; download it again")
    return max(",;\t", key=header.count)


def with_points(text, separator):
    """Return text with decimal points; with semicolons, it may have decimal commas."""
    return text.replace(",", ".") if separator == ";" else text


def check_width(fields, header, here, cut=""):
    """Raise DataError, ending in `cut`, unless a row has a value for each column."""
    if len(fields) != len(header):
        raise DataError(
            f"{here}: {count(len(fields), 'value')} for "
            f"{count(len(header), 'column')}{cut}"
        )


def check_any(rows, where):
    """Raise DataError if a table has no rows."""
    if not rows:
        raise DataError(f"{where} holds a header, but no rows; download it again")


def numbers(series, where):
    """Return a column as float64; NaN where missing.

    Parameters
    ----------
    series : pandas.Series
        Texts or numbers. Its name is the column's; the index has the lines.
    where : str
        The name of the file, for errors.

    Raises
    ------
    DataError
        A text in it is not a number.
    """
    if series.dtype.kind in "iuf":
        return series.to_numpy(np.float64)
    texts = series.astype(str)
    values = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(series.notna() & np.isnan(values))
    if len(wrong):
        fault = f"{shown(texts.iloc[wrong[0]])} is not a number"
        raise DataError(f"{_cell(series, wrong[0], where)}: {fault}")
    return values


def whole_numbers(series, where):
    """Return a column as int64.

    Parameters are those of `numbers`.

    Raises
    ------
    DataError
        A value in it is not a whole number, missing, or too large for float64 to hold
        each whole number of its size.
    """
    values = numbers(series, where)
    too_large = np.abs(values) >= 2**53
    wrong = np.flatnonzero(too_large | (np.floor(values) != values))
    if len(wrong):
        row = wrong[0]
        text = series.iloc[row]
        fault = "too large" if too_large[row] else "no whole number"
        if series.dtype.kind in "iuf":
            fault = f"{text} is {fault}"
        elif pd.isna(text):
            fault = "the value is missing"
        else:
            fault = f"{shown(text)} is {fault}"
        raise DataError(f"{_cell(series, row, where)}: {fault}")
    return values.astype(np.int64)


def check_unique(values, series, where):
    """Raise DataError if a column, read as `values`, has one of them twice."""
    again = np.flatnonzero(pd.Series(values).duplicated())
    if len(again):
        raise DataError(
            f"{_cell(series, again[0], where)}: {values[again[0]]} "
            "has been given to a row before"
        )


def _cell(series, row, where):
    """Return where a value stands, for errors."""
    return f"{where}, line {series.index[row]}, column {series.name}"
