"""Image files of any size and colour, as input of the nets.

Nets are trained on faces that nearly fill a square. An image that is not square is
cropped to the largest square in its middle, and not stretched; a portrait mostly loses
hair and neck. If that does not suit, crop the image to the face first.
"""

import os
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from kfkd.arguments import as_path
from kfkd.data import SIDE, scale_images
from kfkd.errors import ArgumentError, DataError

__all__ = ["SMALLEST", "Face", "open_image", "read_face"]

# Shortest side of an image, in pixels: a quarter of what the nets see.
SMALLEST = SIDE // 4


@dataclass(frozen=True, eq=False)
class Face:
    """The middle square of an image.

    Attributes
    ----------
    grey : float32 array, shape (9216,)
        96 x 96 grey values in [0, 1], row by row.
    left, top : float
        The square's upper left corner, in pixels of the image.
    side : float
        The square's width and height, in pixels of the image.
    """

    grey: npt.NDArray[np.float32]
    left: float
    top: float
    side: float

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
        own = np.asarray(points, dtype=np.float64) * (self.side / SIDE)
        own[..., 0::2] += self.left
        own[..., 1::2] += self.top
        return own


def open_image(path: str | os.PathLike[str]) -> Image.Image:
    """Open an image file as a viewer shows it.

    Parameters
    ----------
    path : path
        Any file that Pillow reads; of several pages, the first is used.

    Returns
    -------
    PIL.Image.Image
        In mode L or RGB, turned upright as its EXIF data say, with transparent parts
        on white. 16-bit grey values are reduced to 8 bits.

    Raises
    ------
    DataError
        There is no such file, or it cannot be read as an image.
    """
    path = as_path(path)
    try:
        with warnings.catch_warnings():
            # The warning is of a large image; one twice as large is an error.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                file.load()
                return _flat(ImageOps.exif_transpose(file))
    except Image.DecompressionBombError as error:
        most = 2 * Image.MAX_IMAGE_PIXELS  # type: ignore[operator]  # with a limit
        raise DataError(
            f"{path} is too large: it has more than {most:,} pixels; save it smaller, "
            "or crop it to the face"
        ) from error
    except Image.UnidentifiedImageError as error:
        raise DataError(
            f"{path} is not an image of a known format, such as JPEG or PNG"
        ) from error
    # Pillow's readers raise many kinds of errors for damaged files.
    except Exception as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read as an image: {reason}") from error


def _flat(image):
    """Convert an image of any mode to mode L or RGB."""
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float64) / 257
        return Image.fromarray(np.rint(values).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ArgumentError(
            "the grey value of white is unknown for 32 bits; save it with 8 or 16 bits"
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def read_face(path: str | os.PathLike[str]) -> Face:
    """Read an image file and reduce its middle square to 96 x 96 grey values.

    Parameters
    ----------
    path : path
        As for `open_image`.

    Returns
    -------
    Face
        Colours are converted to their luma (ITU-R 601), sizes by bicubic
        interpolation. An image of 96 x 96 grey values is unchanged.

    Raises
    ------
    DataError
        As for `open_image`, or a side is shorter than `SMALLEST`.
    """
    image = open_image(path).convert("L")
    side = min(image.size)
    if side < SMALLEST:
        raise DataError(
            f"{path} has {image.width} x {image.height} pixels, too few to show a "
            f"face; at least {SMALLEST} x {SMALLEST} are needed"
        )
    left, top = (image.width - side) / 2, (image.height - side) / 2
    square = image.resize(
        (SIDE, SIDE),
        Image.Resampling.BICUBIC,
        box=(left, top, left + side, top + side),
    )
    grey = scale_images(np.asarray(square).ravel())
    return Face(grey, left, top, side)
