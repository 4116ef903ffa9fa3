"""What covers a face: hair, beard, glasses, hats, hands."""

import math

import numpy as np

from .canvas import (
    clip,
    cover,
    ellipse,
    inside,
    shade,
    texture,
    turned_window,
    warped,
    window,
)

_KINDS = ("straight", "straight", "wavy", "curly")


class Hair:
    """The hair of a head, of a tone from 0 to 1.

    `behind` is drawn before the face, `before` after it.
    """

    def __init__(self, head, dice, tone):
        self.head, self.dice = head, dice
        style = dice.between(0, 1)
        self.bald = style < 0.07
        self.long = style > 0.62
        # Strands fan out from a point above the head, off its middle.
        kind = _KINDS[dice.below(len(_KINDS))]
        part = dice.around(0, 0.7)
        down = head.v + dice.between(2.2, 3.2)
        fan = (head.u - part) / np.maximum(down, 0.5)
        strands = warped(dice, kind, down * 45, fan * 150)
        contrast = dice.between(0.03, 0.28)
        paint = strands * (contrast * (0.35 + tone * 0.8) * 0.55)
        paint += tone
        # A band of shine.
        glow = 1 - np.abs(head.v + dice.between(0.7, 1.3)) * 2.5
        glow = np.maximum(glow, 0) * (strands + 1)
        paint += glow * (dice.between(0, 0.18) * (tone + 0.25))
        self.paint = clip(paint, 0.01, 1)
        self.soft = dice.between(2, 7)
        self.ragged = strands * dice.between(0.01, 0.05)

    def behind(self, picture):
        """Draw the hair behind the ears and above the head."""
        if self.bald:
            return
        head, dice = self.head, self.dice
        volume = dice.between(1.08, 1.22) if not self.long else dice.between(1.18, 1.5)
        a = head.across * (1 / volume)
        b = (head.v - head.middle) * (
            1 / (head.middle - head.crown + dice.between(0.05, 0.35))
        )
        if self.long:
            b = np.minimum(b, 0)
        radius = np.sqrt(a * a + b * b) + self.ragged
        mask = inside((radius - 1) * head.unit, 2.5)
        self.outline = mask.copy()
        if self.long:
            end = head.v - dice.between(0.9, 3.0) + self.ragged * 3
        else:
            end = head.v - dice.between(-0.1, 0.35)
        mask *= inside(end * head.unit, 4)
        cover(picture, mask, self.paint * 0.8)

    def before(self, picture):
        """Draw the hairline, a fringe, the hair beside the cheeks."""
        if self.bald:
            return
        head, dice = self.head, self.dice
        u = head.u - dice.around(0, 0.25)
        top = -dice.between(0.85, 1.25)
        temple = dice.between(0.15, 0.75)
        line = top + u * dice.around(0, 0.3)
        line = line + u * u * temple
        if dice.chance(0.2):  # a fringe over the forehead
            line = np.maximum(line, dice.between(-0.75, -0.45))
        line = line + self.ragged * 2
        mask = inside((head.v - line) * head.unit, self.soft) * self.outline
        inner = dice.between(0.9, 0.99) if not self.long else dice.between(0.78, 0.97)
        frame = head.v - 0.2
        frame *= frame * dice.between(0, 0.14)
        side = self.ragged + inner - np.sqrt(head.across * head.across + frame)
        side = inside(side * head.unit, self.soft)
        length = dice.between(0.9, 3.0) if self.long else dice.between(-0.1, 0.45)
        side *= inside((head.v - length) * head.unit, 5)
        if not self.long:
            side *= head.mask
        np.maximum(mask, side, out=mask)
        cover(picture, mask, self.paint)


def beard(picture, head, dice, tone):
    """Draw stubble, a beard or a moustache on some faces."""
    style = dice.between(0, 1)
    if style > 0.36:
        return
    points, unit = head.points, head.unit
    strong = dice.between(0.1, 0.45) if style < 0.2 else dice.between(0.4, 0.9)
    lip_u, lip_v = head.local(points[13])
    low_v = head.local(points[14])[1]
    nose_v = head.local(points[10])[1]
    hairs = 0.85 + 0.15 * texture(dice, "skin")
    tone = min(tone, 0.45)
    if style < 0.3:
        edge = lip_v + dice.between(-0.12, 0.25)
        edge = edge - head.u * head.u * dice.between(0.2, 0.6)
        mask = inside((edge - head.v) * unit, dice.between(4, 12))
        centre = (lip_v + low_v) / 2
        a = head.u * (1 / 0.5)
        b = (head.v - centre) * (1 / ((low_v - lip_v) / 2 + 0.06))
        mask *= clip(a * a + b * b - 0.4)
        cover(picture, mask * clip(hairs * strong), tone)
    if style < 0.1 or style > 0.2:
        middle = (nose_v + 0.45 * (lip_v - nose_v) + lip_v) / 2
        half = max((lip_v - nose_v) * 0.3, 0.05)
        spot = head.pixel(lip_u - head.lean * lip_v, middle + 0.03)
        where, along, across = turned_window(spot, 0.52 * head.unit, head.direction)
        across = across - along * along * (0.28 / (0.4 * head.unit))
        mask = ellipse(along, across, 0.4 * head.unit, half * head.unit)
        mask *= clip(hairs[where] * strong)
        cover(picture[where], mask, tone)


def glasses(picture, head, dice):
    """Draw glasses on some faces, a few of them dark."""
    if not dice.chance(0.2):
        return
    unit = head.unit
    rx = dice.between(0.32, 0.43) * unit
    ry = dice.between(0.2, 0.33) * unit
    square = dice.chance(0.5)
    thick = dice.between(0.25, 1.1)
    rim = dice.between(0.02, 0.3) if dice.chance(0.8) else dice.between(0.5, 0.9)
    tint = dice.between(0.55, 0.9) if dice.chance(0.14) else dice.between(0, 0.12)
    glare = dice.between(0, 0.5) if dice.chance(0.4) else 0
    strong = dice.between(0.3, 1)
    drop = dice.between(0.02, 0.1) * unit
    inner = []
    for sign, centre in ((1, head.points[0]), (-1, head.points[1])):
        shift = 0.02 * sign * unit
        x = centre[0] + shift * head.ux - drop * head.uy
        y = centre[1] + shift * head.uy + drop * head.ux
        where, along, across = turned_window((x, y), rx + 4, head.direction)
        a, b = along * (1 / rx), across * (1 / ry)
        a, b = a * a, b * b
        radius = np.sqrt(np.sqrt(a * a + b * b)) if square else np.sqrt(a + b)
        distance = (radius - 1) * ry
        part = picture[where]
        lens = inside(distance)
        cover(part, lens * tint, 0.04)
        if glare:
            stripe = np.abs(along + across * 0.8 + (rx * 0.3))
            stripe = inside(stripe - (0.18 * rx), 3)
            cover(part, lens * stripe * glare, 1)
        cover(part, inside(np.abs(distance) - thick) * strong, rim)
        inner.append((x - sign * rx * head.ux, y - sign * rx * head.uy))
        # The arm, to the ear.
        start = sign * along - rx
        arm = inside(np.abs(across + (0.3 * ry)) - thick)
        cover(part, arm * (start > 0) * strong, rim)
    (x0, y0), (x1, y1) = inner
    bridge = (x0 + x1) / 2, (y0 + y1) / 2
    reach = max(abs(x1 - x0) / 2, 1)
    where, along, across = turned_window(bridge, reach + 1, head.direction)
    bend = (1 - along * along / (reach * reach)) * (-2)
    mask = inside(np.abs(across - bend) - thick)
    mask *= np.abs(along) < reach
    cover(picture[where], mask * strong, rim)


def hat(picture, head, dice):
    """Draw a hat or a scarf on some heads, and its shadow on the forehead."""
    if not dice.chance(0.07):
        return
    edge = dice.between(-0.85, -0.5)
    edge = edge - head.u * head.u * dice.between(-0.25, 0.2)
    distance = (head.v - edge) * head.unit
    cloth = texture(dice, "cloud") * 0.05 + dice.between(0.03, 0.8)
    under = clip(1 - distance * 0.12)
    picture *= 1 - under * dice.between(0.1, 0.4)
    mask = inside(distance, 1.5)
    if dice.chance(0.4):
        down = head.v - 0.2
        frame = np.sqrt(head.across * head.across + down * down * 0.25)
        frame = (dice.between(0.92, 1.0) - frame) * head.unit
        mask = np.maximum(mask, inside(frame, 2))
    cover(picture, mask, cloth)
    seam = inside(np.abs(distance + dice.between(2, 6)) - 0.5)
    picture *= 1 - seam * 0.3


def hide(picture, head, dice, tone, hair):
    """Hide a part of some faces, by fingers, a strand of hair or a microphone."""
    kind = dice.between(0, 1)
    if kind < 0.04:
        _fingers(picture, head, dice, tone)
    elif kind < 0.1:
        _strand(picture, head, dice, hair)
    elif kind < 0.13:
        spot = head.pixel(dice.around(0, 0.5), head.chin + dice.around(-0.05, 0.2))
        size = dice.between(7, 11)
        where, dx, dy = window(*spot, size + 2)
        grain = texture(dice, "skin")[where] * 0.05
        cover(picture[where], ellipse(dx, dy, size, size), grain + 0.07)
        shade(picture, 1.2, (spot[0] - 2, spot[1] - 3), (size * 0.6, size * 0.6))


def _fingers(picture, head, dice, tone):
    side = -1 if dice.chance(0.5) else 1
    angle = dice.between(0.3, 1.2)
    cos, sin = side * math.cos(angle), math.sin(angle)
    x, y = head.pixel(side * dice.between(0.3, 0.75), dice.between(0.8, 1.25))
    size = 4.4 * head.scale
    for finger in range(3 + dice.below(2)):
        back = abs(finger - 1.2) * 2.5
        tip = (x + finger * 2 * size * sin * side, y - finger * 2 * size * cos * side)
        where, along, across = turned_window(tip, 70, (cos, sin))
        along = along - back
        beyond = np.minimum(along, 0)
        distance = np.sqrt(across * across + beyond * beyond)
        mask = inside(distance - size)
        round_ = 1 - distance * distance * (0.55 / size**2)
        cover(picture[where], mask, clip(round_, 0.3, 1) * (tone * 0.95))


def _strand(picture, head, dice, hair):
    side = -1 if dice.chance(0.5) else 1
    start, slope = dice.between(0.1, 0.5), dice.between(0.15, 0.45)
    way = head.u * side - start
    way = way - (head.v + 1) * slope + hair.ragged
    wide = dice.between(0.03, 0.2)
    mask = inside((np.abs(way) - wide) * head.unit, 3)
    mask *= inside((head.v - dice.between(0.2, 1.6)) * head.unit, 6)
    cover(picture, mask * dice.between(0.6, 1), hair.paint)
