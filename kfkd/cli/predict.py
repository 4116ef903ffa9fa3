"""Predict key points, in pixels, with a saved net or a set of specialists."""

import argparse
import os
import pathlib
import sys

import numpy as np

from kfkd import data, faces, images, plots, prediction, storage, xla
from kfkd.cli import options

DRAWN = 16  # images


def parse_args(argv=None):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description="Predict key points, in pixels from the upper left corner, for "
        "the images of test.csv or for image files, as CSV. Of an image file, the "
        "largest square in the middle is brought to 96 x 96 grey values; it should "
        "show a face that about fills it. Its points come in the image's own pixels."
    )
    add = parser.add_argument
    options.add_net(parser)
    add(
        "images",
        nargs="*",
        metavar="IMAGE",
        help="image files of any size and colour (default: the images of test.csv)",
    )
    options.add_data(parser)
    options.add_device(parser)
    add(
        "--out",
        metavar="FILE",
        type=pathlib.Path,
        help="where the table goes (default: standard output)",
    )
    add(
        "--plot",
        metavar="FILE",
        type=options.picture,
        help=f"a picture to draw of the first {DRAWN} images; its ending says the "
        f"format: {', '.join(plots.FORMATS)} (default: none)",
    )
    args = parser.parse_intermixed_args(argv)
    for path in (args.out, args.plot):
        if path and any(_same(path, read) for read in (args.net, *args.images)):
            parser.error(f"{path} is to be read, and would be written over")
    if (args.data is not None) + args.synthetic + bool(args.images) > 1:
        parser.error("--data, --synthetic and image files exclude each other")
    return args


def _same(path, other):
    return os.path.realpath(path) == os.path.realpath(other)


def predict_files(net, paths, plot):
    """Return a table of points in the images' own pixels, and a figure if wanted."""
    squares = [images.read_face(path) for path in paths]
    X = np.stack([square.grey for square in squares])
    table = prediction.predict(storage.load(net), X, paths).rename_axis("File")
    for row, square in enumerate(squares):
        table.iloc[row] = square.to_own(table.iloc[row])
    if not plot:
        return table, None
    return table, images.plot_points(paths[:DRAWN], table.to_numpy()[:DRAWN])


def predict_table(net, folder, plot):
    """Return a table of points for test.csv, and a figure if wanted."""
    data.find("test", folder)  # sooner than a net can be loaded
    table = prediction.predict_test_set(storage.load(net), folder)
    if not plot:
        return table, None
    X = data.read("test", folder).images[:DRAWN] / np.float32(255)
    y = data.from_pixels(table.to_numpy()[:DRAWN])
    return table, plots.plot_predictions(X, y)


def main(argv=None):
    """Predict, write, draw; return the exit status."""
    args = parse_args(argv)
    for path in filter(None, (args.out, args.plot)):
        storage.check_writable(path)
    xla.set_device(args.device)
    if args.images:
        table, figure = predict_files(args.net, args.images, args.plot)
    else:
        folder = faces.make() if args.synthetic else args.data
        table, figure = predict_table(args.net, folder, args.plot)
    if args.plot:
        plots.save_figure(figure, args.plot)
        print(f"Drawn in {args.plot}", file=sys.stderr)

    layout = dict(float_format="%.4f", lineterminator="\n")
    if args.out:
        with storage.written_atomically(args.out) as draft:
            table.to_csv(draft, **layout)
        print(f"Written to {args.out}", file=sys.stderr)
    else:
        table.to_csv(sys.stdout, **layout)
        sys.stdout.flush()
    return 0
