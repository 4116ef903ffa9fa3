"""Eyes, brows, nose and mouth, drawn on the skin at the key points."""

import numpy as np

from .canvas import clip, cover, inside, texture, turned, turned_window, window


def _axis(a, b):
    """Return the midpoint, half the length and the direction of a line."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = max((dx * dx + dy * dy) ** 0.5, 1e-6)
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    return middle, length / 2, (dx / length, dy / length)


class Looks:
    """Random looks of the features of one face, whose skin is of a tone from 0 to 1."""

    def __init__(self, dice, skin):
        self.hair = dice.between(0.03, 0.3)
        if dice.chance(0.35 if skin > 0.4 else 0.06):
            self.hair = dice.between(0.3, 0.9)
        self.skin = skin
        self.iris = dice.between(0.05, 0.3) if skin < 0.6 else dice.between(0.06, 0.5)
        self.white = min(0.95, skin * 0.45 + dice.between(0.32, 0.52))
        self.opening = dice.between(0.46, 0.78)
        if dice.chance(0.06):
            self.opening = dice.between(0.0, 0.1)
        self.lashes = dice.between(0.25, 0.9)
        self.lid = dice.between(0.0, 0.3)
        self.gaze = dice.around(0, 0.9), dice.around(0, 0.4)
        self.bags = dice.between(0.0, 0.25)
        self.socket = dice.between(0.0, 0.3)
        self.brow = min(self.hair, dice.between(0.05, 0.6)) * dice.between(0.6, 1.3)
        self.brow_strength = dice.between(0.35, 0.95)
        self.brow_width = dice.between(0.8, 2.1)
        self.arch = dice.between(0.04, 0.2)
        self.nose_width = dice.between(0.15, 0.25)
        self.nose_height = dice.between(4.5, 8.5)
        self.nostrils = dice.between(0.2, 0.6)
        self.lip = dice.between(*((0.55, 0.95) if dice.chance(0.7) else (0.3, 0.6)))
        self.bow = dice.between(0.0, 0.35)
        self.upper = dice.between(0.22, 0.34)
        self.lower = dice.between(0.3, 0.45)
        self.teeth = dice.chance(0.88)


def brow(picture, looks, dice, inner, outer, scale):
    """Draw a brow from its inner to its outer end."""
    middle, half, direction = _axis(inner, outer)
    where, along, across = turned_window(middle, half + 4, direction)
    if direction[0] < 0:
        across = -across
    s = along * (0.5 / half) + 0.5
    clip(s)
    # Highest at two thirds of the way out.
    bend = s * (1 - s) * (s + 0.6)
    bend *= -2 * half * looks.arch * 3.4
    width = looks.brow_width * scale
    thick = width - s * (0.62 * width)
    beyond = np.maximum(np.abs(along) - (half - 0.4), 0)
    mask = inside(np.abs(across - bend) + beyond * 1.2 - thick, 1.5)
    hairs = texture(dice, "brows", mask.shape)
    mask *= clip(looks.brow_strength + 0.3 * hairs)
    cover(picture[where], mask, looks.brow)


def eye(picture, hills, looks, inner, outer, centre, scale):
    """Draw an eye between its corners, its iris about the centre."""
    middle, half, direction = _axis(inner, outer)
    ux, uy = direction
    down = 1 if ux > 0 else -1
    nx, ny = -uy * down, ux * down
    hollow = middle[0] - 1.5 * nx, middle[1] - 1.5 * ny
    hills.lift(-2.6 * scale, hollow, (half * 2.1, half * 1.35), direction)
    hills.lift(2.0 * scale, centre, (half * 1.1, half * 0.9))
    socket = inner[0] - 2 * nx, inner[1] - 2.5 * ny
    hills.shade(-looks.socket, socket, (half * 1.1, half * 0.9), direction)
    bag = middle[0] + half * 0.85 * nx, middle[1] + half * 0.85 * ny
    hills.shade(-looks.bags, bag, (half * 1.1, half * 0.5), direction)

    where, dx, dy = window(*middle, half + 4)
    along, across = turned(dx, dy, ux, uy)
    across = across * down
    part = picture[where]
    s = along * (1 / half)
    hump = 1 - s * s
    # The lids run through the corners and keep the eye's centre between them.
    offset = (centre[0] - middle[0]) * nx + (centre[1] - middle[1]) * ny
    gape = looks.opening * (half + 1.5)
    top = min(offset - 0.45 * gape, -0.25 * gape) - 0.4
    bottom = max(offset + 0.45 * gape, 0.2 * gape)
    upper = across - hump * top
    lower = across - hump * bottom
    opening = inside(np.maximum(-upper, lower))
    ends = clip((hump + 0.15) * 4)
    opening *= ends
    # Crease of the lid, above it.
    line = inside(np.abs(upper + (0.34 * half)) - 0.45, 1.4)
    line *= np.maximum(hump, 0) * looks.lid
    part *= 1 - line
    ball = looks.white - s * s * 0.14
    ball = ball + clip(upper * 0.12 - 0.25, -0.25, 0)
    gx, gy = looks.gaze
    ix = dx - (centre[0] - middle[0] + gx * 0.5)
    iy = dy - (centre[1] - middle[1] + gy * 0.5)
    radius = max(0.43 * half, 1.7)
    away = np.sqrt(ix * ix + iy * iy)
    cover(ball, inside(away - radius), looks.iris)
    cover(ball, inside(away - 0.45 * radius), 0.02)
    ix, iy = ix + (gx + 0.5), iy + 0.32 * radius
    cover(ball, inside(ix * ix + iy * iy - 0.4, 0.8) * 0.7, 1)
    cover(part, opening, ball)
    lash = inside(np.abs(upper) - (0.35 + 0.4 * scale), 1.1)
    lash *= ends * looks.lashes
    cover(part, lash, 0.04)
    rim = inside(np.abs(lower) - 0.25, 1.2)
    rim *= ends * (0.3 * looks.lashes)
    part *= 1 - rim


def nose(height, hills, looks, dice, root, tip, lip, scale, light):
    """Draw the nose from between the eyes to its tip, nostrils above the lip."""
    middle, half, direction = _axis(root, tip)
    ux, uy = direction
    room = max((lip[0] - tip[0]) * ux + (lip[1] - tip[1]) * uy, 3.0)
    base = min(0.3 * room, 4.2 * scale)
    wing = looks.nose_width * 36 * scale
    where, along, across = turned_window(middle, half + 10, direction)
    s = clip(along * (0.5 / half) + 0.5)
    narrow = across / ((0.85 * wing) + s * (0.4 * wing))
    ridge = np.maximum(1 - narrow * narrow, 0)
    ridge *= ridge * s * (0.45 + s * 0.55)
    past = np.maximum(along - half, 0) * (1 / (base + 4.5 * scale))
    ridge *= np.maximum(1 - past * past, 0)
    height[where] += ridge * (looks.nose_height * scale)
    hills.lift(3.2 * scale, tip, (0.75 * wing, 0.65 * wing), direction)

    def below(side, down):
        return tip[0] + down * ux - side * uy, tip[1] + down * uy + side * ux

    for sign in (-1, 1):
        side = below(sign * 0.72 * wing, 0.15 * base)
        hills.lift(2.8 * scale, side, (0.5 * wing, 0.6 * wing))
        hole = below(sign * 0.42 * wing, base)
        radii = 0.36 * wing + 0.6, 1.9 * scale + 0.5
        slant = -uy + sign * 0.3 * ux, ux + sign * 0.3 * uy
        hills.shade(-looks.nostrils, hole, radii, slant)
        edge = below(sign * 0.98 * wing, 0.25 * base)
        hills.shade(-0.35 * looks.nostrils, edge, (2.0 * scale, 3.6 * scale))
    # The shadow below the nose, away from the light, and the shine on its tip.
    fall = below(-2.5 * light[0] * (1 if uy > 0 else -1), base + 1.8)
    hills.shade(min(0.0, light[1]) * 0.35 - 0.05, fall, (1.1 * wing, 3.4 * scale))
    shine = below(-light[0] * 1.2, -0.8)
    hills.shade(dice.between(0, 0.35), shine, (2.6 * scale, 2.6 * scale))


def mouth(picture, hills, looks, dice, left, right, top, bottom, scale):
    """Draw the mouth between its corners, closed, smiling or open."""
    middle, half, direction = _axis(right, left)
    ux, uy = direction

    def place(point):
        dx, dy = point[0] - middle[0], point[1] - middle[1]
        s = min(max((dx * ux + dy * uy) / half, -0.7), 0.7)
        return (dy * ux - dx * uy) / (1 - s * s)

    upper, lower = place(top), place(bottom)
    thick = max(lower - upper, 2.5)
    hills.lift(2.6 * scale, top, (half * 1.15, 4 + thick * 0.5), direction)
    hills.lift(1.4 * scale, bottom, (half * 0.8, 3 + thick * 0.35), direction)
    reach = half + 3 + max(0, lower, -upper) * 0.2
    where, along, across = turned_window(middle, reach, direction)
    part = picture[where]
    s = along * (1 / half)
    hump = 1 - s * s
    inner = np.maximum(hump, 0)
    bow = s * s * inner * (3 * looks.bow * thick * looks.upper)
    edge = hump * upper - bow
    rim = hump * lower
    # Lips keep about their height: what is more is an open mouth.
    fleshy = min(1.0, 9.5 * scale / thick)
    over, under = looks.upper * fleshy, looks.lower * fleshy
    gap = max(0.0, 1 - over - under) * (thick > 5.5 * scale)
    if not gap:
        over, under = over / (over + under), under / (over + under)
    body = inside(np.maximum(edge - across, across - rim), 1.3)
    body *= clip((hump + 0.06) * 6)
    flesh = looks.lip * looks.skin
    across = across - edge
    deep = np.maximum(rim - edge, 0.05)
    r = across / deep
    # The upper lip looks down and is darker, the lower one shines in its middle.
    tone = flesh * (0.84 + clip((r - over) * 3, 0, 0.22))
    shine = 1 - np.abs(r - (1 - 0.55 * under)) * (3 / under)
    tone = tone + clip(shine) * inner * dice.between(0, 0.14)
    cover(part, body * 0.92, tone)
    if gap:
        opened = inside(np.maximum(over - r, r - (1 - under)) * deep, 1.2)
        opened *= clip(hump * 3)
        # The tongue shows where the teeth do not.
        within = clip((r - (over + 0.4 * gap)) * 2) * flesh * 0.55
        within = within + 0.05
        if looks.teeth:
            reach = over + min(gap * 0.95, 4.2 * scale / thick)
            bright = looks.white * (1 - s * s * 0.55)
            cover(within, inside((r - reach) * deep), bright)
        cover(part, opened, within)
        line = inside(np.abs(r - over) * deep - 0.2, 1.2)
        part *= 1 - line * clip(hump * 3) * 0.35
    else:
        line = inside(np.abs(r - over) * deep - 0.45, 1.2)
        line *= clip((hump + 0.1) * 4)
        part *= 1 - line * 0.7
    for corner in (left, right):
        hills.shade(-0.35, corner, (2.6 * scale, 2.4 * scale))
    beneath = bottom[0] - 2.4 * uy, bottom[1] + 2.6 * ux
    radii = half * 0.75, 3.4 * scale
    hills.shade(-dice.between(0.08, 0.3), beneath, radii, direction)
