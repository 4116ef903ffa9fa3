"""Draw the pictures at the end of the README, with the net that comes with kfkd.

They show drawn faces that it has not seen, with their true key points, and a photograph
that Matplotlib ships: Rear Admiral Grace Hopper, by James S. Davis, US Navy, 1984, in
the public domain.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib import cbook
from PIL import Image

from kfkd import data, faces, plots, weights
from kfkd.plots.photos import plot_photographs
from kfkd.prediction import photographs, predict_test_set, scoring, submission

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHOWN = 8


def main():
    """Parse the command line, draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    help_text = "where they go (default: docs)"
    parser.add_argument("--out", type=Path, default=DOCS, help=help_text)
    out = parser.parse_args().out
    net = weights.load()
    folder = faces.make()
    sparse = submission.sparse_images(submission.read_lookup(folder))
    points = predict_test_set(net, folder, sparse_ids=sparse)
    labels = scoring.read_labels(scoring.find_labels(folder))
    errors = np.sqrt(((points - labels) ** 2).mean(axis=1)).to_numpy()
    X, _ = data.load2d(test=True, folder=folder)
    y = data.from_pixels(labels.to_numpy())
    names = {"modern": net}
    for name, chosen in (
        ("predictions-modern", np.arange(SHOWN)),
        ("predictions-worst", np.argsort(-errors)[:SHOWN]),
    ):
        axes = plots.plot_comparison(names, X[chosen], [*range(SHOWN)], y[chosen])
        save(axes, out, name)
        print(name, errors[chosen].round(2))
    save(plots.plot_weights(net), out, "filters")
    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    found = photographs.predict_faces(net, {path: photographs.read_faces(path)})
    save(plot_photographs(found), out, "photograph")


def save(figure, folder, name):
    """Save a figure as a small picture: 256 colours are enough for these."""
    path = folder / f"{name}.png"
    plots.save_figure(figure, path)
    with Image.open(path) as image:
        picture = image.convert("RGB")
    picture.thumbnail((1400, 1400))
    small = picture.quantize(256, Image.Quantize.MAXCOVERAGE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()
