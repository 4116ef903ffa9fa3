"""The tutorial's tables, side by side with those of a reproduction.

`scale` is what the tutorial's numbers of epochs were multiplied by.
"""

import math

import numpy as np

from kfkd.choices import MODERN_STEPS
from kfkd.history import Result, to_rmse, weighted_mean
from kfkd.plots.curves import group_name
from kfkd.report import tutorial
from kfkd.report.document import Table
from kfkd.report.results import plain_losses
from kfkd.report.tutorial import Losses
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
    "steps",
    "times",
]

_NONE = "–"


def label(name):
    """Return what a run is called on the page: ``"specialists, pretrained"``."""
    if name in MODERN_STEPS:
        return f"{name} (not the tutorial's)"
    return name.replace("-", ", ")


def plain(number):
    """Return a number without an exponent: ``"0.00005"``."""
    return np.format_float_positional(number, trim="-")


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


def final(runs, scale):
    """Return the tutorial's table of all nets, each at its last epoch there."""
    rows = []
    for name, run in runs.items():
        if name not in tutorial.LOSSES:
            continue
        theirs = tutorial.LOSSES[name][-1]
        here = scaled(theirs.epoch, scale)
        rows.append(
            {"net": name, "description": tutorial.DESCRIPTIONS[name]}
            | _epochs("epochs", f"{theirs.epoch:,}", f"{here:,}", scale)
            | _side_by_side(theirs, _losses_at(here, run.net) if run.net else None)
        )
    return Table(rows, names=2)


def losses(name, net, scale):
    """Return the table of a net's losses at the epochs that the tutorial prints."""
    theirs = tutorial.LOSSES.get(name, [])
    at = {scaled(row.epoch, scale): row for row in theirs if row.epoch * scale >= 1}
    if len(theirs) < 3:  # the course of training is of interest all the same
        quarters = [scaled(net.max_epochs, part / 4) for part in (1, 2, 3)]
        at = dict.fromkeys((1, *quarters)) | at
    at.setdefault(len(net.train_history_))
    rows = []
    for epoch in sorted(at):
        there, here = at[epoch], _losses_at(epoch, net)
        if there or here:
            then = str(there.epoch) if there else _NONE
            epochs = _epochs("epoch", then, str(epoch), scale)
            rows.append(epochs | _side_by_side(there, here))
    return Table(rows, names=1 if scale == 1 else 2)


def _losses_at(epoch, net):
    """Return the losses of a net at an epoch, or None if training ended sooner."""
    row = Result(net).at(epoch)
    if row is None:
        return None
    train, valid = row["train_loss"], row["valid_loss"]
    return Losses(epoch, train, valid, train / valid if valid else math.nan)


def _epochs(title, there, here, scale):
    """Return an epoch, or two where those of the tutorial are scaled."""
    if scale == 1:
        return {title: here}
    return {f"{title}: tutorial": there, f"{title}: here (× {plain(scale)})": here}


def _side_by_side(there, here):
    """Return losses, errors and ratios, the tutorial's beside ours."""
    cells = {}
    for title, form, pick in (
        ("train loss", ".6f", lambda row: row.train),
        ("validation loss", ".6f", lambda row: row.valid),
        ("RMSE, pixels", ".2f", lambda row: to_rmse(row.valid)),
        ("train / val", ".3f", lambda row: row.ratio),
    ):
        for side, row in (("tutorial", there), ("here", here)):
            cells[f"{title}: {side}"] = _number(pick(row), form) if row else _NONE
    return cells


def _number(value, form):
    return format(value, form) if np.isfinite(value) else "not a number"


def outcomes(runs, arrays_of):
    """Return a table of results at the end of training.

    `arrays_of` returns the X and y of a net by its name, those of validation included.
    """
    rows = []
    for name, run in runs.items():
        result = Result(run.net)
        train, both = plain_losses(run.net, *arrays_of(name))
        theirs = tutorial.PLAIN_TRAIN_LOSS.get(name)
        rows.append(
            {
                "net": label(name),
                "epochs": f"{len(result.history):,}",
                "train loss: with dropout": f"{result.last['train_loss']:.6f}",
                "train loss: without": f"{train:.6f}",
                "all faces, no dropout: tutorial": f"{theirs:.6f}" if theirs else _NONE,
                "all faces, no dropout: here": f"{both:.6f}",
                "validation loss: last": f"{result.last['valid_loss']:.6f}",
                "validation loss: best": f"{result.best['valid_loss']:.6f}",
                "validation loss: at epoch": f"{result.best['epoch']:,}",
                "validation loss: RMSE, pixels": f"{result.rmse:.2f}",
            }
        )
    return Table(rows)


def times(runs, scale):
    """Return a table of how long nets and sets of specialists train, then and now."""
    then, rows = "tutorial, on a GPU of 2014", []
    for name, run in runs.items():
        words, whole = tutorial.TIMES.get(name, (_NONE, 0))
        if isinstance(run.net, dict):
            results = [Result(net) for net in run.net.values()]
            epochs = sum(len(result.history) for result in results)
            seconds = sum(result.seconds for result in results)
            epoch, at = seconds / epochs, 0
            times_faster = _factor(whole if scale == 1 else 0, seconds)
        else:
            result = Result(run.net)
            epochs, seconds = len(result.history), result.seconds
            epoch = result.epoch_seconds
            at = tutorial.LOSSES[name][-1].epoch if whole else 0
            times_faster = _factor(whole / at if at else 0, epoch)
        rows.append(
            {
                "net": label(name),
                f"{then}: epochs": f"{at:,}" if at else _NONE,
                f"{then}: time": words,
                f"{then}: an epoch": duration(whole / at) if at else _NONE,
                "here: epochs": f"{epochs:,}",
                "here: time": duration(seconds),
                "here: an epoch": duration(epoch),
                "times faster": times_faster,
            }
        )
    return Table(rows)


def _factor(then, now):
    if not then or not now:
        return _NONE
    if then < now:
        return f"{then / now:.2g}"
    return f"{then / now:.{0 if then > 10 * now else 1}f}"


def specialists(nets, count_rows):
    """Return a table of results of specialists, with the faces that each has."""
    rows = []
    for columns, net in nets.items():
        result = Result(net)
        rows.append(
            {
                "specialist": group_name(columns),
                "columns": str(len(columns)),
                "faces": f"{count_rows(columns):,}",
                "epochs: at most": f"{net.max_epochs:,}",
                "epochs: run": f"{len(result.history):,}",
                "best validation: loss": f"{result.best['valid_loss']:.6f}",
                "best validation: at epoch": f"{result.best['epoch']:,}",
                "best validation: RMSE, pixels": f"{result.rmse:.2f}",
                "time": duration(result.seconds),
            }
        )
    means = {
        "specialist": "mean, weighted",
        "columns": str(sum(map(len, nets))),
        "best validation: RMSE, pixels": f"{weighted_mean(nets):.2f}",
        "time": duration(sum(Result(net).seconds for net in nets.values())),
    }
    return Table([*rows, dict.fromkeys(rows[0], "") | means])


def steps(runs, scores):
    """Return a table of the steps to a net of today; `scores` are on the test set."""
    rows = []
    for name, run in runs.items():
        result = Result(run.net)
        row = {
            "net": name,
            "adds to the step before": MODERN_STEPS.get(name, _NONE),
            "weights": f"{sum(w.size for w in _weights(run.net)):,}",
            "epochs": f"{len(result.history):,}",
            "time": duration(result.seconds),
            "validation RMSE, pixels": f"{result.rmse:.2f}",
        }
        if scores:
            row["score on the test set, pixels"] = f"{scores[name]:.2f}"
        rows.append(row)
    return Table(rows, names=2)


def _weights(net):
    return (w for ws in net.get_all_params_values().values() for w in ws)


def scores(test, held_out):
    """Return a table of Kaggle's scores, in pixels; either dict may be empty."""
    columns = {
        "tutorial": tutorial.LEADERBOARD,
        "here, test set": test,
        "here, rows held out": held_out,
    }
    return Table(
        [
            {"net": label(name)}
            | {
                title: f"{found[name]:.2f}" if name in found else _NONE
                for title, found in columns.items()
                if found
            }
            for name in test | held_out
        ]
    )
