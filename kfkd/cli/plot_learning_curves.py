"""Draw the learning curves of saved nets."""

from collections.abc import Mapping

import kfkd
from kfkd.cli import _options, _saved_nets
from kfkd.cli._parser import Parser
from kfkd.errors import PlotError

DESCRIPTION = (
    "Draw the errors of nets, in pixels, over the epochs of their training: validation "
    "as solid lines, training dashed. One file with a set of specialists, or one or "
    "more with a net each, to compare."
)


def add_arguments(parser):
    """Add the arguments of this figure."""
    add = parser.add_argument
    add(
        "nets",
        nargs="*",
        default=[_saved_nets.DEFAULT_SET],
        metavar="NET.pickle",
        help="files to load; loading them can run any code that their authors put into "
        f"them (default: {_saved_nets.DEFAULT_SET})",
    )
    _options.add(parser, "--out", default="learning-curves.png")
    _options.add(parser, "--force")
    add(
        "--linear",
        action="store_true",
        help="give the errors a linear scale (default: logarithmic)",
    )
    for name, limit in (("--ymin", "lowest"), ("--ymax", "highest")):
        add(
            name,
            type=float,
            metavar="PIXELS",
            help=f"the {limit} error on the scale (default: as the curves have it, "
            "without their steep beginning)",
        )
    parser.set_defaults(draw=draw)


def draw(args):
    """Return the Axes of the figure that the command line asks for."""
    nets = _saved_nets.load_named(args.nets, default=_saved_nets.DEFAULT_SET)
    limits = dict(log=not args.linear, ymin=args.ymin, ymax=args.ymax)

    sets = [name for name, net in nets.items() if isinstance(net, Mapping)]
    if sets and len(nets) > 1:
        raise PlotError(
            f"{sets[0]} is a set of specialists, which cannot be compared with others "
            "in one picture; draw it by itself"
        )
    if sets:
        return kfkd.plots.plot_specialists(nets[sets[0]], **limits)
    named = _saved_nets.named_by_data(nets)
    return kfkd.plots.plot_learning_curves(named, **limits)


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = Parser(prog=prog, description=DESCRIPTION)
    add_arguments(parser)
    return parser.parse_args(argv)


def main(argv=None, prog=None):
    """Load, draw, save; return the exit status."""
    return _options.save_figure(parse_args(argv, prog))
