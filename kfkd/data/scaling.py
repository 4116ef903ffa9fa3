"""Conversion of coordinates and grey values between files and nets."""

import numpy as np
import numpy.typing as npt

from kfkd.arguments import as_numbers
from kfkd.data.columns import SIDE

__all__ = ["from_pixels", "scale_images", "to_pixels"]

_HALF = SIDE // 2


def to_pixels(y: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """Convert coordinates from [-1, 1] to pixels, 0 to 96.

    Parameters
    ----------
    y : array_like
        Targets as `load` returns them, or predictions, of any shape.

    Returns
    -------
    array
        ``y * 48 + 48``; float32 stays float32.

    Raises
    ------
    ArgumentError
        They are not numbers.
    """
    return as_numbers("y", y) * _HALF + _HALF


def scale_images(images: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Convert grey values from 0 to 255 to float32 in [0, 1]."""
    return np.divide(as_numbers("images", images), np.float32(255), dtype=np.float32)


def from_pixels(pixels: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """Convert coordinates from pixels to [-1, 1], the inverse of `to_pixels`."""
    return (as_numbers("pixels", pixels) - _HALF) / _HALF
