"""The tutorial's tables, side by side with those of a reproduction."""

import math

import numpy as np

from kfkd.history import Result, to_rmse, weighted_mean
from kfkd.plots.curves import group_name
from kfkd.report import results, tutorial
from kfkd.report.document import Table
from kfkd.reproduction import scaled

__all__ = [
    "duration",
    "final",
    "label",
    "losses",
    "outcomes",
    "plain",
    "scores",
    "specialists",
    "times",
]

_NONE = "–"


def label(name):
    """Return what a run is called on the page: ``"specialists, pretrained"``."""
    return name.replace("-", ", ")


def plain(number):
    """Return a number without an exponent: ``"0.00005"``."""
    return np.format_float_positional(number, trim="-")


def losses(name, net, scale):
    """Return the table of a net's losses at the epochs at which the tutorial has them.

    Parameters
    ----------
    name : str
    net : NeuralNet
    scale : float
        What the tutorial's epochs were multiplied by.
    """
    result = Result(net)
    theirs = {row.epoch: row for row in tutorial.LOSSES.get(name, [])}
    at = {scaled(epoch, scale): epoch for epoch in theirs if epoch * scale >= 1}
    if len(theirs) < 3:  # the course of training is of interest all the same
        quarters = [scaled(net.max_epochs, part / 4) for part in (1, 2, 3)]
        at = dict.fromkeys((1, *quarters)) | at
    rows = []
    for here in sorted({*at, len(result.history)}):
        there = theirs.get(at.get(here))
        ours = result.at(here)
        if there is None and ours is None:
            continue
        epochs = [str(there.epoch) if there else _NONE] if scale != 1 else []
        rows.append([*epochs, str(here), *_pairs(there, ours)])
    groups = [("", 1), *_GROUPS]
    columns = ["epoch", *["tutorial", "here"] * 4]
    if scale != 1:
        groups = [("epoch", 2), *_GROUPS]
        columns = ["tutorial", f"here (× {plain(scale)})", *columns[1:]]
    return Table(columns, rows, groups, names=len(columns) - 8)


_GROUPS = [
    ("train loss", 2),
    ("validation loss", 2),
    ("RMSE, pixels", 2),
    ("train / val", 2),
]


def _pairs(there, ours):
    """Return losses, errors and ratios, the tutorial's and ours in turn."""
    both = [
        (there.train, there.valid, there.ratio or there.train / there.valid)
        if there
        else None,
        (ours["train_loss"], ours["valid_loss"], _ratio(ours)) if ours else None,
    ]
    cells = []
    for pick, form in (
        (lambda row: row[0], "{:.6f}"),
        (lambda row: row[1], "{:.6f}"),
        (lambda row: to_rmse(row[1]), "{:.2f}"),
        (lambda row: row[2], "{:.3f}"),
    ):
        cells += [_number(pick(row), form) if row else _NONE for row in both]
    return cells


def _ratio(row):
    return row["train_loss"] / row["valid_loss"] if row["valid_loss"] else math.nan


def _number(value, form):
    return form.format(value) if np.isfinite(value) else "not a number"


def final(runs, scale):
    """Return the tutorial's table of all nets, each at the epochs it has there.

    Parameters
    ----------
    runs : dict of str to Run
        Of single nets.
    scale : float
    """
    rows = []
    for name, run in runs.items():
        there = tutorial.FINAL.get(name)
        table = tutorial.LOSSES.get(name)
        if there is None and table is None:
            continue
        at = tutorial.FINAL[name].epochs if there else table[-1].epoch
        row = next((row for row in table if row.epoch == at), None)
        here = scaled(at, scale)
        ours = Result(run.net).at(here) if run.net else None
        epochs = [f"{at:,}"] if scale == 1 else [f"{at:,}", f"{here:,}"]
        rows.append([name, DESCRIPTIONS[name], *epochs, *_pairs(row, ours)])
    groups = [("", 1), ("", 1), ("", 1), *_GROUPS]
    columns = ["net", "description", "epochs", *["tutorial", "here"] * 4]
    if scale != 1:
        groups[2] = ("epochs", 2)
        columns[2:3] = ["tutorial", f"here (× {plain(scale)})"]
    return Table(columns, rows, groups, names=2)


DESCRIPTIONS = {name: row.description for name, row in tutorial.FINAL.items()}
DESCRIPTIONS["net7"] = "net6 + units"
DESCRIPTIONS["net12"] = "net7 + epochs"


def outcomes(runs, X, y):
    """Return a table of the results of nets at the end of training.

    Parameters
    ----------
    runs : dict of str to Run
        Of single nets that can be used.
    X, y : arrays
        As for `kfkd.report.results.plain_losses`.
    """
    rows = []
    for name, run in runs.items():
        result = Result(run.net)
        train, both = results.plain_losses(run.net, X, y)
        theirs = tutorial.PLAIN_TRAIN_LOSS.get(name)
        rows.append(
            [
                name,
                f"{len(result.history):,}",
                f"{result.last['train_loss']:.6f}",
                f"{train:.6f}",
                f"{theirs:.6f}" if theirs else _NONE,
                f"{both:.6f}",
                f"{result.last['valid_loss']:.6f}",
                *_best(result),
            ]
        )
    groups = [
        ("", 1),
        ("", 1),
        ("train loss", 2),
        ("all faces, no dropout", 2),
        ("validation loss", 4),
    ]
    columns = ["net", "epochs", "with dropout", "without"]
    columns += ["tutorial", "here", "last", "best", "at epoch", "RMSE, pixels"]
    return Table(columns, rows, groups)


def _best(result):
    return [
        f"{result.best['valid_loss']:.6f}",
        f"{result.best['epoch']:,}",
        f"{result.rmse:.2f}",
    ]


def times(runs, specialists, scale):
    """Return a table of how long training takes, then and now.

    Parameters
    ----------
    runs : dict of str to Run
        Of single nets that have been trained.
    specialists : dict of str to Run
        Of sets of specialists, by ``"scratch"`` and ``"pretrained"``.
    scale : float
    """
    rows = []
    for name, run in runs.items():
        result = Result(run.net)
        words, seconds = tutorial.TIMES.get(name, ("", 0))
        epochs = len(result.history)
        at = tutorial.LOSSES[name][-1].epoch if seconds else 0
        then = seconds / at if at else 0
        rows.append(
            [
                name,
                f"{at:,}" if at else _NONE,
                words or _NONE,
                duration(then) if then else _NONE,
                f"{epochs:,}",
                duration(result.seconds),
                duration(result.epoch_seconds),
                _factor(then, result.epoch_seconds),
            ]
        )
    for kind, run in specialists.items():
        parts = [Result(net) for net in run.net.values()]
        seconds = sum(part.seconds for part in parts)
        epochs = sum(len(part.history) for part in parts)
        words, then = tutorial.TIMES["specialists"] if kind == "scratch" else ("", 0)
        rows.append(
            [
                f"specialists, {kind}",
                _NONE,
                words or _NONE,
                _NONE,
                f"{epochs:,}",
                duration(seconds),
                duration(seconds / epochs),
                _factor(then if scale == 1 else 0, seconds),
            ]
        )
    groups = [("", 1), ("tutorial, on a GPU of 2014", 3), ("here", 3), ("", 1)]
    columns = ["net", "epochs", "time", "an epoch"] * 2
    columns[4:] = ["epochs", "time", "an epoch", "times faster"]
    return Table(columns, rows, groups)


def _factor(then, now):
    if not then or not now:
        return _NONE
    if then < now:
        return f"{then / now:.2g}"
    return f"{then / now:.{0 if then > 10 * now else 1}f}"


def duration(seconds):
    """Return a duration for people: "0.35 s", "1 min 12 s", "2 h 05 min"."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 59.5:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.0f} s"
    if seconds < 3599.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02} s"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest:02} min"


def specialists(nets, rows_of):
    """Return a table of the results of a set of specialists.

    Parameters
    ----------
    nets : dict of tuple of str to NeuralNet
    rows_of : callable
        Gives the number of faces that have all of some columns.
    """
    rows = []
    for columns, net in nets.items():
        result = Result(net)
        rows.append(
            [
                group_name(columns),
                str(len(columns)),
                f"{rows_of(columns):,}",
                f"{net.max_epochs:,}",
                f"{len(result.history):,}",
                *_best(result),
                duration(result.seconds),
            ]
        )
    total = sum(Result(net).seconds for net in nets.values())
    widths = sum(map(len, nets))
    mean = f"{weighted_mean(nets):.2f}"
    rows.append(["mean, weighted", str(widths), *[""] * 5, mean, duration(total)])
    groups = [("", 1), ("", 1), ("", 1), ("epochs", 2), ("best validation", 3), ("", 1)]
    columns = ["specialist", "columns", "faces", "at most", "run", "loss", "at epoch"]
    columns += ["RMSE, pixels", "time"]
    return Table(columns, rows, groups)


def scores(test, held_out):
    """Return a table of Kaggle's scores.

    Parameters
    ----------
    test, held_out : dict of str to float
        In pixels; either may be empty.
    """
    theirs = {f"specialists-{kind}": s for kind, s in tutorial.LEADERBOARD.items()}
    rows = []
    for name in test | held_out:
        row = [label(name)]
        row.append(f"{theirs[name]:.2f}" if name in theirs else _NONE)
        row += [f"{found[name]:.2f}" for found in (test, held_out) if found]
        rows.append(row)
    columns = ["net", "tutorial"]
    columns += ["here, test set"] * bool(test) + ["here, rows held out"] * bool(
        held_out
    )
    return Table(columns, rows)
