"""Check of the tables that functions of this package exchange."""

import pandas as pd

from kfkd.arguments import check
from kfkd.errors import ArgumentError

__all__ = ["check_table"]


def check_table(name, value, columns=()):
    """Raise ArgumentError unless an argument is a table that has some columns."""
    check(name, value, isinstance(value, pd.DataFrame), "a pandas.DataFrame")
    for column in columns:
        if column not in value:
            raise ArgumentError(
                f"{name} has no column {column!r}; it must have {', '.join(columns)}"
            )
