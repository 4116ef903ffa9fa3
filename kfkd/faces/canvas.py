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
    """The many small choices of one face, drawn in one go.

    Parameters
    ----------
    rng : numpy.random.Generator
    """

    def __init__(self, rng):
        self._rolls = iter(rng.random(256).tolist())

    def between(self, low, high):
        """Return a number in [low, high), all equally likely."""
        return low + (high - low) * next(self._rolls)

    def around(self, middle, width):
        """Return a number within `width` of `middle`, the nearer the likelier."""
        return middle + width * (next(self._rolls) + next(self._rolls) - 1)

    def chance(self, probability):
        """Return True with this probability."""
        return next(self._rolls) < probability

    def below(self, n):
        """Return one of 0 to n - 1."""
        return int(n * next(self._rolls))


def window(x, y, reach):
    """Cut the part of the picture within `reach` of a point.

    Returns
    -------
    where : tuple of slice
        Indexes the picture.
    dx, dy : ndarray of float32, shapes (1, w) and (h, 1)
        Distance of the columns and rows from the point. Empty where the point is
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


def clip(values, low=_ZERO, high=_ONE):
    """Limit an array in place, by default to 0 and 1."""
    return values.clip(low, high, out=values)


def inside(distance, soft=1.0):
    """Turn a signed distance (negative inside) to coverage, over `soft` pixels."""
    covered = distance * (-1 / soft)
    covered += 0.5
    return clip(covered)


def blob(x, y, rx, ry, ux=1.0, uy=0.0):
    """Make a soft hill, one in the middle and zero at the ellipse's edge.

    Returns
    -------
    where : tuple of slice
    weight : ndarray of float32
    """
    where, dx, dy = window(x, y, max(rx, ry))
    a, b = 1 / (rx * rx), 1 / (ry * ry)
    weight = 1 - dx * dx * (a * ux * ux + b * uy * uy)
    weight = weight - dy * dy * (a * uy * uy + b * ux * ux)
    if uy:
        weight -= dx * (dy * (2 * (a - b) * ux * uy))
    clip(weight)
    weight *= weight
    return where, weight


def shade(picture, amount, x, y, rx, ry, ux=1.0, uy=0.0):
    """Darken (amount < 0) or lighten a soft spot, as a share of what is there."""
    where, weight = blob(x, y, rx, ry, ux, uy)
    weight *= amount
    weight += 1
    picture[where] *= weight


def cover(picture, mask, paint):
    """Put `paint` over the picture where, and as far as, the mask says."""
    picture += mask * (paint - picture)


def ellipse(dx, dy, rx, ry):
    """Return the coverage of an ellipse, given coordinates from its centre."""
    a = dx * (1 / rx)
    b = dy * (1 / ry)
    return inside((np.sqrt(a * a + b * b) - 1) * min(rx, ry))


def _smooth_noise(rng, rows, columns):
    # Random values on a grid, joined smoothly and without seams. Rounded, because
    # what follows must not depend on the order in which a machine adds up.
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
    # Periodic noise by kind; rows and columns of the grid decide the grain.
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
        # Twice, so that a cut of 96 by 96 may start anywhere.
        bank[kind] = np.tile(noise, (2, 2)).astype(np.float32)
    return bank


def texture(dice, kind, shape=(SIDE, SIDE), turn=False):
    """Cut a random piece of texture: mean 0, standard deviation 1 for grain, else 0.6.

    Parameters
    ----------
    dice : Dice
    kind : {"cloud", "skin", "straight", "wavy", "curly", "brows", "grain"}
    shape : tuple of int
    turn : bool
        Along rows in place of columns.

    Returns
    -------
    ndarray of float32
        A view: copy before changing.
    """
    whole = _textures()[kind]
    if turn:
        whole = whole.T
    top, left = dice.below(_TEXTURE), dice.below(_TEXTURE)
    return whole[top : top + shape[0], left : left + shape[1]]


def warped(dice, kind, rows, columns):
    """Take texture at given coordinates, in its own pixels, in place of a straight cut.

    Parameters
    ----------
    dice : Dice
    kind : str
        As for `texture`.
    rows, columns : ndarray of float32
        Of equal shape.

    Returns
    -------
    ndarray of float32
        In that shape.
    """
    whole = _textures()[kind].ravel()
    place = (rows + dice.below(_TEXTURE)).astype(np.int32) & (_TEXTURE - 1)
    place *= 2 * _TEXTURE
    place += (columns + (dice.below(_TEXTURE) + _TEXTURE)).astype(np.int32) & (
        _TEXTURE - 1
    )
    return whole[place]
