"""Figures that the benchmarks measure: how they are handed over, and their tables.

A figure is a dict that JSON can hold. Its ``table`` names one of `TABLES`. A benchmark
prints its figures as rows of a Markdown table, or with ``--json`` as lines of JSON, for
``gpu.py`` to collect.
"""

import collections
import json
import statistics
from typing import NamedTuple

__all__ = ["TABLES", "Output", "add_json", "latest", "markdown"]


class Table(NamedTuple):
    """A kind of table.

    Attributes
    ----------
    key : tuple of str
        The names of what tells its figures apart: measured again, the latest counts.
    columns : tuple of str
    row : function
        Returns the cells of a figure.
    """

    key: tuple
    columns: tuple
    row: object


def _milliseconds(values):
    return f"{statistics.median(values) * 1e3:,.2f}"


def _compared(figure):
    """Return the cells that say how long something takes, and compared to the first."""
    seconds = figure["seconds"]
    return (
        _milliseconds(seconds),
        f"{min(seconds) * 1e3:,.2f} to {max(seconds) * 1e3:,.2f}",
        f"{statistics.median(figure['ratios']):.2f}",
    )


def _machine(figure):
    return figure["what"], figure["value"]


def _ceiling(figure):
    return figure["what"], f"{figure['rate']:,.1f} {figure['unit']}"


def _speed(figure):
    return figure["net"], figure["what"], figure["peer"], *_compared(figure)


def _way(figure):
    return figure["net"], figure["way"], *_compared(figure)


_STARTUP = ("imports", "layers", "graph", "program and step", "both", "second step")


def _startup(figure):
    return figure["net"], figure["programs"], *(f"{s:.2f}" for s in figure["seconds"])


def _scaling(figure):
    return (
        f"{figure['axis']} {figure['value']:,}",
        figure["net"],
        f"{figure['seconds']:.3f}",
        f"{figure['sample_seconds'] * 1e3:.3f}",
        f"{figure['peak'] / 1e6:,.0f}",
    )


def _training(figure):
    return (
        figure["name"],
        f"{figure['epoch']:,}",
        f"{figure['train']:.6f}",
        f"{figure['valid']:.6f}",
        f"{figure['pixels']:.2f}",
        f"{figure['epoch_seconds'] * 1e3:,.1f}",
        f"{figure['seconds']:,.1f}",
    )


def _elapsed(figure):
    return figure["what"], figure["way"], f"{figure['seconds']:.1f}"


def _kernel(figure):
    return (
        figure["net"],
        f"`{figure['kernel']}`",
        f"{figure['count']:g}",
        f"{figure['seconds'] * 1e3:.3f}",
        f"{figure['share']:.0%}",
    )


def _test(figure):
    return figure["test"], figure["outcome"], figure["why"]


_TIMES = ("median, ms", "range")
TABLES = {
    "machine": Table(("what",), ("what", "value"), _machine),
    "ceilings": Table(("what",), ("what", "rate"), _ceiling),
    "tests": Table(("test",), ("test", "outcome", "why"), _test),
    "speed": Table(
        ("net", "what", "peer"),
        ("net", "what", "peer", *_TIMES, "by the first"),
        _speed,
    ),
    "formulations": Table(
        ("net", "what", "peer"),
        ("net", "what", "formulation", *_TIMES, "by the first"),
        _speed,
    ),
    "ways": Table(("net", "way"), ("net", "way", *_TIMES, "by the first"), _way),
    "startup": Table(
        ("net", "programs"),
        ("net", "programs", *(f"{name}, s" for name in _STARTUP)),
        _startup,
    ),
    "kernels": Table(
        ("net", "kernel"),
        ("net", "kernel", "times an epoch", "an epoch, ms", "of all"),
        _kernel,
    ),
    "training": Table(
        ("name", "epoch", "scale"),
        (
            "net",
            "epoch",
            "train loss",
            "validation loss",
            "RMSE, pixels",
            "an epoch, ms",
            "so far, s",
        ),
        _training,
    ),
    "elapsed": Table(("what", "way"), ("what", "way", "s"), _elapsed),
    "scaling": Table(
        ("axis", "value"),
        ("what", "net", "epoch, s", "a sample, ms", "peak, MB"),
        _scaling,
    ),
}


def _line(cells):
    return f"| {' | '.join(cells)} |"


def _head(columns):
    return f"{_line(columns)}\n{'|---' * len(columns)}|"


def markdown(columns, rows):
    """Return a Markdown table of rows of cells."""
    return "\n".join([_head(columns), *map(_line, rows)])


def latest(figures):
    """Return figures by table, of those measured again the latest."""
    found = collections.defaultdict(dict)
    for figure in figures:
        name = figure["table"]
        key = tuple(figure[part] for part in TABLES[name].key)
        found[name].pop(key, None)  # so that it comes last
        found[name][key] = figure
    return {name: list(by_key.values()) for name, by_key in found.items()}


class Output:
    """Prints figures as they come, as rows of a table or as JSON.

    Parameters
    ----------
    table : str
    as_json : bool
    """

    def __init__(self, table, as_json):
        self.table, self.as_json, self.begun = table, as_json, False

    def add(self, **figure):
        """Print a figure."""
        if self.as_json:
            print(json.dumps({"table": self.table, **figure}), flush=True)
            return
        kind = TABLES[self.table]
        if not self.begun:
            print(_head(kind.columns))
            self.begun = True
        print(_line(kind.row(figure)), flush=True)


def add_json(parser):
    """Add ``--json``."""
    parser.add_argument(
        "--json", action="store_true", help="print lines of JSON instead of a table"
    )
