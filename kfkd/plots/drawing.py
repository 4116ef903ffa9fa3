"""What all figures share: colours, new figures, saving."""

from pathlib import PurePath

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kfkd.choices import PICTURE_FORMATS as FORMATS
from kfkd.errors import PlotError
from kfkd.storage import written_atomically

__all__ = [
    "BLACK",
    "DPI",
    "FORMATS",
    "LINES",
    "MARK",
    "ORANGE",
    "SKY",
    "check_axes",
    "check_format",
    "new_axes",
    "save_figure",
]

# Okabe and Ito, "Color universal design", 2008.
BLACK, BLUE, SKY, GREEN = "#000000", "#0072b2", "#56b4e9", "#009e73"
ORANGE, VERMILION, PURPLE = "#e69f00", "#d55e00", "#cc79a7"
MARK = "#ffb000"  # bright on any grey
LINES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
DPI = 150  # of the files


def new_axes(width, height):
    """Return the Axes of a new figure, of a size in inches, that fits its labels."""
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def check_axes(ax):
    """Raise `PlotError` unless the caller's `ax` is an Axes, or None."""
    if ax is not None and not isinstance(ax, Axes):
        raise PlotError(
            f"ax is not an Axes, but {type(ax).__name__}; the second of what "
            "plt.subplots() returns is one"
        )


def check_format(path):
    """Raise `PlotError` if a file's ending is none of `FORMATS`."""
    if PurePath(path).suffix.lower() not in FORMATS:
        raise PlotError(f"{path} ends in none of {', '.join(FORMATS)}")


def save_figure(figure, path):
    """Save a figure, whole or not at all, in the format that the file's ending names.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or matplotlib.axes.Axes
        Axes, as the functions here return them, stand for their figure.
    path : path
        Ends in one of `FORMATS`.

    Raises
    ------
    PlotError
        If the ending is none of these.
    StorageError
        If the file cannot be written.
    """
    check_format(path)
    with written_atomically(path) as draft:
        figure.get_figure(root=True).savefig(draft, dpi=DPI)
