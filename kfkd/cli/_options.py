"""Options that several command lines have, and what follows from them."""

import sys
from collections.abc import Mapping

import kfkd
from kfkd.choices import NET_FORMATS, PICTURE_FORMATS, PRECISIONS
from kfkd.cli import _outputs
from kfkd.cli._values import (
    duration,
    every,
    jobs,
    one_of,
    picture,
    positive,
    share,
    whole,
)
from kfkd.errors import DataError, DeviceError, NoDataError
from kfkd.files import kinds
from kfkd.messages import count

__all__ = [
    "DATA",
    "DRY_RUN",
    "FORCE_NETS",
    "OUT_OF_TIME",
    "TRAINING",
    "add",
    "check_data",
    "choose_device",
    "choose_folder",
    "print_held_out",
    "save_figure",
]

DRY_RUN = 200  # images
OUT_OF_TIME = 75  # which sysexits.h has for what may be tried again

# Of --force, where nets are written.
FORCE_NETS = "replace files of other kinds too, and keep no old net (default: off)"

DATA = ("--data", "--synthetic")
TRAINING = (
    "--seed",
    "--holdout",
    "--precision",
    "--checkpoint-every",
)
_OPTIONS = {
    "--data": dict(
        metavar="FOLDER",
        help="folder with Kaggle's files (default: KFKD_DATA, else where "
        "data/README.md says, else drawn faces)",
    ),
    "--synthetic": dict(
        action="store_true",
        help="take drawn faces instead (default: off)",
    ),
    "--device": dict(
        metavar="NAME",
        help="cpu, cuda or cuda:N (default: KFKD_DEVICE, else the first CUDA GPU, else "
        "cpu)",
    ),
    "--batch-size": dict(
        type=whole(1),
        metavar="N",
        default=128,
        help="images a step (default: %(default)s)",
    ),
    "--mirror": dict(
        action="store_true",
        help="average the predictions for each image and its mirror image; twice the "
        "work for smaller errors (default: as the net was defined)",
    ),
    "--seed": dict(
        type=whole(0, 2**32 - 1),
        metavar="N",
        default=42,
        help="of weights, dropout and flips (default: %(default)s)",
    ),
    "--holdout": dict(
        type=share,
        metavar="SHARE",
        default=0.0,
        help="share of the rows of training.csv to keep out of training and "
        "validation, and to score by Kaggle's measure at the end; the same share "
        "always means the same rows (default: %(default)s)",
    ),
    "--precision": dict(
        type=one_of(PRECISIONS),
        metavar=f"{{{','.join(PRECISIONS)}}}",
        help="of products of float32: tensorfloat32 on GPUs (the CPU has float32 "
        "instead), float32 everywhere, or bfloat16, with weights in float32 (default: "
        "KFKD_PRECISION, else tensorfloat32)",
    ),
    "--checkpoint-every": dict(
        type=every,
        metavar="WHEN",
        default="1m",
        help="save all that training depends on after so many epochs (100) or so much "
        "time (90s, 5m, 1h), or never (default: %(default)s)",
    ),
    "--time-limit": dict(
        type=duration,
        metavar="TIME",
        help="end training in good order before so much time (50m, 2h) has passed; "
        f"the exit status is {OUT_OF_TIME} then (default: none)",
    ),
    "--epochs-scale": dict(type=positive, metavar="FACTOR", default=1.0),
    "--jobs": dict(
        type=jobs,
        metavar="N",
        help="how many specialists to train at the same time, -1 for as many as there "
        "are CPU cores (default: as many as there are GPUs; 1 on the CPU, all cores of "
        "which a single net keeps busy)",
    ),
    "--log-every": dict(
        type=whole(1),
        metavar="N",
        default=100,
        help="print every N-th epoch and the last (default: %(default)s)",
    ),
    "--format": dict(
        type=one_of(NET_FORMATS),
        metavar=f"{{{','.join(NET_FORMATS)}}}",
        help="what the nets are saved as: a pickle, or arrays and JSON, which can be "
        "loaded without running code of the file (default: by the ending of --out, "
        + ", ".join(f"{end} for {name}" for name, end in NET_FORMATS.items())
        + ")",
    ),
    "--half": dict(
        action="store_true",
        help="store weights in half precision, for half the size; of files that end in "
        f"{NET_FORMATS['arrays']} (default: off)",
    ),
    "--dry-run": dict(
        action="store_true",
        help=f"one epoch on {DRY_RUN} images, no files written (default: off)",
    ),
    "--force": dict(
        action="store_true",
        help="replace a file of another kind too (default: off)",
    ),
    "--out": dict(
        metavar="FILE",
        type=picture,
        help="the picture; its ending says the format: "
        f"{', '.join(PICTURE_FORMATS)} (default: %(default)s)",
    ),
}


def add(parser, *names, **changes):
    """Add options by their names, with `changes` to how they are defined here."""
    for name in names:
        parser.add_argument(name, **_OPTIONS[name] | changes)


def choose_device(args, choose=None):
    """Choose the device that ``--device`` names, and ``--precision`` where it exists.

    `choose` takes the place of ``kfkd.xla.set_device``.

    Raises
    ------
    DeviceError, PrecisionError
        There is none of that name; the message names what has asked for it.
    """
    try:
        (choose or kfkd.xla.set_device)(args.device)
    except DeviceError as error:
        if args.device is None:
            raise
        raise DeviceError(f"--device: {error}") from error
    if "precision" in args:
        kfkd.xla.set_precision(args.precision)
    kfkd.xla.get_precision()  # KFKD_PRECISION may be wrong


def check_data(parser, args):
    """End with an error of `parser` if both of `DATA` are given."""
    if args.data is not None and args.synthetic:
        parser.error("--data and --synthetic exclude each other")


def choose_folder(args, name="training", *, file=None):
    """Return the folder of a table, or None for the usual places; print which it is.

    A command line takes drawn faces where Kaggle's files are not in the usual places,
    and says so.  Functions of the package never do this by themselves.
    """
    # Of the few that a dry run draws, DRY_RUN have all their labels.
    dry_run = getattr(args, "dry_run", False)
    sizes = dict(n_train=4 * DRY_RUN, n_test=16) if dry_run else {}
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
    """Print the score of a net, or of specialists, on the rows that were held out."""
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


def save_figure(args):
    """Save the figure that ``args.draw`` returns; return the exit status."""
    _outputs.check_output(
        args.out,
        kinds.FIGURE,
        inputs=getattr(args, "nets", []),
        force=args.force,
    )
    kfkd.plots.save_figure(args.draw(args), args.out)
    print(f"Drawn in {args.out}")
    return 0
