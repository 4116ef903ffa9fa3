"""Photographs, as they are, with key points."""

import math
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from kfkd.prediction.image_files import open_image

from .drawing import MARK

__all__ = ["plot_points"]


def plot_points(
    paths: Sequence[str | os.PathLike[str]], points: Sequence[npt.NDArray[np.floating]]
) -> Figure:
    """Draw image files, as they are, with key points in their own pixels.

    Parameters
    ----------
    paths : sequence of path
    points : sequence of array, shape (2 * k,)
        For each image x and y in turn, as from ``Face.to_own``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        As for `kfkd.prediction.image_files.open_image`.
    """
    columns = math.ceil(math.sqrt(len(paths)))
    rows = math.ceil(len(paths) / columns)
    inches = 4 if columns == 1 else 2.5
    figure = Figure(figsize=(inches * columns, inches * rows))
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1, hspace=0.03, wspace=0.03)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, path, xy in zip(axes, paths, points, strict=False):
        image = open_image(path)
        width, height = image.size
        image.thumbnail((1024, 1024))  # more than is seen
        axis.imshow(np.asarray(image.convert("RGB")), extent=(0, width, height, 0))
        axis.scatter(xy[0::2], xy[1::2], marker="x", s=20, c=MARK, lw=1.2)
        axis.set(xlim=(0, width), ylim=(height, 0))
    return figure
