"""Write a submission for Kaggle from a saved net, or a set of specialists.

python scripts/submit.py net-specialists.pickle
"""

import argparse
import pathlib
import sys

from kfkd import data, faces, prediction, scoring, storage, submission, xla


def parse_args(argv=None):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description="Predict the images of test.csv and write what IdLookupTable.csv "
        "asks for in Kaggle's format."
    )
    add = parser.add_argument
    add(
        "net",
        metavar="NET.pickle",
        help="a net with 30 outputs, or a set of specialists; loading it can run any "
        "code that its author put into it",
    )
    add(
        "--data",
        metavar="FOLDER",
        help="folder with Kaggle's files (default: KFKD_DATA, else where "
        "data/README.md says)",
    )
    add(
        "--synthetic",
        action="store_true",
        help="answer for drawn faces (default: off)",
    )
    add(
        "--labels",
        metavar="FILE",
        help="a table of ImageId and columns to score the predictions against "
        "(default: test_labels.csv beside test.csv, if it is there, as with drawn "
        "faces)",
    )
    add(
        "--device",
        metavar="NAME",
        help="cpu, cuda or cuda:N (default: KFKD_DEVICE, else the first CUDA GPU, else "
        "cpu)",
    )
    add(
        "--out",
        metavar="FILE",
        type=pathlib.Path,
        help="where it goes (default: submission-<time>.csv in the current folder)",
    )
    args = parser.parse_args(argv)
    if args.data and args.synthetic:
        parser.error("--data and --synthetic exclude each other")
    return args


def find_labels(args, folder):
    """Return the path of the labels to score against, or None."""
    beside = data.find("test", folder).with_name("test_labels.csv")
    return args.labels or (beside if beside.is_file() else None)


def main(argv=None):
    """Predict, check, write, score; return the exit status."""
    args = parse_args(argv)
    path = args.out or submission.new_path()
    storage.check_writable(path)
    xla.set_device(args.device)
    folder = args.data
    if args.synthetic:
        print("Data: drawn faces; to draw them takes half a minute the first time")
        folder = faces.make()
    else:
        print(f"Data: {data.find('test', folder)}")
    lookup = submission.read_lookup(folder)
    labels_path = find_labels(args, folder)
    if labels_path:
        labels = scoring.asked_for(scoring.read_labels(labels_path), lookup)

    nets = storage.load(args.net)
    path, predictions = submission.submit(nets, folder, path)
    print(f"{len(lookup):,} locations are written to {path}")
    if labels_path:
        print(f"\nAgainst {labels_path}:\n{scoring.report(predictions, labels)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (
        data.DataError,
        prediction.PredictionError,
        storage.StorageError,
        xla.DeviceError,
        OSError,
    ) as error:
        sys.exit(f"submit.py: {error}")
    except KeyboardInterrupt:
        print("\nInterrupted.")
        sys.exit(130)
