"""Primitives of drawn faces: random choices, coordinates, soft shapes, textures.

A point (x, y) of a label is a place on the picture's plane, and pixel column c covers
c to c + 1, so its middle is at c + 0.5: mirroring the pixels maps x to exactly 96 - x,
as the tutorial's flipping of labels does.

For every pixel only sums, products, quotients and square roots in float32 are used:
these are rounded alike on all machines, so that a seed gives the same bytes on all.
"""

from functools import cache

import numpy as np

from kfkd.data.columns import SIDE

MIDDLES = np.arange(SIDE, dtype=np.float32) + 0.5
_TEXTURE = 256
# As arrays, because NumPy takes longer over Python's numbers than over a small array.
_ZERO, _ONE = np.zeros((), np.float32), np.ones((), np.float32)


class Dice:
    """The many small random choices of one face, all drawn at once."""

    def __init__(self, rng):
        self._rolls = iter(rng.random(256).tolist())

    def between(self, low, high):
        """Return a number drawn uniformly from [low, high)."""
        return low + (high - low) * next(self._rolls)

    def around(self, middle, width):
        """Return a number from a triangular distribution of middle and half width."""
        return middle + width * (next(self._rolls) + next(self._rolls) - 1)

    def chance(self, probability):
        """Return True with this probability."""
        return next(self._rolls) < probability

    def below(self, n):
        """Return an integer from 0 to n - 1."""
        return int(n * next(self._rolls))


def window(x, y, reach):
    """Return slices of the picture around a point, and the pixels' offsets from it.

    The offsets have the shapes (1, w) and (h, 1). They are empty where the point is
    farther than `reach` from the picture.
    """
    columns = slice(max(0, int(x - reach)), max(0, min(SIDE, int(x + reach) + 1)))
    rows = slice(max(0, int(y - reach)), max(0, min(SIDE, int(y + reach) + 1)))
    dx = MIDDLES[None, columns] - x
    dy = MIDDLES[rows, None] - y
    return (rows, columns), dx, dy


def turned(dx, dy, ux, uy):
    """Return coordinates along the unit vector (ux, uy) and a quarter turn from it."""
    return dx * ux + dy * uy, dy * ux - dx * uy


def turned_window(point, reach, direction):
    """Return the slices of `window`, and the `turned` offsets from the point."""
    where, dx, dy = window(*point, reach)
    return where, *turned(dx, dy, *direction)


def clip(values, low=_ZERO, high=_ONE):
    """Limit an array in place, by default to 0 and 1."""
    return values.clip(low, high, out=values)


def inside(distance, soft=1.0):
    """Turn a signed distance (negative inside) into coverage, over `soft` pixels."""
    covered = distance * (-1 / soft)
    covered += 0.5
    return clip(covered)


def blob(point, radii, direction=(1.0, 0.0)):
    """Return slices and weights of a soft hill: 1 at the point, 0 at an ellipse.

    The ellipse has two radii, along the direction and across it.
    """
    (rx, ry), (ux, uy) = radii, direction
    where, dx, dy = window(*point, max(radii))
    a, b = 1 / (rx * rx), 1 / (ry * ry)
    weight = 1 - dx * dx * (a * ux * ux + b * uy * uy)
    weight = weight - dy * dy * (a * uy * uy + b * ux * ux)
    if uy:
        weight -= dx * (dy * (2 * (a - b) * ux * uy))
    clip(weight)
    weight *= weight
    return where, weight


def shade(picture, amount, point, radii, direction=(1.0, 0.0)):
    """Darken (amount < 0) or lighten a soft spot, by a share of its grey values."""
    where, weight = blob(point, radii, direction)
    weight *= amount
    weight += 1
    picture[where] *= weight


def cover(picture, mask, paint):
    """Blend `paint` into the picture, in place; the mask is its opacity."""
    picture += mask * (paint - picture)


def ellipse(dx, dy, rx, ry):
    """Return the coverage of an ellipse, given coordinates from its centre."""
    a = dx * (1 / rx)
    b = dy * (1 / ry)
    return inside((np.sqrt(a * a + b * b) - 1) * min(rx, ry))


def _smooth_noise(rng, rows, columns):
    """Return random values of a grid, interpolated smoothly and periodically.

    They are rounded, so that the order in which a machine adds them does not matter.
    """
    grid = rng.standard_normal((rows, columns))

    def enlarge(values):
        n = len(values)
        place = np.arange(_TEXTURE) * n / _TEXTURE
        left = place.astype(int)
        t = (place - left)[:, None]
        t = t * t * (3 - 2 * t)
        return values[left] * (1 - t) + values[(left + 1) % n] * t

    return np.round(enlarge(enlarge(grid).T).T * 1024) / 1024


@cache
def _textures():
    """Return periodic noise of each kind; the size of its grids decides the grain."""
    kinds = {
        "cloud": [(3, 3), (6, 6), (12, 12)],
        "skin": [(24, 24), (64, 64), (128, 128)],
        "straight": [(3, 48), (6, 128), (2, 24)],
        "wavy": [(12, 40), (24, 96), (8, 20)],
        "curly": [(40, 40), (64, 64), (20, 20)],
        "brows": [(64, 96), (32, 64)],
        "grain": [(_TEXTURE, _TEXTURE)],
    }
    rng = np.random.default_rng(2014)
    bank = {}
    for kind, grids in kinds.items():
        noise = sum(_smooth_noise(rng, *grid) for grid in grids) / len(grids) ** 0.5
        # Tiled, so that a piece of 96 by 96 may start anywhere.
        bank[kind] = np.tile(noise, (2, 2)).astype(np.float32)
    return bank


def texture(dice, kind, shape=(SIDE, SIDE), turn=False):
    """Return a random piece of texture, a view: copy it before changing it.

    Its mean is 0, its standard deviation 1 for grain and 0.6 for the other kinds, and
    `turn` swaps its rows and columns.
    """
    whole = _textures()[kind]
    if turn:
        whole = whole.T
    top, left = dice.below(_TEXTURE), dice.below(_TEXTURE)
    return whole[top : top + shape[0], left : left + shape[1]]


def warped(dice, kind, rows, columns):
    """Return texture at two arrays of coordinates, in pixels of the texture."""
    rows = (rows + dice.below(_TEXTURE)).astype(np.int32) % _TEXTURE
    columns = (columns + (dice.below(_TEXTURE) + _TEXTURE)).astype(np.int32) % _TEXTURE
    return _textures()[kind][rows, columns]
