"""Squares of images, as input of the nets."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from kfkd.data import SIDE, scale_images

__all__ = ["Box", "Face", "crop_face", "middle_square"]


class Box(NamedTuple):
    """A rectangle of an image, in its pixels from the upper left corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, eq=False)
class Face:
    """A square of an image, as a net sees it.

    Attributes
    ----------
    grey : float32 array, shape (9216,)
        96 x 96 grey values in [0, 1], row by row.
    box : Box
        The square.
    """

    grey: npt.NDArray[np.float32]
    box: Box

    def to_own(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Convert points from pixels of the 96 x 96 square to pixels of the image.

        Parameters
        ----------
        points : array, shape (..., 2 * k)
            x and y in turn. As in labels, the upper left corner of the upper left pixel
            is the origin.

        Returns
        -------
        float64 array, shape (..., 2 * k)
        """
        own = np.asarray(points, dtype=np.float64) * (self.box.width / SIDE)
        own[..., 0::2] += self.box.left
        own[..., 1::2] += self.box.top
        return own


def middle_square(box: Box) -> Box:
    """Return the largest square in the middle of a box."""
    side = min(box.width, box.height)
    left = box.left + (box.width - side) / 2
    return Box(left, box.top + (box.height - side) / 2, side, side)


def crop_face(image: Image.Image, box: Box) -> Face:
    """Reduce a square of an image to 96 x 96 grey values.

    Parameters
    ----------
    image : PIL.Image.Image
    box : Box
        Of what is not a square, the largest square in the middle is taken. Beyond the
        edges of the image, its outermost pixels are repeated.

    Returns
    -------
    Face
        Colours are converted to their luma (ITU-R 601), sizes by bicubic
        interpolation. An image of 96 x 96 grey values is unchanged.
    """
    box = middle_square(box)
    left, top = box.left, box.top
    right, bottom = left + box.width, top + box.height
    grey = image if image.mode == "L" else image.convert("L")
    over = math.ceil(max(0, -left, -top, right - grey.width, bottom - grey.height))
    if over:
        grey = Image.fromarray(np.pad(np.asarray(grey), over, mode="edge"))
    square = grey.resize(
        (SIDE, SIDE),
        Image.Resampling.BICUBIC,
        box=(left + over, top + over, right + over, bottom + over),
    )
    return Face(scale_images(np.asarray(square).ravel()), box)
