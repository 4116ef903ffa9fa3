"""Write a submission for Kaggle from a saved net, or a set of specialists."""

import shlex
from collections.abc import Mapping

import kfkd
from kfkd.cli import _options, _outputs, _saved_nets, _values
from kfkd.cli._parser import Parser
from kfkd.errors import PredictionError
from kfkd.files import kinds
from kfkd.messages import count


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = Parser(
        prog=prog,
        description="Predict the images of test.csv and write what IdLookupTable.csv "
        "asks for in Kaggle's format.",
    )
    add = parser.add_argument
    _saved_nets.add_net(parser, default=_saved_nets.DEFAULT_SET)
    _options.add(parser, *_options.DATA)
    add(
        "--labels",
        metavar="FILE",
        help="a table of ImageId and columns to score the predictions against "
        "(default: test_labels.csv beside test.csv, if it is there, as with drawn "
        "faces)",
    )
    _options.add(parser, "--mirror", "--device")
    add(
        "--out",
        metavar="FILE",
        type=_values.table,
        help="where it goes (default: submission-<time>.csv in the current folder)",
    )
    _options.add(parser, "--force")
    args = parser.parse_args(argv)
    _options.check_data(parser, args)
    _saved_nets.check_net(parser, args.net)
    return args


def check_complete(nets, path):
    """Raise PredictionError if some of the tutorial's specialists are missing."""
    from kfkd.specialists.settings import find_missing

    missing = find_missing(nets) if isinstance(nets, Mapping) else ()
    if missing:
        command = ["kfkd", "fit-specialists"]
        command += [] if path == _saved_nets.DEFAULT_SET else ["--out", path]
        raise PredictionError(
            f"{path} holds {len(nets)} of {len(nets) + len(missing)} specialists. To "
            f"train the others ({', '.join(missing)}), do `{shlex.join(command)}` with "
            "the net and options that it was made with, but without --only"
        )


def main(argv=None, prog=None):
    """Predict, check, write, score; return the exit status."""
    args = parse_args(argv, prog)
    from kfkd.prediction import scoring, submission

    path = args.out or submission.new_path()
    _outputs.check_output(
        path,
        kinds.SUBMISSION,
        inputs=[args.net, *filter(None, [args.labels])],
        force=args.force,
    )
    _saved_nets.check_saved(args.net, default=_saved_nets.DEFAULT_SET)
    _options.choose_device(args)
    nets = kfkd.storage.load(args.net)
    check_complete(nets, args.net)
    _saved_nets.announce(args.net, nets)
    folder = _options.choose_folder(args, "test")
    lookup = submission.read_lookup(folder)
    labels_path = args.labels or scoring.find_labels(folder)
    if labels_path:
        labels = scoring.asked_for(scoring.read_labels(labels_path), lookup)

    path, predictions = submission.submit(nets, folder, path, mirror=args.mirror)
    print(f"{count(len(lookup), 'location')} written to {path}")
    if kfkd.faces.is_drawn(kfkd.data.find("test", folder)):
        print("They are of drawn faces, which Kaggle does not know.")
    else:
        _saved_nets.warn_of_photographs(nets)
    if labels_path:
        print(f"\nAgainst {labels_path}:\n{scoring.report(predictions, labels)}")
    return 0
