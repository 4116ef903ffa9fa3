"""Pictures of drawn faces: from key points to a photograph."""

import math
import numbers

import numpy as np

from kfkd.arguments import check, whole
from kfkd.data.columns import COLUMNS

from . import dress, features, points
from .canvas import MIDDLES, SIDE, Dice, clip, cover, inside, texture
from .head import Head, ears, light, lit, neck, shadow, skin
from .hills import Hills

# Raise it whenever a seed gives other faces than before.
VERSION = 2
# Independent streams of faces of one seed.
DRAWN, TRAINING, TEST = range(3)


def background(dice):
    """Return a background: a wall, a street, a studio."""
    x, y = (MIDDLES - 48)[None, :], (MIDDLES - 48)[:, None]
    base = dice.between(0.03, 0.97)
    slope_x, slope_y = dice.around(0, 0.004), dice.around(0, 0.004)
    picture = base + x * slope_x + y * slope_y
    kind = ("cloud", "cloud", "curly", "skin")[dice.below(4)]
    rough = dice.between(0.0, 0.2) if dice.chance(0.6) else 0.02
    picture += texture(dice, kind) * rough
    for _ in range(dice.below(4)):  # edges of doors, shelves, shoulders
        angle = dice.between(0, 6.283)
        way = x * math.cos(angle) + y * math.sin(angle)
        mask = inside(way - dice.between(5, 46), dice.between(1, 6))
        mask = 1 - mask
        cover(picture, mask, dice.between(0, 1))
    return clip(picture)


def _soften(picture, axis, weight):
    """Filter along an axis by [w, 1 - 2 w, w], edges repeated."""
    picture = picture.swapaxes(0, axis)
    side = picture * weight
    picture = picture - side
    picture -= side
    picture[1:] += side[:-1]
    picture[:-1] += side[1:]
    picture[0] += side[0]
    picture[-1] += side[-1]
    return picture.swapaxes(0, axis)


def _blur(picture, weight):
    return _soften(_soften(picture, 0, weight), 1, weight)


def _coarse(picture, factor, dice):
    """Return a picture made small, and large again."""
    small = sum(
        picture[i::factor, j::factor] for i in range(factor) for j in range(factor)
    ) * (1 / factor**2)
    large = small.repeat(factor, 0).repeat(factor, 1)
    if dice.chance(0.85):
        for _ in range(factor - 1):
            large = _blur(large, 0.3)
    return large


def camera(picture, dice):
    """Return a picture of range 0 to 1 in uint8, as a camera blurs and exposes it."""
    rough = dice.between(0, 1)
    if rough < 0.12:
        picture = _coarse(picture, 2 + dice.below(2), dice)
    elif rough < 0.75:
        for _ in range(1 + dice.below(4) * (rough > 0.45)):
            picture = _blur(picture, dice.between(0.05, 0.3))
    elif rough < 0.8:
        axis = dice.below(2)
        for _ in range(6):
            picture = _soften(picture, axis, 0.33)
    # Exposure: most cameras avoid clipping.
    some = np.sort(picture[12:90:4, 16:80:4], axis=None)
    care = dice.between(0.6, 1)
    dark = care * float(some[6])
    bright = care * float(some[-6]) + (1 - care)
    picture = (picture - dark) * (1 / max(bright - dark, 0.2))
    clip(picture, 0, 1.1)
    # Brightness by a curve through black and white, then contrast.
    curve = 1 / dice.between(0.38, 0.68) - 2
    picture = picture / (1 + curve * (1 - picture))
    low = dice.around(0.05, 0.09)
    high = dice.between(0.58, 1.0)
    picture = picture * (255 * (high - low)) + (255 * low)
    noise = dice.between(0.5, 3) if dice.chance(0.88) else dice.between(3, 9)
    grain = texture(dice, "grain", turn=dice.chance(0.5))
    if dice.chance(0.3):  # noise that was blurred by compression
        grain = _blur(grain, 0.28) * 1.6
    picture += grain * noise
    return clip(picture + 0.5, 0, 255).astype(np.uint8)


def face(seed, stream, number, *, sparse=False, turn=0):
    """Return a picture of a face, its key points in pixels, and its generator.

    They depend on the arguments alone: the seed, the stream (`DRAWN`, `TRAINING` or
    `TEST`), the number in the stream, whether the face is of the sparse collection
    (see `kfkd.faces.points`), and how much heads turn.
    """
    rng = np.random.default_rng([seed, stream, number])
    where = points.sample(rng, sparse=sparse, turn=turn)
    dice = Dice(rng)
    p = [tuple(point) for point in where.reshape(15, 2).tolist()]
    head = Head(p, dice)
    tone = dice.between(0.32, 0.85)
    if dice.chance(0.25):
        tone = dice.between(0.14, 0.36)
    looks = features.Looks(dice, tone)
    age = dice.between(0, 1) ** 2
    direction, ambient = light(dice)

    flesh = skin(head, dice, tone)
    hills = Hills()
    height = head.form(hills, dice)
    k = head.scale
    head.lines(hills, dice, age)
    features.eye(flesh, hills, looks, p[2], p[3], p[0], k)
    features.eye(flesh, hills, looks, p[4], p[5], p[1], k)
    features.nose(height, hills, looks, dice, head, direction)
    dress.beard(flesh, head, dice, looks.hair)
    features.mouth(flesh, hills, looks, dice, *p[11:15], k)
    features.brow(flesh, looks, dice, p[6], p[7], k)
    features.brow(flesh, looks, dice, p[8], p[9], k)
    ground, left_over = hills.drawn()
    height += ground
    flesh *= left_over
    flesh *= lit(height, direction, ambient, dice.between(0, 0.12))
    shadow(flesh, head, dice)

    picture = background(dice)
    hair = dress.Hair(head, dice, looks.hair)
    dim = ambient + (1 - ambient) * 0.6
    hair.behind(picture)
    neck(picture, head, dice, tone * dim)
    cover(picture, head.mask, flesh)
    hair.before(picture)
    if not hair.long:
        ears(picture, head, dice, tone * dim)
    dress.glasses(picture, head, dice)
    dress.hat(picture, head, dice)
    dress.hide(picture, head, dice, tone * dim, hair)
    return camera(clip(picture), dice), where, rng


def draw(n, seed=0, *, turn=0):
    """Draw faces with all their key points.

    Parameters
    ----------
    n : int
        Number of faces.
    seed : int, default=0
        Equal seeds give equal faces, whatever `n` is.
    turn : float, default=0
        How much more heads turn than those in the competition's photographs do, which
        look at the camera: the standard deviation of the angles, 0 to 30 degrees.

    Returns
    -------
    images : ndarray of uint8, shape (n, 96, 96)
        Grey values.
    points : ndarray of float32, shape (n, 30)
        x and y in pixels, 0 to 96, in the order of Kaggle's columns, exactly where
        the features were drawn. Pixel column c covers c to c + 1, so that mirroring
        an image maps x to 96 - x.

    Raises
    ------
    ArgumentError
        `n` or `seed` is negative or not a whole number, or `turn` out of its range.

    Notes
    -----
    The points follow the complete rows of the competition's training set in mean,
    spread and correlation, if `turn` is 0. A constant prediction scores about 3.2
    pixels RMSE.
    """
    n, seed = whole("n", n), whole("seed", seed)
    is_angle = isinstance(turn, numbers.Real) and 0 <= turn <= 30
    check("turn", turn, is_angle, "an angle from 0 to 30 degrees")
    images = np.empty((n, SIDE, SIDE), np.uint8)
    labels = np.empty((n, len(COLUMNS)), np.float32)
    for i in range(n):
        images[i], labels[i], _ = face(seed, DRAWN, i, turn=turn)
    return images, labels
