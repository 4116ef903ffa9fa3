"""Train a net of the tutorial and pickle it.

python scripts/train.py net6
"""

import argparse
import pathlib
import sys
import time

import numpy as np
from sklearn.metrics import mean_squared_error

from kfkd import data, faces, nets, plots, storage, xla


def parse_args(argv=None):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description="Train a net of the tutorial and pickle it. Ctrl-C ends training "
        "and saves what has been learnt."
    )
    add = parser.add_argument
    add("net", choices=nets.NETS, metavar="NET", help=", ".join(nets.NETS))
    add(
        "--data",
        metavar="FOLDER",
        help="folder with Kaggle's files (default: KFKD_DATA, else where data/README.md "
        "says, else drawn faces)",
    )
    add(
        "--synthetic",
        action="store_true",
        help="train on drawn faces (default: only without Kaggle's files)",
    )
    add(
        "--epochs",
        type=_positive,
        metavar="N",
        help="how many; schedules are stretched to them (default: as in the tutorial)",
    )
    add(
        "--batch-size",
        type=_positive,
        metavar="N",
        default=128,
        help="images a step (default: %(default)s)",
    )
    add(
        "--seed",
        type=_seed,
        metavar="N",
        default=42,
        help="of weights, dropout and flips (default: %(default)s)",
    )
    add(
        "--device",
        metavar="NAME",
        help="cpu, cuda or cuda:N (default: KFKD_DEVICE, else the first CUDA GPU, else "
        "cpu)",
    )
    add(
        "--log-every",
        type=_positive,
        metavar="N",
        default=1,
        help="print every N-th epoch (default: %(default)s)",
    )
    add(
        "--out",
        metavar="FILE",
        type=pathlib.Path,
        help="where the net goes, and beside it, ending in .png, a picture of its "
        "predictions (default: NET.pickle)",
    )
    add(
        "--dry-run",
        action="store_true",
        help="one epoch on 200 images, nothing written (default: off)",
    )
    args = parser.parse_args(argv)
    if args.data and args.synthetic:
        parser.error("--data and --synthetic exclude each other")
    return args


def _positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _seed(text):
    number = int(text)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not in 0 ... 2**32 - 1")
    return number


def choose_folder(args):
    """Return the folder of the data, None for where they usually are; saying which."""
    if args.synthetic:
        print("Data: drawn faces (this takes half a minute when they are first drawn)")
        return faces.make()
    try:
        print(f"Data: {data.find('training', args.data)}")
    except data.NoDataError:
        print(
            "Data: Kaggle's files are not here (data/README.md says how to get them), so "
            "these are drawn faces.\nDrawing them takes half a minute the first time."
        )
        return faces.make()
    return args.data


def main(argv=None):
    """Train, report, save, draw; return the exit status."""
    args = parse_args(argv)
    out = args.out or pathlib.Path(f"{args.net}.pickle")
    if not out.parent.is_dir():
        raise storage.StorageError(f"--out: there is no folder {out.parent}")
    if args.device:
        xla.set_device(args.device)
    folder = choose_folder(args)

    net = nets.make(args.net).seed(args.seed)
    net.log_every = args.log_every
    net.max_epochs = args.epochs or net.max_epochs
    net.batch_iterator_train.batch_size = args.batch_size
    net.batch_iterator_test.batch_size = args.batch_size
    load = data.load if args.net == "net1" else data.load2d
    X, y = load(folder=folder)
    print(f"X.shape == {X.shape}; X.min == {X.min():.3f}; X.max == {X.max():.3f}")
    print(f"y.shape == {y.shape}; y.min == {y.min():.3f}; y.max == {y.max():.3f}\n")
    if args.dry_run:
        X, y, net.max_epochs = X[:200], y[:200], 1

    start = time.perf_counter()
    net.fit(X, y)
    seconds = time.perf_counter() - start
    if not net.train_history_:
        print("Interrupted before the first epoch ended: there is nothing to save.")
        return 130
    report(net, X, y, seconds)
    if args.dry_run:
        print("Dry run: nothing is written.")
        return 0
    storage.save(net, out)
    print(f"The net is saved in {out}")
    try:
        X_test, _ = load(test=True, folder=folder)
    except data.DataError as error:
        print(f"No picture of predictions, as there is no test set: {error}")
    else:
        picture = out.with_suffix(".png")
        figure = plots.plot_predictions(X_test[:16], net.predict(X_test[:16]))
        plots.save_figure(figure, picture)
        print(f"Its predictions for 16 test faces are drawn in {picture}")
    return 130 if net.interrupted_ else 0


def report(net, X, y, seconds):
    """Print what the training has come to."""
    history = net.train_history_
    best = min(history, key=lambda row: row["valid_loss"])
    X_train, _, y_train, _ = net.train_split(X, y, net)
    train = mean_squared_error(y_train, net.predict(X_train))
    per_epoch = seconds / len(history)
    if net.interrupted_:
        print("\nInterrupted.", end="")
    print(
        f"\nBest validation loss {best['valid_loss']:.6f} at epoch {best['epoch']}: "
        f"RMSE {48 * np.sqrt(best['valid_loss']):.3f} pixels\n"
        f"Train loss without dropout {train:.6f}\n"
        f"{len(history)} epochs in {seconds:.1f} s, {per_epoch:.3f} s each, "
        f"on {xla.describe_device()}"
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (data.DataError, storage.StorageError, xla.DeviceError) as error:
        sys.exit(f"train.py: {error}")
