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
        self.hair = dice.between(0.02, 0.25)
        if dice.chance(0.3 if skin > 0.4 else 0.06):
            self.hair = dice.between(0.25, 0.85)
        self.skin = skin
        self.iris = skin * dice.between(0.1, 0.7)
        self.white = min(0.9, skin * 0.55 + dice.between(0.12, 0.42))
        self.opening = dice.between(0.35, 0.75)
        if dice.chance(0.1):
            self.opening = dice.between(0.0, 0.1)
        self.lashes = dice.between(0.25, 0.9)
        self.lid = dice.between(0.0, 0.55)
        self.gaze = dice.around(0, 0.9), dice.around(0, 0.4)
        self.bags = dice.between(0.0, 0.35)
        self.socket = dice.between(-0.1, 0.5)
        self.corner = dice.between(0.0, 0.4)
        self.brow = min(self.hair, dice.between(0.05, 0.6)) * dice.between(0.6, 1.3)
        self.brow_strength = dice.between(0.3, 0.9)
        self.brow_soft = dice.between(1.3, 3.5)
        self.brow_width = dice.between(0.8, 2.6)
        self.arch = dice.between(0.04, 0.2)
        self.nose_width = dice.between(0.21, 0.33)
        self.nose_height = dice.between(4, 7.5)
        self.nose_tip = dice.between(0.8, 2.6)
        self.flanks = dice.between(0, 0.25)
        self.nostrils = dice.between(0.1, 0.5)
        self.creases = dice.between(0.05, 0.35)
        self.lip = dice.between(*((0.65, 1.0) if dice.chance(0.75) else (0.35, 0.65)))
        self.over_lip = dice.between(0.65, 0.9)
        self.lip_soft = dice.between(1.2, 3)
        self.bow = dice.between(0.0, 0.35)
        self.upper = dice.between(0.14, 0.32)
        self.lower = dice.between(0.22, 0.42)
        self.teeth = dice.chance(0.7)


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
    mask = inside(np.abs(across - bend) + beyond * 1.2 - thick, looks.brow_soft)
    hairs = texture(dice, "brows", mask.shape)
    mask *= clip(looks.brow_strength + 0.2 * hairs)
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
    # Brows keep light from above off the eyes.
    socket = middle[0] - 1.5 * nx, middle[1] - 1.5 * ny
    hills.shade(-looks.socket, socket, (half * 1.9, half * 1.5), direction)
    corner = inner[0] - 2 * nx, inner[1] - 2.5 * ny
    hills.shade(-looks.corner, corner, (half * 1.2, half * 1.1), direction)
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


def nose(height, hills, looks, dice, head, light):
    """Draw the nose from between the eyes to its tip, nostrils above the lip."""
    root, tip, lip, scale = head.pixel(0, -0.08), *head.points[10:14:3], head.scale
    middle, half, direction = _axis(root, tip)
    _, room, (down_x, down_y) = _axis(tip, lip)
    base = min(max(0.6 * room, 1.2), 4.2 * scale)
    wing = looks.nose_width * 36 * scale
    # Of a head that turns, one side of the nose is seen foreshortened.
    turn = 0.5 * head.yaw
    left, right = wing * (1 + turn), wing * (1 - turn)
    where, along, across = turned_window(middle, half + 10, direction)
    s = along * (0.5 / half) + 0.5
    rising = clip(s + 0.35, 0, 1.35)
    clip(s)
    narrow = np.maximum(across * (1 / left), across * (-1 / right))
    narrow /= 0.85 + s * 0.4
    ridge = np.maximum(1 - narrow * narrow, 0)
    ridge *= ridge * rising * (0.2 + s * 0.55)
    past = np.maximum(along - half, 0) * (1 / (base + 5.5 * scale))
    ridge *= np.maximum(1 - past * past, 0)
    height[where] += ridge * (looks.nose_height * scale)
    hills.lift(looks.nose_tip * scale, tip, (0.65 * wing, 0.75 * wing), direction)

    def below(side, down):
        x, y = tip[0] + down * down_x, tip[1] + down * down_y
        return x + side * head.ux, y + side * head.uy

    for sign, wide in ((-1, left), (1, right)):
        side = below(sign * 0.72 * wide, 0.15 * base)
        hills.lift(2.4 * scale, side, (0.5 * wide, 0.6 * wing))
        hole = below(sign * 0.42 * wide, base)
        radii = 0.36 * wide + 0.6, 1.9 * scale + 0.5
        slant = head.ux - sign * 0.3 * head.uy, head.uy + sign * 0.3 * head.ux
        hills.shade(-looks.nostrils, hole, radii, slant)
        edge = below(sign * 0.98 * wide, 0.25 * base)
        hills.shade(-looks.creases, edge, (2.0 * scale, 3.8 * scale))
        # A flank is darker, and more so if it is turned from the light.
        flank = middle[0] + sign * 0.8 * wide, middle[1] + 0.2 * half
        dark = looks.flanks + 0.3 * max(-sign * light[0], 0)
        hills.shade(-dark, flank, (half * 1.2, 0.9 * wide), direction)
    # The shadow below the nose, away from the light; its tip shines.
    fall = below(-4 * light[0] * scale, base + 1.8)
    hills.shade(min(0.0, light[1]) * 0.35 - 0.05, fall, (1.1 * wing, 3.4 * scale))
    shine = below(-light[0] * 1.2, -0.8)
    hills.shade(dice.between(0, 0.3), shine, (2.6 * scale, 2.6 * scale))


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
    body = inside(np.maximum(edge - across, across - rim), looks.lip_soft)
    body *= clip((hump + 0.06) * 6)
    flesh = looks.lip * looks.skin
    across = across - edge
    deep = np.maximum(rim - edge, 0.05)
    r = across / deep
    # The upper lip looks down and is darker, the lower one shines in its middle.
    tone = flesh * (looks.over_lip + clip((r - over) * 3, 0, 1.04 - looks.over_lip))
    shine = 1 - np.abs(r - (1 - 0.55 * under)) * (3 / under)
    tone = tone + clip(shine) * inner * dice.between(0, 0.14)
    cover(part, body * dice.between(0.6, 0.95), tone)
    if gap:
        opened = inside(np.maximum(over - r, r - (1 - under)) * deep, 1.2)
        opened *= clip(hump * 3)
        # The tongue shows where the teeth do not.
        within = clip((r - (over + 0.4 * gap)) * 2) * flesh * 0.55
        within = within + 0.05
        if looks.teeth:
            reach = over + min(gap * 0.95, 4.2 * scale / thick)
            bright = (looks.white + 0.1) * (1 - s * s * 0.55)
            cover(within, inside((r - reach) * deep), bright)
        cover(part, opened, within)
        line = inside(np.abs(r - over) * deep - 0.2, 1.2)
        part *= 1 - line * clip(hump * 3) * 0.35
    else:
        line = inside(np.abs(r - over) * deep - 0.45, 1.2)
        line *= clip((hump + 0.1) * 4)
        part *= 1 - line * dice.between(0.3, 0.75)
    deep = dice.between(0.1, 0.4)
    for corner in (left, right):
        hills.shade(-deep, corner, (2.6 * scale, 2.4 * scale))
    beneath = bottom[0] - 2.4 * uy, bottom[1] + 2.6 * ux
    radii = half * 0.8, 4 * scale
    hills.shade(-dice.between(0.08, 0.3), beneath, radii, direction)
