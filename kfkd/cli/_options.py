"""Options that several command lines have, and what follows from them."""

import sys
from collections.abc import Mapping

import kfkd
from kfkd.choices import PICTURE_FORMATS, PRECISIONS
from kfkd.cli._values import duration, every, jobs, one_of, picture, share, whole
from kfkd.errors import DataError, DeviceError, NoDataError
from kfkd.messages import count

__all__ = [
    "OUT_OF_TIME",
    "add_checkpoint_every",
    "add_data",
    "add_device",
    "add_jobs",
    "add_picture",
    "add_time_limit",
    "add_training",
    "check_data",
    "choose_device",
    "choose_folder",
    "print_held_out",
]

OUT_OF_TIME = 75  # which sysexits.h has for what may be tried again


def add_picture(parser, default):
    """Add ``--out`` for a picture."""
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=picture,
        default=default,
        help="the picture; its ending says the format: "
        f"{', '.join(PICTURE_FORMATS)} (default: %(default)s)",
    )


def add_device(parser):
    """Add ``--device``."""
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="cpu, cuda or cuda:N (default: KFKD_DEVICE, else the first CUDA GPU, else "
        "cpu)",
    )


def choose_device(args, choose=None):
    """Choose the device that ``--device`` names.

    Parameters
    ----------
    args : argparse.Namespace
        With ``device``.
    choose : callable, optional
        Called with the name; by default ``kfkd.xla.set_device``.

    Raises
    ------
    DeviceError
        There is no such device; the message names what has asked for it.
    """
    try:
        (choose or kfkd.xla.set_device)(args.device)
    except DeviceError as error:
        if args.device is None:
            raise
        raise DeviceError(f"--device: {error}") from error


def add_jobs(parser):
    """Add ``--jobs``, for the training of specialists."""
    parser.add_argument(
        "--jobs",
        type=jobs,
        metavar="N",
        help="how many specialists to train at the same time, -1 for as many as there "
        "are CPU cores (default: as many as there are GPUs; 1 on the CPU, all cores of "
        "which a single net keeps busy)",
    )


def add_training(parser):
    """Add ``--batch-size``, ``--seed``, ``--holdout`` and ``--precision``."""
    add = parser.add_argument
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
        "--holdout",
        type=share,
        metavar="SHARE",
        default=0.0,
        help="share of the rows of training.csv to keep out of training and "
        "validation, and to score by Kaggle's measure at the end; the same share "
        "always means the same rows (default: %(default)s)",
    )
    add(
        "--precision",
        type=one_of(PRECISIONS),
        metavar=f"{{{','.join(PRECISIONS)}}}",
        help="of products of float32: tensorfloat32 on GPUs (the CPU has float32 "
        "instead), float32 everywhere, or bfloat16, with weights in float32 (default: "
        "KFKD_PRECISION, else tensorfloat32)",
    )


def add_checkpoint_every(parser):
    """Add ``--checkpoint-every``."""
    parser.add_argument(
        "--checkpoint-every",
        type=every,
        metavar="WHEN",
        default="1m",
        help="save all that training depends on after so many epochs (100) or so much "
        "time (90s, 5m, 1h), or never (default: %(default)s)",
    )


def add_time_limit(parser):
    """Add ``--time-limit``."""
    parser.add_argument(
        "--time-limit",
        type=duration,
        metavar="TIME",
        help="end training in good order before so much time (50m, 2h) has passed; "
        f"the exit status is {OUT_OF_TIME} then (default: none)",
    )


def add_data(parser):
    """Add ``--data`` and ``--synthetic``."""
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        help="folder with Kaggle's files (default: KFKD_DATA, else where "
        "data/README.md says, else drawn faces)",
    )
    parser.add_argument(
        "--synthetic",
        action="store_true",
        help="take drawn faces instead (default: off)",
    )


def check_data(parser, args):
    """End with an error of `parser` if the two options of `add_data` are both set."""
    if args.data is not None and args.synthetic:
        parser.error("--data and --synthetic exclude each other")


def choose_folder(args, name="training", *, file=None, **sizes):
    """Return the folder of the data, saying which.

    A command line goes on with drawn faces where Kaggle's files are not found in the
    usual places, and says so.  Functions of the package never do this by themselves.

    Parameters
    ----------
    args : argparse.Namespace
        With ``data`` and ``synthetic``.
    name : str
        The table that is needed.
    file : file object, optional
        Where to say it, standard output by default.
    **sizes
        Of the drawn set, as for ``kfkd.faces.make``.

    Returns
    -------
    path or None
        None for the places where ``kfkd.data.find`` looks by itself.
    """
    file = file or sys.stdout
    if not args.synthetic:
        try:
            path = kfkd.data.find(name, args.data)
        except NoDataError:
            print(
                "Kaggle's files are not here (data/README.md says how to get them), so "
                "drawn faces take their place.",
                file=file,
            )
        except DataError as error:
            if args.data is None:
                raise
            raise DataError(f"--data: {error}") from error
        else:
            print(f"Data: {kfkd.faces.describe(path)}", file=file)
            return args.data
    soon = not sizes and kfkd.faces.find() is None
    first = "; to draw them takes up to a minute, this once" if soon else ""
    print(f"Data: drawn faces{first}", file=file, flush=True)
    return kfkd.faces.make(**sizes)


def print_held_out(nets, folder, holdout):
    """Print the score of nets on the rows that were held out.

    Parameters
    ----------
    nets : NeuralNet, or mapping of tuple of str to NeuralNet
    folder : path or None
    holdout : float
        As for ``kfkd.data.load_held_out``.
    """
    from kfkd.prediction import scoring

    X, y = kfkd.data.load_held_out(holdout, folder=folder)
    rows = count(len(X), "row")
    predicted = kfkd.data.COLUMNS
    if isinstance(nets, Mapping):
        given = {name for columns in nets for name in columns}
        predicted = [name for name in predicted if name in given]
        y = y[:, [kfkd.data.COLUMNS.index(name) for name in predicted]]
    if (y != y).all():  # NaN only
        print(f"None of the {rows} held out has labels to score against.\n")
        return
    print(
        f"On the {rows} held out:\n"
        f"{scoring.report(*scoring.evaluate(nets, X, y, predicted))}\n"
    )
