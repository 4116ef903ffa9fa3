"""Train each step from net2 to modern in the same time, and tell what each brings.

    python benchmarks/ablation.py --out FOLDER
    python benchmarks/ablation.py --out FOLDER --write benchmarks/README.md

First the seconds of an epoch of each net are measured, which takes an idle machine.
They give the epochs that fit into the time, and the schedules of the rate are for so
many. Trainings count epochs alone, so that it does not matter what else the machine
does, and can be stopped at any time: the same command goes on. Scores are Kaggle's, on
the test set of drawn faces.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import nbformat
from figures import markdown
from gpu_folder import read
from pages import fill_block

from kfkd import data, faces, nets, storage
from kfkd.callbacks.checkpoint import Checkpoint, fit_with
from kfkd.report.results import score_test_set

STEPS = {"net2": "the tutorial's", **nets.MODERN_STEPS}
# The last one averages the predictions of the one before, which needs no training.
TRAINED = [name for name in STEPS if name != "modern"]
TIMED = 3  # epochs, after one that compiles


class Results:
    """What was measured so far, kept in a file with a line for each figure."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "ablation.jsonl"

    def find(self, **keys):
        """Return the last figure with these values, or None."""
        found = [f for f in read(self.file) if f.items() >= keys.items()]
        return found[-1] if found else None

    def add(self, **figure):
        """Write a figure down."""
        with self.file.open("a", encoding="utf-8") as file:
            print(json.dumps(figure), file=file)
        print(figure, flush=True)


def load(net, drawn):
    """Return the X and y that a net is trained on."""
    return data.load2d(folder=drawn, **nets.load_options(net))


def time_epochs(name, drawn):
    """Return the median of the seconds that an epoch takes."""
    net = nets.make(name, max_epochs=1 + TIMED, verbose=0).seed(0)
    net.fit(*load(net, drawn))
    return statistics.median(row["dur"] for row in net.train_history_[1:])


def train(name, seed, epochs, results, drawn):
    """Return a trained net; it is there already, if training had ended before."""
    path = results.folder / f"{name}-{seed}.npz"
    if not path.exists():
        net = nets.make(name, max_epochs=epochs, log_every=10).seed(seed)
        checkpoint = Checkpoint.beside(path, resume=True, minutes=1)
        fit_with(checkpoint, net, *load(net, drawn))
        if net.interrupted_:
            raise KeyboardInterrupt
        storage.save(net, path)
        checkpoint.remove()
    return storage.load(path)


def score(net, drawn):
    """Return Kaggle's score on the test set of drawn faces, in pixels."""
    return float(score_test_set({"net": net}, drawn)["net"])


def measure(results, minutes, seeds, drawn):
    """Measure what is missing."""
    for name in TRAINED:
        if results.find(what="epoch", net=name, minutes=minutes) is None:
            seconds = time_epochs(name, drawn)
            epochs = max(1, int(minutes * 60 / seconds))
            results.add(
                what="epoch", net=name, minutes=minutes, seconds=seconds, epochs=epochs
            )
    for seed in range(seeds):
        for name in TRAINED:
            epochs = results.find(what="epoch", net=name, minutes=minutes)["epochs"]
            names = [name, "modern"] if name == "modern_affine" else [name]
            keys = dict(what="score", seed=seed, epochs=epochs)
            if all(results.find(net=name, **keys) for name in names):
                continue
            net = train(name, seed, epochs, results, drawn)
            for name in names:
                net.mirror = name == "modern"
                results.add(net=name, pixels=score(net, drawn), **keys)


def table(results, minutes):
    """Return the table of what there is."""
    rows = []
    for name, adds in STEPS.items():
        trained = "modern_affine" if name == "modern" else name
        epoch = results.find(what="epoch", net=trained, minutes=minutes)
        if epoch is None:
            continue
        keys = dict(what="score", net=name, epochs=epoch["epochs"])
        scores = {
            figure["seed"]: figure["pixels"]
            for figure in read(results.file)
            if figure.items() >= keys.items()
        }
        if scores:
            found = [f"{pixels:.2f}" for _, pixels in sorted(scores.items())]
            middle = f"{statistics.median(scores.values()):.2f}"
            rows.append((name, adds, str(epoch["epochs"]), middle, ", ".join(found)))
    return markdown(("net", "adds", "epochs", "pixels, median", "of each seed"), rows)


def write(page, content):
    """Write the table between the comments of a page, or of a notebook's cells."""
    text = page.read_text(encoding="utf-8")
    if "<!-- begin: ablation -->" not in text:
        sys.exit(f"{page} has no comment <!-- begin: ablation --> to write behind")
    if page.suffix == ".ipynb":
        notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
        for cell in notebook.cells:
            cell.source = fill_block(cell.source, "ablation", content)
        text = nbformat.writes(notebook) + "\n"
    else:
        text = fill_block(text, "ablation", content)
    page.write_text(text, encoding="utf-8")


def main(argv=None):
    """Parse the command line, measure or write; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", required=True, metavar="FOLDER")
    parser.add_argument("--minutes", type=float, default=10, help="for each training")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each net")
    parser.add_argument(
        "--write",
        nargs="+",
        type=Path,
        metavar="PAGE",
        help="only write the table into these pages or notebooks",
    )
    args = parser.parse_args(argv)
    results = Results(args.out)
    if args.write is None:
        measure(results, args.minutes, args.seeds, faces.make())
        print(table(results, args.minutes))
    else:
        for page in args.write:
            write(page, table(results, args.minutes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
