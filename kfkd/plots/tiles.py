"""Faces side by side."""

import numpy as np
from matplotlib.patches import Rectangle

from kfkd.data import to_pixels
from kfkd.data.columns import ALL_COLUMNS, COLUMNS, PIXELS, SIDE
from kfkd.errors import PlotError
from kfkd.messages import count

from .drawing import MARK, axes_or_new

__all__ = ["Tiles", "checked"]

_GAP = 3  # between faces, in their pixels
_HEAD = 12  # for the captions


class Tiles:
    """Faces side by side in one Axes, whose coordinates are their pixels."""

    def __init__(self, ax, rows, columns, *, inches, captions=False, title=None):
        head = _HEAD if captions else 0
        width = columns * (SIDE + _GAP) - _GAP
        height = rows * (head + SIDE + _GAP) - _GAP
        given, inches = ax, inches * columns
        ax = axes_or_new(ax, inches, inches * height / width + (0.35 if title else 0))
        if given is None:
            pad = 0.06 if title else 0  # beside the title; faces reach to the edges
            ax.get_figure().get_layout_engine().set(w_pad=0, h_pad=pad)
        if title:
            ax.set_title(title, parse_math=False)
        self.ax, self.columns, self.head = ax, columns, head
        ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=[], yticks=[])
        if rows * columns > 1:
            ax.spines[:].set_visible(False)

    def _corner(self, i):
        row, column = divmod(i, self.columns)
        return column * (SIDE + _GAP), row * (self.head + SIDE + _GAP) + self.head

    def face(self, i, image, caption=None):
        """Draw the image of tile i."""
        left, top = self._corner(i)
        limits = self.ax.axis()
        self.ax.imshow(
            image,
            cmap="gray",
            vmin=0,
            vmax=1,
            extent=(left, left + SIDE, top + SIDE, top),
        )
        self.ax.axis(limits)  # which imshow has set to this image
        if caption:
            at = dict(ha="center", va="center", size=11, parse_math=False)
            self.ax.text(left + SIDE / 2, top - self.head / 2, caption, **at)

    def mark(self, i, points, **style):
        """Mark points, x and y in turn, in pixels, except outside of tile i."""
        left, top = self._corner(i)
        style = style or dict(marker="x", s=14, lw=1, color=MARK)
        marks = self.ax.scatter(left + points[0::2], top + points[1::2], **style)
        tile = Rectangle((left, top), SIDE, SIDE, transform=self.ax.transData)
        marks.set_clip_path(tile)

    def name(self, i, point, text):
        """Write a name at the top of tile i, with a line to a point, in pixels."""
        left, top = self._corner(i)
        if np.isfinite(point).all():
            self.ax.annotate(
                text,
                (left + point[0], top + point[1]),
                xytext=(left + SIDE / 2, top + 5),
                ha="center",
                va="center",
                size=8,
                color="white",
                bbox=dict(boxstyle="round,pad=0.2", fc="black", ec="none", alpha=0.7),
                arrowprops=dict(arrowstyle="-", color="white", shrinkB=3),
                zorder=0.9,  # above the face, below the marks
            )

    def legend(self):
        """Add a legend below the faces."""
        handles, labels = self.ax.get_legend_handles_labels()
        named = dict(zip(labels, handles, strict=True))
        self.ax.legend(
            named.values(),
            named.keys(),
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            ncols=len(named),
            facecolor="0.6",
        )


def checked(X, y):
    """Check shapes; return images of shape (n, 96, 96), and points in pixels."""
    X, y = np.atleast_1d(X), np.asarray(y)
    if not len(X):
        raise PlotError(f"X has the shape {X.shape}: there is no face to draw")
    if X.size != len(X) * PIXELS:
        raise PlotError(
            f"X has the shape {X.shape}; images of {SIDE} x {SIDE} pixels are wanted"
        )
    if y.ndim != 2 or len(y) != len(X) or y.shape[1] % 2:
        raise PlotError(
            f"y has the shape {y.shape}; for {count(len(X), 'image')}, as many rows of "
            "coordinates are wanted, x and y in turn"
        )
    if y.shape[1] == len(ALL_COLUMNS):
        y = y[:, : len(COLUMNS)]
    return X.reshape(-1, SIDE, SIDE), to_pixels(y)
