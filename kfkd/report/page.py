"""A page as one HTML file, its pictures included."""

import base64
import itertools
import operator
from importlib import metadata
from typing import NamedTuple

import jinja2

from kfkd.report import tutorial
from kfkd.storage import written_atomically

__all__ = ["Column", "columns", "write"]


def write(page, path):
    """Write a page as HTML that needs no other file.

    Parameters
    ----------
    page : kfkd.report.document.Page
    path : pathlib.Path

    Raises
    ------
    StorageError
        It cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kfkd.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "base64": lambda content: base64.b64encode(content).decode(),
        "columns": columns,
        "runs": _runs,
    }
    text = environment.get_template("page.html").render(
        page=page, url=tutorial.URL, version=metadata.version("kfkd")
    )
    with written_atomically(path) as draft:
        draft.write_text(text, encoding="utf-8")


class Column(NamedTuple):
    """The head of a column of a table, and the CSS classes of its cells."""

    group: str
    title: str
    classes: str


def columns(table):
    """Return the columns of a table.

    Parameters
    ----------
    table : kfkd.report.document.Table

    Returns
    -------
    list of Column
        A line (the class "start") separates groups from each other, and from columns
        that belong to none.
    """
    found, before = [], None
    for position, key in enumerate(table.rows[0]):
        group, _, title = key.rpartition(": ")
        classes = {
            "name": position < table.names,
            "start": before not in (None, group),
            "here": title.startswith("here"),
            "wide": position + 1 == table.names == len(table.rows[0]),
        }
        applying = [name for name, applies in classes.items() if applies]
        found.append(Column(group, title, " ".join(applying)))
        before = group
    return found


def _runs(items, attribute):
    """Return lists of consecutive items with the same value of an attribute."""
    grouped = itertools.groupby(items, operator.attrgetter(attribute))
    return [(value, list(group)) for value, group in grouped]
