"""The figures of the tutorial, drawn without a display."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kfkd.data import SIDE, to_pixels
from kfkd.storage import written_atomically

__all__ = ["plot_predictions", "plot_sample", "save_figure"]


def plot_sample(x, y, axis):
    """Draw a face and its key points.

    Parameters
    ----------
    x : array of 9216 grey values, of any shape
    y : array, shape (2 * k,)
        Coordinates in [-1, 1], x and y in turn.
    axis : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    The tutorial's function of this name.  Pixel c is drawn from c to c + 1, as the
    labels count.
    """
    image = x.reshape(SIDE, SIDE)
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(0, SIDE, SIDE, 0))
    points = to_pixels(y)
    axis.scatter(points[0::2], points[1::2], marker="x", s=14, c="#ffb000", lw=1)
    axis.set(xticks=[], yticks=[], xlim=(0, SIDE), ylim=(SIDE, 0))
    return axis


def plot_predictions(X, y, rows=4, columns=4):
    """Draw the first faces with the key points that a net predicts for them.

    Parameters
    ----------
    X : array, shape (n, 9216) or (n, 1, 96, 96)
    y : array, shape (n, 2 * k)
        Predictions in [-1, 1].

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    The figure samples1 of the tutorial.
    """
    figure = Figure(figsize=(1.75 * columns, 1.75 * rows))
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1, hspace=0.03, wspace=0.03)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, image, points in zip(axes, X, y, strict=False):
        plot_sample(image, points, axis)
    for axis in axes[len(X) :]:
        axis.set_axis_off()
    return figure


def save_figure(figure, path):
    """Save a figure, whole or not at all, in the format that the file's ending names.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    FigureCanvasAgg(figure)
    with written_atomically(path) as draft:
        figure.savefig(draft, dpi=150)
