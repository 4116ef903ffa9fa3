"""Relief of a drawn face: soft hills and hollows of its surface and its shading."""

import numpy as np

from kfkd.data.columns import SIDE

from .canvas import clip

_LARGEST = 46
_BEYOND = 48  # as far outside as a hill's middle may lie
_MARGIN = _BEYOND + _LARGEST + 2


class Hills:
    """Many soft hills, shaped like those of `blob`, and drawn at once for speed."""

    def __init__(self):
        self._all = []

    def lift(self, amount, point, radii, direction=(1.0, 0.0)):
        """Raise the surface (lower it, if amount < 0) by pixels."""
        self._add(True, amount, point, radii, direction)

    def shade(self, amount, point, radii, direction=(1.0, 0.0)):
        """Darken (amount < 0) or lighten a spot, by a share of its light."""
        self._add(False, amount, point, radii, direction)

    def _add(self, lifts, amount, point, radii, direction):
        (rx, ry), (ux, uy) = radii, direction
        a, b = 1 / (rx * rx), 1 / (ry * ry)
        self._all.append(
            (
                lifts,
                max(radii),
                amount,
                *(min(max(x, -_BEYOND), SIDE + _BEYOND) for x in point),
                a * ux * ux + b * uy * uy,
                a * uy * uy + b * ux * ux,
                2 * (a - b) * ux * uy,
            )
        )

    def drawn(self):
        """Return arrays of the surface's height and of the share of light left."""
        # With a margin, so that no hill needs cutting.
        ground = np.zeros((SIDE + 2 * _MARGIN,) * 2, np.float32)
        left_over = np.ones((SIDE + 2 * _MARGIN,) * 2, np.float32)
        numbers = np.array(self._all)
        reach = min(int(numbers[:, 1].max()), _LARGEST) + 1
        size = 2 * reach + 1
        corner = np.floor(numbers[:, 3:5]).astype(int) - reach
        away = (corner - numbers[:, 3:5]).astype(np.float32)[..., None]
        amount, a, b, ab = numbers[:, [2, 5, 6, 7]].astype(np.float32).T[..., None]
        dx, dy = (np.arange(0.5, size, dtype=np.float32) + away).swapaxes(0, 1)
        weight = (1 - a * dx * dx)[:, None] - (b * dy * dy)[:, :, None]
        weight -= dx[:, None] * (ab * dy)[:, :, None]
        clip(weight)
        weight *= weight
        weight *= amount[:, None]
        corner += _MARGIN
        for hill, (x, y), part in zip(self._all, corner.tolist(), weight, strict=True):
            if hill[0]:
                ground[y : y + size, x : x + size] += part
            else:
                part += 1
                left_over[y : y + size, x : x + size] *= part
        inner = slice(_MARGIN, -_MARGIN)
        return ground[inner, inner], left_over[inner, inner]
