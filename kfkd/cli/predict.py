"""Predict key points, in pixels, with a saved net or a set of specialists."""

import functools
import pathlib
import shlex
import sys

import kfkd
from kfkd.choices import PICTURE_FORMATS
from kfkd.cli import _options, _outputs, _saved_nets, _values
from kfkd.cli._parser import Parser
from kfkd.files import kinds
from kfkd.messages import count

DRAWN = 16  # images
SHOWN = 3  # of which a terminal gets the points


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = Parser(
        prog=prog,
        description="Predict key points, in pixels from the upper left corner, for "
        "the images of test.csv or for image files, as CSV. Of an image file, the "
        "largest square in the middle is brought to 96 x 96 grey values; it should "
        "show a face that about fills it. Its points come in the image's own pixels. "
        f"On a terminal, the first {SHOWN} images come as a table for people.",
    )
    add = parser.add_argument
    add(
        "net",
        nargs="?",
        metavar="NET.pickle",
        help=f"{_saved_nets.HELP} (default: modern as it comes with kfkd, trained on "
        "drawn faces)",
    )
    add(
        "images",
        nargs="*",
        default=[],  # without it, argparse asks for some where the net is missing
        metavar="IMAGE",
        help="image files of any size and colour (default: the images of test.csv)",
    )
    _options.add(parser, *_options.DATA, "--mirror", "--device")
    add(
        "--out",
        metavar="FILE",
        type=_values.table,
        help="where the table goes, as CSV (default: standard output)",
    )
    add(
        "--plot",
        metavar="FILE",
        type=_values.picture,
        help=f"a picture to draw of the first {DRAWN} images; its ending says the "
        f"format: {', '.join(PICTURE_FORMATS)} (default: none)",
    )
    _options.add(parser, "--force")
    args = parser.parse_intermixed_args(argv)
    if args.net and _saved_nets.is_image(args.net):
        args.net, args.images = None, [args.net, *args.images]
    _check_order(parser, args.net, args.images)
    if (args.data is not None) + args.synthetic + bool(args.images) > 1:
        parser.error("--data, --synthetic and image files exclude each other")
    return args


def _check_order(parser, net, images):
    """End with an error of `parser` unless a net, or none, is followed by images."""
    nets = [path for path in images if kfkd.storage.has_ending(path)]
    if nets and net is None:
        rest = shlex.join(path for path in images if path not in nets)
        parser.error(f"the net comes first: {parser.prog} {nets[0]} {rest}")
    if nets:
        parser.error(f"{nets[0]} is a saved net, not an image; one net is taken")
    for path in map(pathlib.Path, images):
        if path.is_dir():
            parser.error(f"{path} is a folder; name the images in it, as in {path}/*")
        if path.suffix.lower() == ".csv":
            parser.error(
                f"{path} is a table, not an image; --data {path.parent} predicts the "
                "images of its test.csv"
            )


def check_outputs(args):
    """Raise StorageError if a file may not be written, or cannot; see `_outputs`."""
    inputs = [*filter(None, [args.net]), *args.images]
    for path, kind, option in (
        (args.out, kinds.PREDICTIONS, "--out"),
        (args.plot, kinds.FIGURE, "--plot"),
    ):
        if path:
            _outputs.check_output(
                path,
                kind,
                inputs=inputs,
                force=args.force,
                option=option,
            )


def predict_files(nets, paths, mirror):
    """Return a table of points in the images' own pixels."""
    from kfkd.prediction import image_files

    squares = [image_files.read_face(path) for path in paths]
    X = [square.grey for square in squares]
    table = kfkd.prediction.predict(nets, X, paths, mirror=mirror).rename_axis("File")
    for row, square in enumerate(squares):
        table.iloc[row] = square.to_own(table.iloc[row])
    return table


def draw_files(paths, table):
    """Return a figure of the first image files with their points."""
    from kfkd.plots.photos import plot_points

    return plot_points(paths[:DRAWN], table.to_numpy()[:DRAWN])


def draw_test_set(folder, table):
    """Return a figure of the first faces of test.csv with their points."""
    X = kfkd.data.scale_images(kfkd.data.read("test", folder).images[:DRAWN])
    y = kfkd.data.from_pixels(table.to_numpy()[:DRAWN])
    return kfkd.plots.plot_predictions(X, y)


def main(argv=None, prog=None):
    """Predict, write, draw; return the exit status."""
    args = parse_args(argv, prog)
    check_outputs(args)
    if args.net is None:
        print("Net: modern, trained on drawn faces", file=sys.stderr)
        args.net = kfkd.weights.PATH
    _saved_nets.check_saved(args.net)
    _options.choose_device(args)
    nets = kfkd.storage.load(args.net)
    if args.images:
        table = predict_files(nets, args.images, args.mirror)
        draw = functools.partial(draw_files, args.images)
    else:
        folder = _options.choose_folder(args, "test", file=sys.stderr)
        table = kfkd.prediction.predict_test_set(nets, folder, mirror=args.mirror)
        draw = functools.partial(draw_test_set, folder)
    if args.plot:
        kfkd.plots.save_figure(draw(table), args.plot)
        print(f"Drawn in {args.plot}", file=sys.stderr)

    layout = dict(float_format="%.4f", lineterminator="\n")
    if args.out:
        with kfkd.storage.written_atomically(args.out) as draft:
            table.to_csv(draft, **layout)
        print(f"Written to {args.out}", file=sys.stderr)
    elif sys.stdout.isatty():
        print(as_text(table), flush=True)
    else:
        table.to_csv(sys.stdout, **layout)
        sys.stdout.flush()
    return 0


def as_text(table):
    """Return a table of points for people: a line for each, of the first images."""
    points = [name.removesuffix("_x") for name in table if name.endswith("_x")]
    width = max(map(len, points)) + 2
    lines = []
    for name, row in table.head(SHOWN).iterrows():
        label = f"{table.index.name} {name}" if table.index.name == "ImageId" else name
        lines.append(f"{label}\n{'':{width}}  {'x':>8}  {'y':>8}")
        lines += [
            f"  {point:{width}}{row[f'{point}_x']:8.2f}  {row[f'{point}_y']:8.2f}"
            for point in points
        ]
        lines.append("")
    if len(table) > SHOWN:
        rest = count(len(table) - SHOWN, "more image")
        lines.append(f"... and {rest}: --out FILE, or a pipe, gets all as CSV")
    return "\n".join(lines).rstrip()
