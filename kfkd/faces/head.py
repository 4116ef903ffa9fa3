"""The head without its features: frame, outline, relief, ears and neck."""

import math

import numpy as np

from .canvas import MIDDLES, SIDE, blob, clip, cover, inside, shade, texture


class Head:
    """A head that fits 15 key points, which are pairs of pixels.

    `u` and `v` count from the point between the eyes, along the line of the eyes and
    down the middle of the face, in distances between the eyes.
    """

    def __init__(self, points, dice):
        (left_x, left_y), (right_x, right_y) = points[:2]
        self.points = points
        self.origin = (left_x + right_x) / 2, (left_y + right_y) / 2
        self.unit = math.hypot(left_x - right_x, left_y - right_y)
        self.ux = (left_x - right_x) / self.unit
        self.uy = (left_y - right_y) / self.unit
        self.direction = self.ux, self.uy
        self.scale = self.unit / 36.6
        local = [self.local(point) for point in points]
        # The middle of a face leans where mouth and eyes are askew.
        lean = (local[11][0] + local[12][0]) / max(local[11][1] + local[12][1], 1)
        self.lean = min(max(lean, -0.35), 0.35)
        nose_u = local[10][0] - self.lean * local[10][1]
        self.yaw = min(max(3.2 * nose_u, -1), 1)

        x = MIDDLES[None, :] - self.origin[0]
        y = MIDDLES[:, None] - self.origin[1]
        x, y = x / self.unit, y / self.unit
        self.v = y * self.ux - x * self.uy
        self.u = (x * self.ux + y * self.uy) - self.v * self.lean

        width = dice.between(1.06, 1.22)
        self.chin = local[14][1] + dice.between(0.38, 0.66)
        self.crown = -dice.between(1.45, 1.9)
        self.middle = dice.between(0.05, 0.3)
        self.square = dice.between(-0.1, 0.8)
        # The side the nose turns to is seen foreshortened.
        self.widths = [width, width]
        far = int(self.yaw > 0)
        self.widths[far] *= 1 - 0.36 * abs(self.yaw)
        self.widths[1 - far] *= 1 + 0.65 * abs(self.yaw)
        for side, brow in ((1, 7), (0, 9)):
            reach = abs(local[brow][0] - self.lean * local[brow][1]) + 0.1
            self.widths[side] = max(self.widths[side], reach)
        self.far = far
        # Distance from the middle line, 1 at the outline.
        self.across = np.maximum(
            self.u * (1 / self.widths[1]), self.u * (-1 / self.widths[0])
        )
        down = self.v - self.middle
        down = np.maximum(
            down * (1 / (self.chin - self.middle)),
            down * (1 / (self.crown - self.middle)),
        )
        a, b = self.across * self.across, down * down
        # 0 in the middle, 1 at the outline.
        self.radius2 = a + b - a * b * self.square
        self.mask = inside((self.radius2 - 1) * (0.5 * self.unit), 1.6)

    def local(self, point):
        """Return a point given in pixels as u and v, without the head's lean."""
        x = (point[0] - self.origin[0]) / self.unit
        y = (point[1] - self.origin[1]) / self.unit
        return x * self.ux + y * self.uy, y * self.ux - x * self.uy

    def pixel(self, u, v):
        """Return a point given as u and v in pixels."""
        u = u + self.lean * v
        x, y = u * self.ux - v * self.uy, u * self.uy + v * self.ux
        return self.origin[0] + x * self.unit, self.origin[1] + y * self.unit

    def form(self, hills, dice):
        """Return the height map of the head in pixels, and add cheeks to `hills`."""
        depth = dice.between(0.55, 0.85) * self.unit
        height = np.sqrt(np.maximum(1.02 - self.radius2, 0.02))
        height *= depth
        k = self.scale
        cheek = dice.between(0.4, 3.0)
        for sign in (-1, 1):
            shift = 0.1 * self.yaw
            spot = self.pixel(sign * 0.56 + shift, 0.52)
            hills.lift(cheek * k, spot, (13 * k, 11 * k))
            spot = self.pixel(sign * 0.45, -0.32)
            hills.lift(1.6 * k, spot, (15 * k, 7 * k), self.direction)
        chin = self.pixel(0, self.chin - 0.25)
        hills.lift(4 * k, chin, (13 * k, 10 * k))
        return height

    def lines(self, hills, dice, age):
        """Draw the lines of age and smiles: folds beside the mouth, a lined brow."""
        k = self.scale
        nose, left, right = self.points[10:13]
        smile = math.dist(left, right) / self.unit
        fold = min(max(smile - 0.75, 0), 0.4) * 0.4 + age * 0.18
        for sign, corner in ((1, left), (-1, right)):
            top = nose[0] + sign * 0.27 * self.unit, nose[1] + 0.04 * self.unit
            low = corner[0] + sign * 0.13 * self.unit, corner[1]
            length = max(math.dist(top, low), 1.0)
            way = (low[0] - top[0]) / length, (low[1] - top[1]) / length
            x, y = (top[0] + low[0]) / 2, (top[1] + low[1]) / 2
            hills.shade(-fold, (x, y), (length * 0.75, 3.6 * k), way)
            beside = x + sign * 3.4 * k, y - 0.6 * k
            hills.shade(0.35 * fold, beside, (length * 0.6, 3.5 * k), way)
        if age > 0.45:
            for line in range(1 + dice.below(3)):
                spot = self.pixel(dice.around(0, 0.15), -0.5 - 0.17 * line)
                deep = -0.2 * age * dice.between(0.3, 1)
                hills.shade(deep, spot, (17 * k, 2.2 * k), self.direction)
            for sign in (-1, 1):
                spot = self.pixel(sign * 0.07, -0.16)
                hills.shade(-0.2 * age, spot, (1.7 * k, 5 * k), self.direction)


def light(dice):
    """Return the unit vector to the light, and the share of light that is ambient.

    The vector's components point right, down, and out of the picture.
    """
    hard = dice.between(0.2, 2.4)
    x, y, z = dice.around(0, 1.0) * hard, dice.around(-0.35, 0.7), 1.0
    length = (x * x + y * y + z * z) ** 0.5
    return (x / length, y / length, z / length), dice.between(0.12, 0.65)


def lit(height, direction, ambient, gloss):
    """Return the share of light that each pixel of a height map reflects."""
    gy, gx = np.gradient(height)
    gx[:, 0], gx[:, -1] = gx[:, 1], gx[:, -2]
    gy[0], gy[-1] = gy[1], gy[-2]
    x, y, z = direction
    facing = (z - gx * x - gy * y) / np.sqrt(1 + gx * gx + gy * gy)
    np.maximum(facing, 0, out=facing)
    shine = facing * facing
    shine *= shine
    shine *= shine
    shine *= shine
    facing *= (1 - ambient) * 1.15
    facing += ambient
    facing += shine * gloss
    return facing


def shadow(paint, head, dice):
    """Darken one side of some faces, as hard light does."""
    if not dice.chance(0.12):
        return
    side = -1 if dice.chance(0.5) else 1
    edge = head.u * side - dice.around(0.15, 0.4) + head.v * dice.around(0, 0.4)
    mask = inside(-edge * head.unit, dice.between(4, 20))
    paint *= 1 - mask * dice.between(0.2, 0.6)


def skin(head, dice, tone):
    """Return uneven bare skin."""
    strength = tone * dice.between(0.01, 0.06)
    paint = texture(dice, "skin") * strength
    paint += tone
    flush = tone * dice.between(0.0, 0.06)
    paint += texture(dice, "cloud") * flush
    return paint


def ears(picture, head, dice, tone):
    """Draw the ears: one that is turned to us moves onto the head."""
    k, turn = head.scale, abs(head.yaw)
    for side, sign in ((0, -1), (1, 1)):
        far = side == head.far
        if far and turn > 0.35:
            continue
        inwards = 0 if far else 0.3 * turn
        u, v = sign * (head.widths[side] + 0.02 - inwards), dice.around(0.22, 0.08)
        spot = head.pixel(u, v)
        radii = (5.5 + 5 * inwards) * k, 12 * k
        where, weight = blob(spot, radii, head.direction)
        mask = np.minimum(weight * 5, 1)
        cover(picture[where], mask, tone * 0.82)
        inner = head.pixel(u + 0.02 * sign, v)
        shade(picture, -0.5, inner, (3.2 * k, 7.5 * k), head.direction)


def neck(picture, head, dice, tone):
    """Draw neck and clothes below the chin."""
    picture = picture[SIDE // 3 :]
    v, aside = head.v[SIDE // 3 :], np.abs(head.u[SIDE // 3 :])
    drop = clip((v - (head.chin - 0.8)) * 2)
    wide = aside - dice.between(0.62, 0.85)
    mask = inside(wide * head.unit, 2) * drop
    cover(picture, mask, tone * dice.between(0.45, 0.8))
    shoulder = v - (head.chin + dice.between(-0.25, 0.25))
    shoulder = shoulder - aside * dice.between(-0.5, 0.35)
    mask = inside(-shoulder * head.unit, 2)
    cloth = texture(dice, "cloud", mask.shape) * 0.06
    cover(picture, mask, cloth + dice.between(0.03, 0.9))
    if dice.chance(0.5):  # a dark jacket over the shirt
        jacket = aside * dice.between(1.2, 3) - (v - head.chin) - dice.between(0.3, 1)
        mask *= inside(-jacket * head.unit, 2)
        cover(picture, mask, dice.between(0.02, 0.3))
