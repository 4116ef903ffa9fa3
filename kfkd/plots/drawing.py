"""What all figures share: colours, new figures, saving."""

import warnings

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import ExifTags, Image

from kfkd.arguments import as_path
from kfkd.choices import PICTURE_FORMATS as FORMATS
from kfkd.errors import PlotError
from kfkd.files.kinds import FIGURE_STAMP
from kfkd.messages import shown
from kfkd.storage import written_atomically

__all__ = [
    "BLACK",
    "DPI",
    "FORMATS",
    "GREEN",
    "LINES",
    "MARK",
    "ORANGE",
    "SKY",
    "VERMILION",
    "axes_or_new",
    "check_format",
    "save_figure",
]

# Okabe and Ito, "Color universal design", 2008.
BLACK, BLUE, SKY, GREEN = "#000000", "#0072b2", "#56b4e9", "#009e73"
ORANGE, VERMILION, PURPLE = "#e69f00", "#d55e00", "#cc79a7"
MARK = "#ffb000"  # bright on any grey
LINES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
DPI = 150  # of the files


def axes_or_new(ax, width, height):
    """Return the caller's `ax`, or if it is None the Axes of a new figure, in inches.

    Raises
    ------
    PlotError
        `ax` is something else.
    """
    if ax is None:
        return Figure(figsize=(width, height), layout="constrained").add_subplot()
    if not isinstance(ax, Axes):
        raise PlotError(
            f"ax is not an Axes, but {type(ax).__name__}; the second of what "
            "plt.subplots() returns is one"
        )
    return ax


def check_format(path):
    """Raise `PlotError` unless a file's ending is one of `FORMATS`."""
    if as_path(path).suffix.lower() not in FORMATS:
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
        It does not, or `figure` is something else.
    StorageError
        The file cannot be written.
    """
    check_format(as_path(path, before=figure))
    if not hasattr(figure, "get_figure"):
        raise PlotError(f"{shown(figure)} is neither a Figure nor Axes")
    with written_atomically(path) as draft, warnings.catch_warnings():
        # Names of files may have letters that the font has not.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.get_figure(root=True).savefig(draft, dpi=DPI, **_stamp(draft.suffix))


def _stamp(ending):
    """Return the options of ``savefig`` that mark a picture as drawn here."""
    if ending.lower() in (".jpg", ".jpeg", ".webp"):
        exif = Image.Exif()
        exif[ExifTags.Base.Software] = FIGURE_STAMP
        return dict(pil_kwargs=dict(exif=exif))
    field = "Software" if ending.lower() == ".png" else "Creator"
    return dict(metadata={field: FIGURE_STAMP})
