"""The weights of a net's first layer, as images."""

import math
import numbers
from collections.abc import Mapping

import numpy as np
from matplotlib.colors import CenteredNorm
from scipy.ndimage import gaussian_filter

from kfkd.arguments import check, whole
from kfkd.data.columns import PIXELS, SIDE
from kfkd.errors import PlotError
from kfkd.messages import shown

from .drawing import axes_or_new

__all__ = ["plot_weights"]


def plot_weights(net, ax=None, *, n=None, smooth=None):
    """Draw the weights of a net's first layer, each unit or filter as an image.

    The strongest come first: the images with the largest sum of squares. White is
    zero, red is positive, blue negative, on one scale for all.

    Parameters
    ----------
    net : NeuralNet
        Its first layer with weights may be dense, on 96 x 96 pixels, or convolve a
        single channel.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    n : int, optional
        How many units to draw; by default all filters, and 25 units of a dense layer.
    smooth : float, optional
        Standard deviation, in pixels, of the Gaussian that smooths the images; 0 draws
        the weights as they are.  The default is 0 for filters, and 2 for a dense
        layer: what that has learnt is small beside its initial random weights, but
        neighbouring pixels share it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlotError
        It is not a net, has no weights yet, or those of its first layer are not images.
    ArgumentError
        `n` is not a whole number of at least 1, or `smooth` is less than 0.

    Notes
    -----
    Not in the tutorial.  Filters are drawn as they lie on the image: convolution turns
    the stored ones by 180 degrees.
    """
    if isinstance(net, Mapping):
        raise PlotError(
            "this is a set of specialists; the weights of one net are drawn"
        )
    n = None if n is None else whole("n", n, 1)
    is_valid = smooth is None or (isinstance(smooth, numbers.Real) and smooth >= 0)
    check("smooth", smooth, is_valid, "a number of pixels, 0 or more")
    name, images, kind = _first_layer(net)
    if kind == "units":
        n = 25 if n is None else n
        smooth = 2 if smooth is None else smooth
    if smooth:
        images = gaussian_filter(images, smooth, axes=(1, 2))
    strength = np.square(images).sum(axis=(1, 2))
    strongest = images[np.argsort(-strength, kind="stable")[:n]]

    columns = _columns(len(strongest))
    rows = math.ceil(len(strongest) / columns)
    height, width = np.multiply(images.shape[1:], 1.1)  # with gaps
    ax = axes_or_new(ax, 7, 0.4 + 6 * rows / columns)
    norm = CenteredNorm(halfrange=np.abs(strongest).max() or 1)
    for i, image in enumerate(strongest):
        left, top = i % columns * width, i // columns * height
        extent = (left, left + image.shape[1], top + image.shape[0], top)
        ax.imshow(
            image, cmap="RdBu_r", norm=norm, interpolation="nearest", extent=extent
        )
    title = f"{name}: all {len(images)} {kind}"
    if len(strongest) < len(images):
        title = f"{name}: the {len(strongest)} strongest of {len(images)} {kind}"
    ax.set(
        title=title,
        xlim=(0, columns * width - 0.1 * images.shape[2]),
        ylim=(rows * height - 0.1 * images.shape[1], 0),
        xticks=[],
        yticks=[],
    )
    ax.spines[:].set_visible(False)
    beside = ax.inset_axes((1.03, 0, 0.035, 1))
    bar = ax.get_figure().colorbar(
        ax.images[0], cax=beside, label="weight, smoothed" if smooth else "weight"
    )
    bar.outline.set_visible(False)
    return ax


def _first_layer(net):
    """Return name and weights of the first layer, and what the images are called."""
    layers = getattr(net, "layers_", None)
    if not hasattr(net, "layers"):
        raise PlotError(f"{shown(net)} is not a net, so it has no weights to draw")
    if not layers:
        raise PlotError("the net has no weights yet; fit it first")
    name = next((name for name in layers if hasattr(layers[name], "W")), None)
    if name is None:
        raise PlotError(f"no layer has weights to draw: there are {', '.join(layers)}")
    W = layers[name].W.get_value()
    if W.ndim == 4 and W.shape[1] == 1:
        return name, W[:, 0, ::-1, ::-1], "filters"
    if W.ndim == 2 and len(W) == PIXELS:
        return name, W.T.reshape(-1, SIDE, SIDE), "units"
    raise PlotError(
        f"the first layer, {name}, has weights of the shape {W.shape}, which are "
        f"neither those of units on {SIDE} x {SIDE} pixels nor filters of one "
        "channel"
    )


def _columns(n):
    """Return how many of n images to put in a row: to fill all rows, if that can be."""
    least = math.ceil(math.sqrt(n))
    return next((k for k in range(least, 2 * least) if n % k == 0), least)
