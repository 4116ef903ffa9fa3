"""A page about a reproduction of the tutorial, beside the tutorial's own numbers."""

from pathlib import Path

from kfkd import storage
from kfkd.report import content, page
from kfkd.report.figures import Painter
from kfkd.report.study import Study

__all__ = ["write"]


def write(settings, runs, out, *, command=""):
    """Write ``report.html``, ``report.md`` and the pictures that the latter shows.

    Parameters
    ----------
    settings : kfkd.reproduction.Settings
    runs : dict of str to kfkd.reproduction.Run
        As from ``kfkd.reproduction.run``.
    out : path
        The folder, which exists; pictures go into ``figures`` in it.
    command : str
        What does the same again, to be shown.

    Returns
    -------
    html, markdown : pathlib.Path

    Raises
    ------
    DataError
        The data that the nets were trained on cannot be read.
    StorageError
        Something cannot be written.
    """
    html, markdown = (Path(out, f"report.{ending}") for ending in ("html", "md"))
    figures = Path(out, "figures")
    storage.make_folder(figures)
    composed = content.compose(Study(settings, runs, command), Painter(figures))
    for path in (html, markdown):
        page.write(composed, path)
    return html, markdown
