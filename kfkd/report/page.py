"""A page in its two forms: one HTML file, and Markdown with pictures beside it."""

import base64
import itertools
from importlib import metadata

import jinja2
from tabulate import tabulate

from kfkd.report import tutorial
from kfkd.storage import written_atomically

__all__ = ["write"]


def write(page, path):
    """Write a page as HTML that needs no other file, or as Markdown beside pictures.

    Parameters
    ----------
    page : kfkd.report.document.Page
        Its pictures lie in the folder of `path`, or further down.
    path : pathlib.Path
        Its ending, ``.html`` or ``.md``, gives the format.

    Raises
    ------
    StorageError
        It cannot be written.
    """
    template = f"page{path.suffix}"
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kfkd.report", ""),
        autoescape=path.suffix == ".html",
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "base64": lambda picture: base64.b64encode(picture.read_bytes()).decode(),
        "beside": lambda picture: picture.relative_to(path.parent).as_posix(),
        "groups_of_kinds": _groups_of_kinds,
        "markdown_table": _markdown_table,
    }
    text = environment.get_template(template).render(
        page=page, url=tutorial.URL, version=metadata.version("kfkd")
    )
    with written_atomically(path) as draft:
        draft.write_text(text, encoding="utf-8")


def _groups_of_kinds(blocks):
    """Return blocks that follow one another and are of one kind as lists."""
    return [
        (kind, list(group))
        for kind, group in itertools.groupby(blocks, lambda block: block.kind)
    ]


def _markdown_table(table):
    alignment = ["left"] * table.names
    alignment += ["right"] * (len(table.columns) - table.names)
    rows = [[cell.replace("|", "\\|") for cell in row] for row in table.rows]
    return tabulate(
        rows,
        headers=table.flat_columns(),
        tablefmt="pipe",
        disable_numparse=True,
        colalign=alignment,
    )
