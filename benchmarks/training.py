"""Train nets and specialists as ``kfkd reproduce`` does, and tabulate losses and times.

python benchmarks/training.py --nets net1 net2 --synthetic --device cuda --out FOLDER
"""

import argparse
import contextlib
import sys
import time
from pathlib import Path

import numpy as np
from figures import Output, add_json

import kfkd.cli
from kfkd.cli import reproduce
from kfkd.history import Result, to_rmse, weighted_mean
from kfkd.jobs.results import Results

# The epochs at which the tutorial prints losses.
CHECKPOINTS = (1, 50, 100, 250, 500, 750, *range(1000, 10001, 500))


def rows(name, net):
    """Yield the figures of a net: its losses at the checkpoints and at the end."""
    result = Result(net)
    seconds = 0
    for row in result.history:
        seconds += row["dur"]
        if row["epoch"] in CHECKPOINTS or row is result.last:
            yield dict(
                name=name,
                epoch=row["epoch"],
                train=row["train_loss"],
                valid=row["valid_loss"],
                pixels=float(to_rmse(row["valid_loss"])),
                epoch_seconds=result.epoch_seconds,
                seconds=seconds,
            )


def summary(name, specialists):
    """Return the figures of a set of specialists, losses weighted by columns."""
    found = [Result(net) for net in specialists.values()]
    weights = [len(columns) for columns in specialists]
    epochs = sum(result.last["epoch"] for result in found)
    seconds = sum(result.seconds for result in found)
    train, valid = (
        float(np.average([result.last[loss] for result in found], weights=weights))
        for loss in ("train_loss", "valid_loss")
    )
    return dict(
        name=name,
        epoch=epochs,
        train=train,
        valid=valid,
        pixels=weighted_mean(specialists),
        epoch_seconds=seconds / epochs,
        seconds=seconds,
    )


def figures(name, trained, settings):
    """Yield the figures of a net or of a set of specialists."""
    more = dict(scale=settings.epochs_scale)
    if not isinstance(trained, dict):
        for figure in rows(name, trained):
            yield figure | more
        return
    for columns, net in trained.items():
        *_, last = rows(f"{name}, {columns[0][:-2]}", net)
        yield last | more
    yield summary(name, trained) | more


def main():
    """Parse the command line, train, print; return the exit status."""
    parser = argparse.ArgumentParser(
        description="Train as `kfkd reproduce` does, which takes all other options, "
        "and tabulate losses and times. What is finished is not trained again."
    )
    add_json(parser)
    own, argv = parser.parse_known_args()
    args = reproduce.parse_args(argv)
    settings = reproduce.read_settings(args, args.data)
    results, started = Results(args.out), time.perf_counter()
    new = [
        name
        for name in settings.wanted()
        if not any(Path(args.out).glob(f"{name}.*"))  # no checkpoint either
    ]
    with contextlib.redirect_stdout(sys.stderr if own.json else sys.stdout):
        status = kfkd.cli.run("reproduce", argv)
    seconds = time.perf_counter() - started
    output = Output("training", own.json)
    for name in settings.wanted():
        if results.provenance(name) is not None:
            for figure in figures(name, results.load(name), settings):
                output.add(**figure)
    if status == 0 and new == settings.wanted():
        way = f"{args.jobs or 1} at a time, {settings.epochs_scale:g} of the epochs"
        Output("elapsed", own.json).add(what=" ".join(new), way=way, seconds=seconds)
    return status


if __name__ == "__main__":
    sys.exit(main())
