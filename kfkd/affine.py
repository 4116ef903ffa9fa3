"""Affine maps of images and of the key points in them, drawn at random.

A map turns, scales and shifts an image about its middle, may mirror it before, and
changes its brightness and contrast.  The functions are traced by JAX.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

__all__ = ["PARAMETERS", "map_images", "map_points"]

# The columns of an array that describes a map for each image: radians clockwise, a
# factor, shares of the image's width and height, 0 or 1, a grey value, a factor.
PARAMETERS = (
    "rotation",
    "scale",
    "shift_x",
    "shift_y",
    "flipped",
    "brightness",
    "contrast",
)


def _split(maps, ndim):
    """Return the parameters by name, each with `ndim` axes, the first of images."""
    columns = jnp.moveaxis(maps, 1, 0)
    shape = (len(maps), *[1] * (ndim - 1))
    return {k: v.reshape(shape) for k, v in zip(PARAMETERS, columns, strict=True)}


def map_images(images: Any, maps: Any) -> Any:
    """Return images as they look after a map of each.

    Grey values are interpolated linearly.  Beyond the edges of an image, its outermost
    pixels go on.

    Parameters
    ----------
    images : array, shape (n, channels, height, width)
        Grey values in [0, 1], which results are limited to.
    maps : array, shape (n, len(PARAMETERS))

    Returns
    -------
    JAX array
        Of the same shape and type.
    """
    n, channels, h, w = images.shape
    p = _split(maps, 3)
    # Where each pixel comes from, in pixels from the middle.
    x = np.arange(w, dtype=images.dtype) - (w - 1) / 2 - p["shift_x"] * w
    y = np.arange(h, dtype=images.dtype)[:, None] - (h - 1) / 2 - p["shift_y"] * h
    cos, sin = jnp.cos(p["rotation"]) / p["scale"], jnp.sin(p["rotation"]) / p["scale"]
    x, y = cos * x + sin * y, cos * y - sin * x
    x = jnp.where(p["flipped"] > 0, -x, x)
    x = jnp.clip(x + (w - 1) / 2, 0, w - 1)
    y = jnp.clip(y + (h - 1) / 2, 0, h - 1)
    left = jnp.minimum(jnp.floor(x), max(w - 2, 0))
    top = jnp.minimum(jnp.floor(y), max(h - 2, 0))
    x, y = (x - left)[:, None], (y - top)[:, None]
    place = (top * w + left).astype(np.int32).reshape(n, 1, h * w)
    flat = images.reshape(n, channels, h * w)

    def taken(step):
        found = jnp.take_along_axis(flat, place + step, axis=2, mode="clip")
        return found.reshape(images.shape)

    right, below = int(w > 1), w * (h > 1)
    upper = taken(0) * (1 - x) + taken(right) * x
    lower = taken(below) * (1 - x) + taken(below + right) * x
    grey = upper * (1 - y) + lower * y
    p = _split(maps, 4)
    grey = (grey - 0.5) * p["contrast"] + 0.5 + p["brightness"]
    return jnp.clip(grey, 0, 1).astype(images.dtype)


def map_points(
    points: Any, maps: Any, size: tuple[int, int], source: npt.NDArray[np.intp]
) -> Any:
    """Return the key points of images after a map of each.

    Parameters
    ----------
    points : array, shape (n, 2 * k)
        Coordinates in [-1, 1], x and y in turn; NaN where missing.
    maps : array, shape (n, len(PARAMETERS))
    size : (int, int)
        Height and width of the images.
    source : int array, shape (2 * k,)
        The column that each comes from in a mirrored image.

    Returns
    -------
    JAX array
        Of the same shape and type.  Points that have left the image are NaN.
    """
    h, w = size
    p = _split(maps, 2)
    flipped = p["flipped"] > 0
    points = jnp.where(flipped, points[:, source], points)
    x, y = points[:, 0::2], points[:, 1::2]
    x = jnp.where(flipped, -x, x) * (w / 2)
    y = y * (h / 2)
    cos, sin = jnp.cos(p["rotation"]) * p["scale"], jnp.sin(p["rotation"]) * p["scale"]
    x, y = cos * x - sin * y, cos * y + sin * x
    x, y = x / (w / 2) + 2 * p["shift_x"], y / (h / 2) + 2 * p["shift_y"]
    inside = (abs(x) <= 1) & (abs(y) <= 1)
    moved = jnp.stack([jnp.where(inside, v, np.nan) for v in (x, y)], axis=2)
    return moved.reshape(points.shape).astype(points.dtype)
