"""Learning curves: errors over the epochs of a training."""

from collections.abc import Mapping

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from kfkd.errors import PlotError
from kfkd.history import to_loss, to_rmse
from kfkd.messages import shown

from .drawing import BLACK, LINES, axes_or_new
from .histories import best, group_name, mean_curve, read_curves, stretch

__all__ = ["plot_learning_curves", "plot_specialists"]

_MARKERS = "osD^vp<>h"
_START = 0.02  # the share of the epochs, with a steep fall, that limits may cut off
_MOST = 1e9  # pixels; an axis far beyond cannot be drawn
_INSIDE = 3  # nets whose legend has room beside the curves
_DASHED = (0, (4, 1.6))


def plot_learning_curves(
    nets, ax=None, *, log=True, ymin=None, ymax=None, loss_axis=True
):
    """Draw the errors of one net, or of several to compare, over the epochs.

    Validation errors are solid lines, training errors dashed. Each net has its own
    colour, and where there are several, its own mark. The legend gives each net's
    lowest validation error.

    Parameters
    ----------
    nets : NeuralNet, train_history_, or mapping of str to either
        What to draw; the names of several nets are the mapping's keys.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    log : bool, default=True
        Whether errors have a logarithmic scale.
    ymin, ymax : float, optional
        Its limits, in pixels. By default they fit the curves, except for the steep
        beginning (the first 2 % of the epochs), which may lie above.
    loss_axis : bool, default=True
        Whether a second axis, on the right, shows the loss that belongs to an error.

    Returns
    -------
    matplotlib.axes.Axes
        Its y is the RMSE in pixels, ``48 * sqrt(loss)``.

    Raises
    ------
    PlotError
        Something is not a net, has not been trained, or has no loss that is a number;
        or these are specialists, which `plot_specialists` draws; or the limits are not
        in order.

    Notes
    -----
    The figures lc1 to lc4 of the tutorial, which have the loss alone on their axis.
    """
    if not isinstance(nets, Mapping):
        nets = {"": nets}
    if not nets:
        raise PlotError("there is no net to draw")
    if any(isinstance(name, tuple) for name in nets):
        raise PlotError(
            "these nets are a set of specialists, with tuples of columns as names; "
            "plot_specialists draws it"
        )
    found = {name: read_curves(net, name or "the net") for name, net in nets.items()}
    single, few = len(found) == 1, len(found) <= _INSIDE
    last = max(curves.epochs[-1] for curves in found.values())
    ax = axes_or_new(ax, 7, 4.4 if few else 5)
    labels = [
        f"{'validation' if single else name}{best(curves)}"
        for name, curves in found.items()
    ]
    handles = _pairs(ax, found, labels, None if single else last)
    _limit(ax, found.values(), log, ymin, ymax)
    if loss_axis:
        second = ax.secondary_yaxis("right", functions=(to_loss, to_rmse))
        second.set_ylabel("loss (mean squared error in [−1, 1])")
        _readable(second, log, limits=to_loss(ax.get_ylim()))
    names = " and ".join(map(str, found)) if len(found) <= 2 else f"{len(found)} nets"
    title = f"Learning curves of {names}" if names else "Learning curves"
    ax.set_title(title, parse_math=False)
    ax.set(xlabel="epoch", ylabel="RMSE (pixels)")
    ax.set_xlim(0, max(1.05 * last, 2))
    ax.xaxis.get_major_locator().set_params(integer=True)
    _legend(ax, handles + _line_kinds(single), ncols=2, inside=few)
    return ax


def plot_specialists(specialists, ax=None, *, log=True, ymin=None, ymax=None):
    """Draw the errors of a set of specialists, all scaled to the same length.

    Validation errors are solid lines, training errors dashed. The thick line is the
    mean of the validation errors, weighted by the numbers of target values.

    Parameters
    ----------
    specialists : mapping of tuple of str to NeuralNet or train_history_
        Target columns and what was trained to predict them.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    log : bool, default=True
        Whether errors have a logarithmic scale.
    ymin, ymax : float, optional
        Its limits, in pixels. By default they fit the curves, except for the steep
        beginning (the first 2 % of the epochs), which may lie above.

    Returns
    -------
    matplotlib.axes.Axes
        Its x is the share of each training in percent, from the first epoch to the
        last; a training of one epoch is drawn level. Its y is the RMSE in pixels.
        The mean is left out if not every specialist has validation losses.

    Raises
    ------
    PlotError
        These are not specialists, or one has not been trained or has no loss that is a
        number; or the limits are not in order.

    Notes
    -----
    The figures lc5 and lc6 of the tutorial, drawn by ``plot_learning_curves`` of its
    ``kfkd.py``. Where that picks 100 epochs of each net, all are drawn here, and the
    mean is taken of values interpolated between epochs.
    """
    if not isinstance(specialists, Mapping) or not all(
        isinstance(columns, tuple) and columns for columns in specialists
    ):
        raise PlotError(
            f"{shown(specialists)} is not a set of specialists, a mapping of tuples of "
            "columns to nets; plot_learning_curves draws other nets"
        )
    if not specialists:
        raise PlotError("the set of specialists is empty")
    found = {
        columns: stretch(read_curves(net, f"the specialist for {columns[0]}"))
        for columns, net in specialists.items()
    }
    ax = axes_or_new(ax, 7, 5)
    labels = [f"{group_name(columns)} ({len(columns)})" for columns in found]
    handles = _pairs(ax, found, labels, 100)
    grid, mean = mean_curve(found)
    if np.isfinite(mean).any():
        style = dict(color=BLACK, lw=3.5, label="mean, weighted", zorder=3)
        handles += ax.plot(grid, mean, **style)
    _limit(ax, found.values(), log, ymin, ymax)
    ax.set(
        title=f"Learning curves of {len(found)} specialists",
        xlabel="share of the training (%)",
        ylabel="RMSE (pixels)",
        xlim=(0, 100),
    )
    title = "key points (number of target values)"
    _legend(ax, [*handles, *_line_kinds(False)], ncols=3, title=title)
    return ax


def _pairs(ax, found, labels, last):
    """Draw training and validation of each net; return the lines of the latter.

    Lines have marks, each at places of its own between 0 and `last`, unless it is None.
    """
    handles = []
    for i, (curves, label) in enumerate(zip(found.values(), labels, strict=True)):
        x = curves.epochs
        dot = dict(color=LINES[i % len(LINES)], marker="." if len(x) == 1 else "")
        ax.plot(x, curves.train, lw=1.3, ls=_DASHED, alpha=0.7, **dot)
        if last is not None:
            places = last * (np.arange(6) + 0.3 + i / len(found)) / 6.3
            at = np.searchsorted(x, places[places < x[-1]]).tolist()
            marker = _MARKERS[i % len(_MARKERS)]
            dot |= dict(marker=marker, ms=8, mec="white", zorder=2.5, markevery=at)
        handles += ax.plot(x, curves.valid, lw=1.9, label=label, **dot)
    return handles


def _line_kinds(single):
    """Return the legend's entries for solid and for dashed lines."""
    colour = LINES[0] if single else "0.35"
    dashed = Line2D([], [], color=colour, lw=1.3, ls=_DASHED, label="training")
    solid = Line2D([], [], color=colour, lw=1.9, label="validation")
    return [dashed] if single else [solid, dashed]


def _legend(ax, handles, *, ncols, inside=False, title=None):
    """Add a legend: inside, or below the axes if their figure makes room."""
    if inside:
        place = dict(loc="upper right")
    elif ax.get_figure(root=True).get_layout_engine() is None:
        place = dict(loc="upper right", fontsize="small", ncols=2)
    else:
        place = dict(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=ncols)
    legend = ax.legend(handles=handles, title=title, **place)
    for text in legend.get_texts():  # names of files may have dollars
        text.set_parse_math(False)


def _limit(ax, found, log, ymin, ymax):
    """Set limits and numbers of the y axis; a logarithmic one cannot have 0."""
    both = [np.array([curves.train, curves.valid]) for curves in found]
    low = max(min(np.nanmin(errors) for errors in both), 1e-3)
    late = (errors[:, int(_START * errors.shape[1]) :] for errors in both)
    high = max(np.nanmax(errors, initial=low) for errors in late)
    margin = 0.05 * (high - low) or 0.1 * high
    bottom = max(low - margin, 0.9 * low) if ymin is None else ymin
    top = high + margin if ymax is None else ymax
    if not bottom < top < _MOST or bottom < 0 or (log and bottom < 1 / _MOST):
        raise PlotError(
            f"errors cannot be drawn from {bottom:g} to {top:g} pixels"
            + (" on a logarithmic scale" if log else "")
        )
    ax.set_ylim(bottom, top)
    _readable(ax, log)


def _readable(ax, log, limits=None):
    """Give the y axis readable numbers, also on a logarithmic scale."""
    if log:
        ax.set_yscale("log")
        low, high = ax.get_ylim() if limits is None else limits
        few = high / low < 12
        ax.yaxis.set_major_locator(
            MaxNLocator(8, steps=[1, 2, 5, 10]) if few else LogLocator(subs=(1, 2, 5))
        )
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(_plain)
    ax.grid(color="0.88", lw=0.8)
    ax.set_axisbelow(True)


def _plain(value, _):
    """Return a number without an exponent."""
    return np.format_float_positional(value, 6, fractional=False, trim="-")
