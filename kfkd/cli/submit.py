"""Write a submission for Kaggle from a saved net, or a set of specialists."""

import argparse
import pathlib

import kfkd
from kfkd._words import count
from kfkd.cli import options


def parse_args(argv=None, prog=None):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Predict the images of test.csv and write what IdLookupTable.csv "
        "asks for in Kaggle's format.",
    )
    add = parser.add_argument
    options.add_net(parser, default="net-specialists.pickle")
    options.add_data(parser)
    add(
        "--labels",
        metavar="FILE",
        help="a table of ImageId and columns to score the predictions against "
        "(default: test_labels.csv beside test.csv, if it is there, as with drawn "
        "faces)",
    )
    options.add_device(parser)
    add(
        "--out",
        metavar="FILE",
        type=pathlib.Path,
        help="where it goes (default: submission-<time>.csv in the current folder)",
    )
    args = parser.parse_args(argv)
    options.check_data(parser, args)
    return args


def find_labels(args, folder):
    """Return the path of the labels to score against, or None."""
    beside = kfkd.data.find("test", folder).with_name("test_labels.csv")
    return args.labels or (beside if beside.is_file() else None)


def main(argv=None, prog=None):
    """Predict, check, write, score; return the exit status."""
    args = parse_args(argv, prog)
    path = args.out or kfkd.submission.new_path()
    kfkd.storage.check_writable(path)
    kfkd.storage.check_readable(args.net)
    kfkd.xla.set_device(args.device)
    folder = options.choose_folder(args, "test")
    lookup = kfkd.submission.read_lookup(folder)
    labels_path = find_labels(args, folder)
    if labels_path:
        labels = kfkd.scoring.asked_for(kfkd.scoring.read_labels(labels_path), lookup)

    nets = kfkd.storage.load(args.net)
    path, predictions = kfkd.submission.submit(nets, folder, path)
    print(f"{count(len(lookup), 'location')} written to {path}")
    if labels_path:
        print(f"\nAgainst {labels_path}:\n{kfkd.scoring.report(predictions, labels)}")
    return 0
