"""A page about a reproduction of the tutorial, beside the tutorial's own numbers."""

from pathlib import Path

from kfkd.report import content, page
from kfkd.report.study import Study

__all__ = ["write"]


def write(settings, runs, out, *, command=""):
    """Write ``report.html``, a page that needs no other file.

    Parameters
    ----------
    settings : kfkd.reproduction.Settings
    runs : dict of str to kfkd.reproduction.Run
        As from ``kfkd.reproduction.run``.
    out : path
        The folder, which exists.
    command : str
        The command line that does the same again, to be shown.

    Returns
    -------
    pathlib.Path
        The page's.

    Raises
    ------
    DataError
        The data that the nets were trained on cannot be read.
    StorageError
        The page cannot be written.
    """
    path = Path(out, "report.html")
    page.write(content.compose(Study(settings, runs, command)), path)
    return path
