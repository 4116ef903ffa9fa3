"""Small tables of text, such as IdLookupTable.csv: read, and checked line by line."""

import csv
import io

import numpy as np
import pandas as pd

from kfkd.data.parse import are_whole, as_numbers, why_not_whole
from kfkd.errors import DataError
from kfkd.messages import count, shown

__all__ = ["numbers", "read", "whole_numbers"]

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
        Texts, NaN where there is none. The index tells the lines of the file.

    Raises
    ------
    DataError
        The file is no such table, or has no rows.
    """
    try:
        text = stream.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(
            f"{where} is not plain text in UTF-8; save it as such, if it is a table"
        ) from None
    first = next((line for line in text.splitlines() if line.strip()), None)
    if first is None:
        raise DataError(f"{where} is empty; download it again")
    separator = max(",;\t", key=first.count)
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
            if len(fields) != len(header):
                raise DataError(
                    f"{where}, line {reader.line_num}: {count(len(fields), 'value')} "
                    f"for {count(len(header), 'column')}"
                )
            if separator == ";":
                fields = [field.replace(",", ".") for field in fields]
            rows.append([_text(field) for field in fields])
            lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{where}, line {reader.line_num}: {error}") from None
    if not rows:
        raise DataError(f"{where} holds a header, but no rows; download it again")
    return pd.DataFrame(rows, index=lines, columns=header, dtype=object)


def _text(field):
    field = field.strip()
    return np.nan if field.lower() in _MISSING else field


def numbers(series, where):
    """Return a column as float64; NaN where missing.

    Raises
    ------
    DataError
        A text in it is not a number.
    """
    return as_numbers(series, series.index, where)


def whole_numbers(series, where):
    """Return a column as int64.

    Raises
    ------
    DataError
        A text in it is no whole number, or missing.
    """
    values = numbers(series, where)
    wrong = np.flatnonzero(~are_whole(values))
    if len(wrong):
        row = wrong[0]
        fault = (
            "the value is missing"
            if pd.isna(series.iloc[row])
            else f"{shown(series.iloc[row])} is {why_not_whole(values[row])}"
        )
        raise DataError(
            f"{where}, line {series.index[row]}, column {series.name}: {fault}"
        )
    return values.astype(np.int64)
