"""Predict key points, in pixels, with a saved net or a set of specialists."""

import pathlib
import re
import shlex
import sys

import kfkd
from kfkd.choices import PICTURE_FORMATS
from kfkd.cli import (
    _image_files,
    _options,
    _outputs,
    _point_tables,
    _saved_nets,
    _values,
)
from kfkd.cli._parser import Parser
from kfkd.files import kinds
from kfkd.messages import count

DRAWN = 16  # images


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = Parser(
        prog=prog,
        description="Predict key points, in pixels from the upper left corner, of the "
        "faces in image files, which are found first, or of the images of test.csv. "
        "The points of a face come in its image's own pixels, with the square that the "
        "net has seen. The exit status is 1 if an image cannot be read or shows no "
        "face.",
    )
    add = parser.add_argument
    add(
        "net",
        nargs="?",
        metavar="NET.pickle",
        help=f"{_saved_nets.HELP} (default: {_saved_nets.SHIPPED}, trained on drawn "
        "faces)",
    )
    add(
        "images",
        nargs="*",
        default=[],  # without it, argparse asks for some where the net is missing
        metavar="IMAGE",
        help="image files of any colour, folders of them (but not those within), or "
        "patterns such as 'photos/*.jpg' (default: the images of test.csv)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--crop",
        type=_values.crop,
        metavar="X,Y,W,H",
        help="where the face is, instead of looking for faces: upper left corner, "
        "width and height, in pixels; brows to chin should about fill it, and the "
        "largest square in its middle counts (default: none)",
    )
    where.add_argument(
        "--no-detect",
        action="store_true",
        help="take each image for a face, or the largest square in its middle, instead "
        "of looking for faces (default: off)",
    )
    _options.add(parser, *_options.DATA, "--mirror", "--device")
    add(
        "--out",
        metavar="FILE",
        type=_values.points,
        help="where the points go, as CSV, or as JSON if it ends in .json (default: "
        "standard output)",
    )
    add(
        "--format",
        type=_values.one_of(_point_tables.FORMATS),
        metavar=f"{{{','.join(_point_tables.FORMATS)}}}",
        help="of the points: table is for people, and has the first "
        f"{_point_tables.SHOWN} faces (default: as --out ends; without it, table on a "
        "terminal and else csv)",
    )
    add(
        "--plot",
        metavar="FILE",
        type=_values.picture,
        help=f"a picture to draw of the first {DRAWN} images; one alone has its own "
        "size, or a multiple of it if it is small. The ending says the format: "
        f"{', '.join(PICTURE_FORMATS)} (default: none)",
    )
    _options.add(parser, "--force")
    args = parser.parse_intermixed_args(_joined(argv))
    if args.net is not None and _saved_nets.stands_for_images(args.net):
        args.net, args.images = None, [args.net, *args.images]
    _check_order(parser, args.net, args.images)
    _check_choices(parser, args)
    return args


def _joined(argv):
    """Return arguments in which a crop that begins with a minus is no option."""
    found = []
    for word in sys.argv[1:] if argv is None else argv:
        if found and found[-1] == "--crop" and re.match(r"-[\d.]", word):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def _check_order(parser, net, images):
    """End with an error of `parser` unless a net, or none, is followed by images."""
    if not all(path.strip() for path in ("net" if net is None else net, *images)):
        parser.error("the name of a net or an image is empty")
    nets = [
        path
        for path in images
        if kfkd.storage.has_ending(path) and not pathlib.Path(path).is_dir()
    ]
    if nets and net is None:
        rest = shlex.join(path for path in images if path not in nets)
        parser.error(f"the net comes first: {parser.prog} {nets[0]} {rest}")
    if nets:
        parser.error(f"{nets[0]} is a saved net, not an image; one net is taken")
    for path in map(pathlib.Path, images):
        if path.suffix.lower() == ".csv":
            parser.error(
                f"{path} is a table, not an image; --data {path.parent} predicts the "
                "images of its test.csv"
            )


def _check_choices(parser, args):
    """End with an error of `parser` if options exclude each other; set the format."""
    if (args.data is not None) + args.synthetic + bool(args.images) > 1:
        parser.error("--data, --synthetic and image files exclude each other")
    for option in ("crop", "no_detect"):
        if getattr(args, option) and not args.images:
            parser.error(f"--{option.replace('_', '-')} is for image files")
    if args.out:
        ending = args.out.suffix.lower()
        wanted = "json" if ending == ".json" else "csv"
        if (args.format or wanted) != wanted and ending in (".csv", ".json"):
            parser.error(f"--format {args.format} does not go with --out {args.out}")
        args.format = args.format or wanted
    elif args.format is None:
        args.format = "table" if sys.stdout.isatty() else "csv"


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


def predict_images(nets, args, prog, failed):
    """Return the table of image files, a function that draws it, and the status."""
    from kfkd.plots.photos import plot_photographs
    from kfkd.prediction.photographs import predict_faces

    found, unread = _image_files.read_images(args, prog)
    failed += unread
    table = predict_faces(nets, found, mirror=args.mirror)
    if found and failed:
        used = f"{count(len(table), 'face')} in {count(len(found), 'image')}"
        print(f"Found: {used}; nothing in {failed:,}", file=sys.stderr)
    return table, lambda: plot_photographs(table, most=DRAWN), int(bool(failed))


def predict_table(nets, args):
    """Return the table of the images of test.csv, and a function that draws it."""
    folder = _options.choose_folder(args, "test", file=sys.stderr)
    if not kfkd.faces.is_drawn(kfkd.data.find("test", folder)):
        _saved_nets.warn_of_photographs(nets)
    table = kfkd.prediction.predict_test_set(nets, folder, mirror=args.mirror)

    def draw():
        images = kfkd.data.read("test", folder).images[:DRAWN]
        y = kfkd.data.from_pixels(table.to_numpy()[:DRAWN])
        return kfkd.plots.plot_predictions(kfkd.data.scale_images(images), y)

    return table, draw, 0


def main(argv=None, prog=None):
    """Predict, write, draw; return the exit status."""
    args = parse_args(argv, prog)
    check_outputs(args)
    path = args.net or kfkd.weights.PATH
    _saved_nets.check_saved(path)
    args.images, failed = _image_files.find_images(args, prog)
    _options.choose_device(args)
    nets = kfkd.storage.load(path)
    _saved_nets.announce(args.net or _saved_nets.SHIPPED, nets)
    if args.images or failed:
        _saved_nets.warn_of_photographs(nets)
        table, draw, status = predict_images(nets, args, prog, failed)
    else:
        table, draw, status = predict_table(nets, args)
    if args.plot and not table.empty:
        kfkd.plots.save_figure(draw(), args.plot)
        print(f"Drawn in {args.plot}", file=sys.stderr)
    text = getattr(_point_tables, f"to_{args.format}")(table)
    if args.out:
        with kfkd.storage.written_atomically(args.out) as draft:
            draft.write_text(text, encoding="utf-8", newline="")
        print(f"Written to {args.out}", file=sys.stderr)
    else:
        print(text, end="", flush=True)
    return status
