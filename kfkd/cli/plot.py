"""Draw learning curves, what nets predict, their weights, a face that is flipped."""

import kfkd
from kfkd.cli import _options, _saved_nets, plot_learning_curves
from kfkd.cli._parser import Parser
from kfkd.cli._values import whole
from kfkd.errors import DataError
from kfkd.messages import count

DRAWN = 16  # faces


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = Parser(
        prog=prog, description="Draw what nets see and predict, and save the picture."
    )
    figures = parser.add_subparsers(dest="figure", required=True, metavar="FIGURE")

    def figure(name, text):
        return figures.add_parser(name, help=text, description=f"Draw {text}.")

    add = figure(
        "predictions",
        f"{DRAWN} faces of the test set with the points that a net predicts",
    )
    _add_nets(add)
    _add_faces(add, "the first face, counted from 0 in the order of test.csv", 0)

    add = figure("comparison", "the points that several nets predict for faces")
    _add_nets(add, nargs="+")
    which = "the faces, counted from 0 in the order of the file"
    _add_faces(add, which, [6], nargs="+")
    add.add_argument(
        "--training",
        action="store_true",
        help="take a face of the training set, and draw its labels too (default: of "
        "the test set)",
    )

    add = figure(
        "flip", "a face of the training set beside its flipped copy, with labels"
    )
    _add_faces(add, "the face, counted from 0 in the order of training.csv", 1)

    add = figure("weights", "the weights of a net's first layer as images")
    _add_nets(add)
    add.add_argument(
        "--units",
        type=whole(1),
        metavar="N",
        help="how many, the strongest first (default: all filters of a convolution, 25 "
        "units of a dense layer)",
    )
    for name, subparser in figures.choices.items():
        subparser.set_defaults(draw=draw)
        _options.add(subparser, "--out", default=f"{name}.png")
        _options.add(subparser, "--force")

    add = figures.add_parser(
        "learning-curves",
        help="the errors of nets over the epochs of their training",
        description=plot_learning_curves.DESCRIPTION,
    )
    plot_learning_curves.add_arguments(add)
    args = parser.parse_args(argv)
    if hasattr(args, "data"):
        _options.check_data(figures.choices[args.figure], args)
    return args


def _add_nets(parser, nargs=1):
    parser.add_argument(
        "nets",
        nargs=nargs,
        metavar="NET.pickle",
        help="a net of all points, or a set of specialists; loading it can run any "
        "code that its author put into it",
    )
    _options.add(parser, "--device")


def _add_faces(parser, which, index, nargs=None):
    _options.add(parser, *_options.DATA)
    text = index if nargs is None else " ".join(map(str, index))
    parser.add_argument(
        "--image",
        type=whole(0),
        nargs=nargs,
        metavar="INDEX",
        default=index,
        help=f"{which} (default: {text})",
    )


def read_faces(args, name, following=0):
    """Return the images asked for and as many that follow, and their labels.

    Images are in [0, 1], labels in [-1, 1], or None where they are not known: of the
    test set they are for drawn faces only.
    """
    named = args.image if isinstance(args.image, list) else [args.image]
    folder = _options.choose_folder(args, name)
    table = kfkd.data.read(name, folder)
    path = kfkd.data.find(name, folder)
    n = len(table.images)
    if max(named) >= n:
        raise DataError(
            f"{path} has {count(n, 'image')}, counted from 0: there is no image "
            f"{max(named)}"
        )
    after = named[-1] + 1
    indices = [*named, *range(after, min(n, after + following))]
    X = kfkd.data.scale_images(table.images[indices])
    if name == "training":
        return X, kfkd.data.from_pixels(table.labels[indices])
    from kfkd.prediction import scoring

    labels = scoring.find_labels(folder)
    if labels is None:
        return X, None
    known = scoring.read_labels(labels).reindex(
        index=table.ids[indices], columns=kfkd.data.COLUMNS
    )
    return X, kfkd.data.from_pixels(known.to_numpy())


def draw(args):
    """Return the Axes of the figure that the command line asks for."""
    if args.figure == "flip":
        X, y = read_faces(args, "training")
        return kfkd.plots.plot_flip(X[0], y[0])

    _options.choose_device(args)
    nets = _saved_nets.load_named(args.nets)
    name, net = next(iter(nets.items()))
    if args.figure == "weights":
        return kfkd.plots.plot_weights(net, n=args.units)
    if args.figure == "comparison":
        name = "training" if args.training else "test"
        X, y = read_faces(args, name)
        return kfkd.plots.plot_comparison(nets, X, range(len(X)), y=y)
    X, _ = read_faces(args, "test", DRAWN - 1)
    points = kfkd.data.from_pixels(kfkd.prediction.predict(net, X).to_numpy())
    return kfkd.plots.plot_predictions(X, points, title=f"Predictions of {name}")


def main(argv=None, prog=None):
    """Draw and save; return the exit status."""
    return _options.save_figure(parse_args(argv, prog))
