"""Small tables in Kaggle's layout, made for the tests of the data."""

import numpy as np

from kfkd.data import COLUMNS


def draw(rows=12, seed=0):
    """Return labels (some missing, 10 decimals as in Kaggle's) and noise for images."""
    rng = np.random.default_rng(seed)
    labels = rng.uniform(0, 96, (rows, len(COLUMNS))).round(10)
    labels[rng.random(labels.shape) < 0.3] = np.nan
    labels[::3] = rng.uniform(0, 96, labels[::3].shape).round(10)  # complete rows
    images = rng.integers(0, 256, (rows, 9216))
    images[:, :2] = 0, 255
    return labels, images


def training_lines(labels, images):
    """Return the lines of a training.csv, the header first, without line ends."""
    lines = [",".join((*COLUMNS, "Image"))]
    for values, image in zip(labels, images, strict=True):
        cells = ["" if np.isnan(value) else repr(float(value)) for value in values]
        lines.append(",".join((*cells, " ".join(map(str, image)))))
    return lines


def test_lines(images):
    """Return the lines of a test.csv."""
    rows = (f"{i},{' '.join(map(str, im))}" for i, im in enumerate(images, start=1))
    return ["ImageId,Image", *rows]


test_lines.__test__ = False


def write(path, lines, end="\n", encoding="utf-8"):
    """Write lines to a file, making its folder; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def make(folder, rows=12, seed=0):
    """Write a training.csv and a test.csv; returns the training set's content."""
    labels, images = draw(rows, seed)
    write(folder / "training.csv", training_lines(labels, images))
    write(folder / "test.csv", test_lines(images[::2]))
    return labels, images
