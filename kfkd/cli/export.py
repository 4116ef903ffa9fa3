"""Write a net as ONNX, for other programs, browsers and devices."""

import pathlib

import kfkd
from kfkd.cli import _outputs, _saved_nets, _values
from kfkd.cli._options import add as add_options
from kfkd.cli._parser import Parser
from kfkd.files import kinds


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = Parser(
        prog=prog,
        description="Write a net, or a set of specialists as one model, in the format "
        "ONNX, which other frameworks, browsers and phones run. Its input are grey "
        "values in [0, 1], its output points in [-1, 1], as predict returns them; what "
        "it was trained on is written beside.",
    )
    parser.add_argument(
        "net",
        nargs="?",
        metavar="NET.pickle",
        help=f"{_saved_nets.HELP} (default: {_saved_nets.SHIPPED})",
    )
    parser.add_argument(
        "out",
        nargs="?",
        type=_values.onnx,
        metavar="NET.onnx",
        help="file to write (default: as the net is called, in this folder)",
    )
    parser.add_argument(
        "--half",
        action="store_true",
        help="keep the weights in half precision: half the size, and predictions that "
        "differ by some hundredths of a pixel (default: off)",
    )
    add_options(parser, "--force")
    args = parser.parse_intermixed_args(argv)
    ending = pathlib.Path(args.net or "").suffix.lower()
    if args.out is None and ending == ".onnx":
        args.net, args.out = None, _values.onnx(args.net)
    if args.net is None:
        args.net = kfkd.weights.PATH
    _saved_nets.check_net(parser, args.net)
    if args.out is None:
        args.out = pathlib.Path(f"{kfkd.storage.stem(args.net)}.onnx")
    return args


def main(argv=None, prog=None):
    """Load, export; return the exit status."""
    args = parse_args(argv, prog)
    _outputs.check_output(
        args.out, kinds.ONNX, inputs=[args.net], force=args.force, option="NET.onnx"
    )
    _saved_nets.check_saved(args.net)
    kfkd.export.save(kfkd.storage.load(args.net), args.out, half=args.half)
    print(f"Written to {args.out}, {args.out.stat().st_size / 1e6:.1f} MB")
    return 0
