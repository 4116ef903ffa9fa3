"""Train a net of the tutorial and pickle it.

python scripts/train.py net6
"""

import argparse
import pathlib
import statistics
import sys

import numpy as np
from sklearn.metrics import mean_squared_error

from kfkd import data, faces, nets, plots, storage, xla

DRY_RUN = 200  # images


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
        help="folder with Kaggle's files (default: KFKD_DATA, else where "
        "data/README.md says, else drawn faces)",
    )
    add(
        "--synthetic",
        action="store_true",
        help="train on drawn faces (default: only without Kaggle's files)",
    )
    add(
        "--epochs",
        type=whole(1),
        metavar="N",
        help="how many; schedules are stretched to them (default: as in the tutorial)",
    )
    add(
        "--batch-size",
        type=whole(1),
        metavar="N",
        default=128,
        help="images a step (default: %(default)s)",
    )
    add(
        "--seed",
        type=whole(0, 2**32 - 1),
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
        type=whole(1),
        metavar="N",
        default=1,
        help="print every N-th epoch and the last (default: %(default)s)",
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
        help=f"one epoch on {DRY_RUN} images, no files written (default: off)",
    )
    args = parser.parse_args(argv)
    if args.data and args.synthetic:
        parser.error("--data and --synthetic exclude each other")
    args.out = args.out or pathlib.Path(f"{args.net}.pickle")
    if args.out.suffix == ".png":
        parser.error("--out names the file of the net; the picture goes beside it")
    return args


def whole(least, most=None):
    """Return a function that takes a text for a whole number within bounds."""

    def parse(text):
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        if number < least or (most is not None and number > most):
            bounds = f"at least {least}" + (f", at most {most}" if most else "")
            raise argparse.ArgumentTypeError(f"{text} is not {bounds}")
        return number

    return parse


def choose_folder(args):
    """Return the folder of the data, None for where they usually are; saying which."""
    if not args.synthetic:
        try:
            print(f"Data: {data.find('training', args.data)}")
            return args.data
        except data.NoDataError:
            print(
                "Kaggle's files are not here (data/README.md says how to get them), so "
                "the net trains on drawn faces."
            )
    message = "Data: drawn faces; to draw them takes half a minute the first time"
    print(message, flush=True)
    # For a dry run, enough that DRY_RUN of them have all their labels.
    return faces.make(n_train=4 * DRY_RUN, n_test=16) if args.dry_run else faces.make()


def main(argv=None):
    """Train, save, report, draw; return the exit status."""
    args = parse_args(argv)
    storage.check_writable(args.out)
    xla.set_device(args.device)
    folder = choose_folder(args)

    net = nets.make(args.net, log_every=args.log_every).seed(args.seed)
    net.max_epochs = args.epochs or net.max_epochs
    net.batch_iterator_train.batch_size = args.batch_size
    net.batch_iterator_test.batch_size = args.batch_size
    load = data.load if len(net.input_shape) == 2 else data.load2d
    X, y = load(folder=folder)
    print(f"X.shape == {X.shape}; X.min == {X.min():.3f}; X.max == {X.max():.3f}")
    print(f"y.shape == {y.shape}; y.min == {y.min():.3f}; y.max == {y.max():.3f}\n")
    if args.dry_run:
        X, y, net.max_epochs = X[:DRY_RUN], y[:DRY_RUN], 1

    net.fit(X, y)
    if not net.train_history_:
        print("Interrupted before the first epoch ended: there is nothing to save.")
        return 130
    if not args.dry_run:
        storage.save(net, args.out)
    report(net, X, y)
    if args.dry_run:
        print("Dry run: no files are written.")
    else:
        print(f"The net is saved in {args.out}")
        draw_predictions(net, folder, args.out.with_suffix(".png"))
    return 130 if net.interrupted_ else 0


def report(net, X, y):
    """Print what the training has come to."""
    losses = [row["valid_loss"] for row in net.train_history_]
    seconds = [row["dur"] for row in net.train_history_]
    best = np.argmin(np.nan_to_num(losses, nan=np.inf))
    X_train, _, y_train, _ = net.train_split(X, y, net)
    train = mean_squared_error(y_train, net.predict(X_train))
    print("\nInterrupted." if net.interrupted_ else "")
    print(
        f"Best validation loss {losses[best]:.6f} at epoch {best + 1}: "
        f"RMSE {48 * np.sqrt(losses[best]):.3f} pixels\n"
        f"Train loss without dropout {train:.6f}\n"
        f"{len(seconds)} epochs in {sum(seconds):.1f} s, "
        f"median {statistics.median(seconds):.3f} s, on {xla.describe_device()}"
    )


def draw_predictions(net, folder, path):
    """Save a picture of what a net predicts for the first 16 test faces."""
    try:
        images = data.read("test", folder).images[:16]
    except data.DataError as error:
        print(f"No picture of predictions, as there is no test set: {error}")
        return
    X = (images / np.float32(255)).reshape(-1, *net.input_shape[1:])
    plots.save_figure(plots.plot_predictions(X, net.predict(X)), path)
    print(f"Its predictions for {len(X)} test faces are drawn in {path}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (data.DataError, storage.StorageError, xla.DeviceError, OSError) as error:
        sys.exit(f"train.py: {error}")
    except KeyboardInterrupt:
        print("\nInterrupted.")
        sys.exit(130)
