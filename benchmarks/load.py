"""Time ``kfkd.data.load`` against the tutorial's own way of reading.

    python benchmarks/load.py [folder]

The folder is one with a ``training.csv``; without it one of Kaggle's size is made. Each
way runs once in a process of its own, for its peak of memory; then they take turns in
one process, for their times. The median is printed, and how many times faster than the
tutorial's way it is.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import shuffle

from kfkd import data

ROWS, COMPLETE = 7049, 2140  # of Kaggle's training.csv


def main():
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", help="where training.csv is (made)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (5)")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        # A cache of its own: the user's stays as it is, and the first load is a first.
        os.environ["XDG_CACHE_HOME"] = scratch
        folder = Path(args.folder or scratch)
        if args.folder is None:
            print("making a file of Kaggle's size ...")
            make(folder / "training.csv")
        path = folder / "training.csv"
        if not path.is_file():
            sys.exit(f"{path} does not exist; the tutorial's way reads no zip files")
        size = path.stat().st_size / 1e6
        print(f"{path}: {size:.0f} MB; pandas {pd.__version__}, NumPy {np.__version__}")
        measure(folder, args.repeats)


def tutorial(folder):
    """Load as in the tutorial, whose ``np.fromstring(im, sep=" ")`` still works."""
    df = pd.read_csv(folder / "training.csv")
    df["Image"] = df["Image"].apply(lambda im: np.fromstring(im, sep=" "))
    print(df.count())
    df = df.dropna()
    X = np.vstack(df["Image"].values) / 255.0
    X = X.astype(np.float32)
    y = df[df.columns[:-1]].values
    y = (y - 48) / 48
    X, y = shuffle(X, y, random_state=42)
    return X, y.astype(np.float32)


def first(folder):
    """Load with an empty cache."""
    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"], "kfkd"), ignore_errors=True)
    return data.load(folder=folder)


def later(folder):
    """Load with the cache filled (by ``first``)."""
    return data.load(folder=folder)


WAYS = {"the tutorial's": tutorial, "kfkd, first": first, "kfkd, later": later}


def measure(folder, repeats):
    """Print the table, once it is sure that all ways give the same."""
    # Before this process grows: a child's peak is never below its parent's size.
    peaks = {name: peak(name, folder) for name in WAYS}
    seconds = {name: [] for name in WAYS}
    for _ in range(repeats):
        results = []
        for name, way in WAYS.items():
            start = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):
                results.append(way(folder))
            seconds[name].append(time.perf_counter() - start)
        for X, y in results[1:]:
            np.testing.assert_array_equal(X, results[0][0], strict=True)
            np.testing.assert_array_equal(y, results[0][1], strict=True)
        del results, X, y

    print(f"{'way':16}{'median':>9}{'range':>16}{'faster':>9}{'peak memory':>13}")
    slowest = statistics.median(seconds["the tutorial's"])
    for name, values in seconds.items():
        median = statistics.median(values)
        spread = f"{min(values):.2f} to {max(values):.2f}"
        print(
            f"{name:16}{median:7.2f} s{spread:>16}{slowest / median:8.1f}x"
            f"{peaks[name]:10.0f} MB"
        )


def peak(name, folder):
    """Return the peak of memory, in MB, of a process that loads in one way."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (name, folder))


def _peak(name, folder):
    import resource  # not on Windows

    with contextlib.redirect_stdout(io.StringIO()):
        WAYS[name](folder)
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def make(path):
    """Write a training.csv of Kaggle's size: smooth images, random key points."""
    rng = np.random.default_rng(0)
    with open(path, "w", encoding="utf-8") as file:
        print(*data.COLUMNS, "Image", sep=",", file=file)
        for row in range(ROWS):
            labels = rng.uniform(0, data.SIDE, len(data.COLUMNS)).round(10).astype(str)
            if row >= COMPLETE:
                labels[4:20] = ""
            coarse = rng.normal(110, 50, (12, 12)).repeat(8, 0).repeat(8, 1)
            noise = rng.normal(0, 5, (data.SIDE, data.SIDE))
            image = np.clip(coarse + noise, 0, 255).astype(np.uint8)
            print(*labels, " ".join(map(str, image.ravel())), sep=",", file=file)


if __name__ == "__main__":
    main()
