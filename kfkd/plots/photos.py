"""Photographs in their own size and colours, with the faces and points found."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kfkd.errors import PlotError
from kfkd.messages import printable
from kfkd.prediction.image_files import open_image
from kfkd.prediction.photographs import BOX_COLUMNS
from kfkd.prediction.tables import check_table

from .drawing import DPI, GREEN, MARK, ORANGE, SKY, VERMILION

__all__ = ["PARTS", "plot_photographs"]

# The parts of a face: the colour of each, and the points that its line joins.
PARTS = {
    "eyes": (
        SKY,
        (
            ("left_eye_inner_corner", "left_eye_outer_corner"),
            ("right_eye_inner_corner", "right_eye_outer_corner"),
            ("left_eye_center",),
            ("right_eye_center",),
        ),
    ),
    "brows": (
        ORANGE,
        (
            ("left_eyebrow_inner_end", "left_eyebrow_outer_end"),
            ("right_eyebrow_inner_end", "right_eyebrow_outer_end"),
        ),
    ),
    "nose": (GREEN, (("nose_tip",),)),
    "mouth": (
        VERMILION,
        (
            (
                "mouth_left_corner",
                "mouth_center_top_lip",
                "mouth_right_corner",
                "mouth_center_bottom_lip",
                "mouth_left_corner",
            ),
        ),
    ),
}

_SMALLEST = 480  # pixels of the shorter side, to which small images are enlarged
_TILE = 2.5  # inches
_SEEN = 1024  # pixels, more than are seen of a tile


def plot_photographs(table: pd.DataFrame, *, most: int = 16) -> Figure:
    """Draw the images of a table with their faces and points.

    Parameters
    ----------
    table : pandas.DataFrame
        As from ``photographs.predict_faces``. The images are read again.
    most : int, default=16
        Draw the first images alone.

    Returns
    -------
    matplotlib.figure.Figure
        An image by itself has its own size, in pixels of a picture that is saved
        by ``save_figure``, or a multiple of it if it is small. Several are tiles. Each
        part of a face has a colour: see `PARTS`.

    Raises
    ------
    DataError
        As for ``image_files.open_image``.
    PlotError
        The table has no rows.
    ArgumentError
        It is not such a table.
    """
    check_table("table", table, BOX_COLUMNS)
    if table.empty:
        raise PlotError("the table has no faces, so there is no image to draw")
    files = table.index.unique("File")[:most]
    columns = math.ceil(math.sqrt(len(files)))
    rows = math.ceil(len(files) / columns)
    figure = Figure(figsize=(_TILE * columns, _TILE * rows))
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1, hspace=0.03, wspace=0.03)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, file in zip(axes, files, strict=False):
        image = open_image(file)
        width, height = image.size
        if len(files) == 1:
            times = math.ceil(_SMALLEST / min(image.size))
            # Matplotlib rounds down, so that a little more than a pixel is one.
            figure.set_size_inches((np.multiply(image.size, times) + 0.1) / DPI)
            inches = figure.get_size_inches()
        else:
            image.thumbnail((_SEEN, _SEEN))
            _write_name(axis, file)
            inches = np.array([_TILE, _TILE])
        pixels = np.asarray(image.convert("RGB"))
        axis.imshow(pixels, extent=(0, width, height, 0), aspect="equal")
        axis.set(xlim=(0, width), ylim=(height, 0))
        scale = 72 * min(inches / (width, height))  # points of print in a pixel
        for _, row in table.xs(file, level="File").iterrows():
            _draw_face(axis, row, scale)
    return figure


def _write_name(axis, file):
    axis.text(
        *(0.02, 0.02, printable(Path(file).name)),
        transform=axis.transAxes,
        color="white",
        fontsize=6,
        parse_math=False,
        path_effects=[patheffects.withStroke(linewidth=1.5, foreground="black")],
    )


def _draw_face(axis, row, scale):
    """Draw a face's box and points; their size is a share of the box's."""
    left, top, width, height = row[[*BOX_COLUMNS]]
    size = width * scale
    line = min(max(size / 120, 0.5), 4)
    edge = [patheffects.withStroke(linewidth=1.8 * line, foreground="#000000a0")]
    axis.add_patch(
        Rectangle(
            (left, top),
            width,
            height,
            fill=False,
            edgecolor=MARK,
            linewidth=line,
            path_effects=edge,
        )
    )
    for colour, lines in PARTS.values():
        for names in lines:
            known = [name for name in names if f"{name}_x" in row]
            at = [(row[f"{name}_x"], row[f"{name}_y"]) for name in known]
            axis.plot(
                *zip(*at, strict=True), color=colour, linewidth=line, path_effects=edge
            )
            axis.plot(
                *zip(*dict.fromkeys(at), strict=True),
                color=colour,
                linestyle="",
                marker="o",
                markersize=3.2 * line,
                markeredgecolor="#000000a0",
                markeredgewidth=line / 3,
            )
