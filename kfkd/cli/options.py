"""Options that several command lines have, and what follows from them."""

import argparse
import math
import os
import pathlib
import shlex
import sys
from collections.abc import Mapping

import kfkd
from kfkd._words import count
from kfkd.choices import NET_FORMATS, NETS, PICTURE_FORMATS, PRECISIONS
from kfkd.cli._parser import one_of
from kfkd.errors import DataError, DeviceError, NoDataError, StorageError

__all__ = [
    "DEFAULT_SET",
    "OUT_OF_TIME",
    "SPECIALISTS",
    "add_checkpoint_every",
    "add_data",
    "add_device",
    "add_format",
    "add_jobs",
    "add_net",
    "add_picture",
    "add_time_limit",
    "add_training",
    "check_data",
    "check_net",
    "check_saved",
    "choose_device",
    "choose_folder",
    "choose_out",
    "load_named",
    "picture",
    "positive",
    "print_held_out",
    "share",
    "table",
    "whole",
]

# The set that commands make and take by default, without the ending of its name, and
# with it.
SPECIALISTS = "net-specialists"
DEFAULT_SET = SPECIALISTS + NET_FORMATS["pickle"]

OUT_OF_TIME = 75  # which sysexits.h has for what may be tried again


def whole(least, most=None):
    """Return a function that takes a text for a whole number within bounds."""

    def parse(text):
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number"
            ) from None
        if number < least or (most is not None and number > most):
            bounds = f"at least {least}" + (f", at most {most}" if most else "")
            raise argparse.ArgumentTypeError(f"{text} is not {bounds}")
        return number

    return parse


def picture(text):
    """Take a text for the path of a picture, in a format that can be written."""
    path = pathlib.Path(text)
    if path.suffix.lower() not in PICTURE_FORMATS:
        raise argparse.ArgumentTypeError(
            f"{path} ends in none of {', '.join(PICTURE_FORMATS)}"
        )
    return path


def table(text):
    """Take a text for the path of a table as CSV."""
    path = pathlib.Path(text)
    pipe = path.exists() and not path.is_file()  # or a device, or a folder
    if path.suffix.lower() != ".csv" and not pipe:
        raise argparse.ArgumentTypeError(f"{path} does not end in .csv")
    return path


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


def positive(text):
    """Take a text for a number greater than 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not greater than 0")
    return number


def share(text):
    """Take a text for a share from 0 to less than 1."""
    number = _number(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to less than 1")
    return number


def _number(text):
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def add_net(parser, default=None):
    """Add the file of a saved net, which must be named if there is no default."""
    parser.add_argument(
        "net",
        nargs="?" if default else None,
        default=default,
        metavar="NET.pickle",
        help="a net with 30 outputs, or a set of specialists; a pickle can run any "
        "code that its author put into it, a file of arrays (.npz) cannot"
        + (" (default: %(default)s)" if default else ""),
    )


def check_saved(path, default=None):
    """Find out early whether a saved net can be read.

    Parameters
    ----------
    path : path
    default : str, optional
        What is taken where no net is named.

    Raises
    ------
    StorageError
        If not; the message says which command makes it, or which name is near.
    """
    near, command = kfkd.storage.similar(path), _maker(path)
    forgotten = near and kfkd.storage.stem(near) == kfkd.storage.stem(path)
    if command and not forgotten and not os.path.exists(path):
        missing = f"there is no {path}"
        if str(path) == default:
            raise StorageError(
                f"{missing}, the default: `{command}` makes it, or name another net"
            )
        raise StorageError(f"{missing}; `{command}` makes it")
    kfkd.storage.check_readable(path)


def _maker(path):
    """Return the command that makes a file of this name, or None."""
    stem = kfkd.storage.stem(path)
    if stem != SPECIALISTS and stem not in NETS:
        return None
    command = ["kfkd", "fit-specialists"]
    if stem in NETS:
        command = ["kfkd", "train", stem]
    if str(path) not in (stem, stem + NET_FORMATS["pickle"]):
        command += ["--out", str(path)]
    return shlex.join(command)


_IMAGES = (".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff")
_IMAGES += (".webp",)


def check_net(parser, net, images=None):
    """End with an error of `parser` if net and images are not in their places.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    net : str
    images : list of str, optional
        What follows it, if anything may.
    """
    endings = NET_FORMATS.values()
    nets = [path for path in images or () if pathlib.Path(path).suffix in endings]
    if pathlib.Path(net).suffix.lower() in _IMAGES:
        if images is None:
            parser.error(f"{net} is an image, not a saved net")
        name = nets[0] if nets else "NET.pickle"
        rest = shlex.join(path for path in (net, *images) if path not in nets)
        parser.error(
            f"{net} is an image; the net comes first: {parser.prog} {name} {rest}"
        )
    if nets:
        parser.error(f"{nets[0]} is a saved net, not an image; one net is taken")
    for path in images or ():
        if pathlib.Path(path).is_dir():
            parser.error(f"{path} is a folder; name the images in it, as in {path}/*")
        if pathlib.Path(path).suffix.lower() == ".csv":
            folder = pathlib.Path(path).parent
            parser.error(
                f"{path} is a table, not an image; --data {folder} predicts the images "
                "of its test.csv"
            )


def add_format(parser):
    """Add ``--format``, of the file of nets that ``--out`` names."""
    parser.add_argument(
        "--format",
        type=one_of(NET_FORMATS),
        metavar=f"{{{','.join(NET_FORMATS)}}}",
        help="what the nets are saved as: a pickle, or arrays and JSON, which can be "
        "loaded without running code of the file (default: by the ending of --out, "
        + ", ".join(f"{end} for {name}" for name, end in NET_FORMATS.items())
        + ")",
    )


def choose_out(parser, args, stem):
    """Set ``args.out`` if it is not given, or see that it is of the format asked for.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    args : argparse.Namespace
    stem : str
        The name of the file without its ending, if it is not given.
    """
    ending = NET_FORMATS[args.format or "pickle"]
    args.out = args.out or pathlib.Path(stem + ending)
    if args.format and args.out.suffix != ending:
        parser.error(f"--format {args.format} needs a name that ends in {ending}")
    # Of a folder it is said later, as for other files, that it is one.
    if args.out.suffix not in NET_FORMATS.values() and not args.out.is_dir():
        parser.error(
            f"--out {args.out} ends in none of {', '.join(NET_FORMATS.values())}, the "
            "formats of nets"
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
        type=_jobs,
        metavar="N",
        help="how many specialists to train at the same time, -1 for as many as there "
        "are CPU cores (default: as many as there are GPUs; 1 on the CPU, all cores of "
        "which a single net keeps busy)",
    )


def _jobs(text):
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not number:
        raise argparse.ArgumentTypeError("0 is not a number of jobs")
    return number


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


_UNITS = {"s": 1 / 60, "m": 1, "h": 60}


def duration(text):
    """Take a text such as 90s, 30m or 1.5h for a time in minutes."""
    number, unit = text[:-1], text[-1:]
    try:
        minutes = float(number) * _UNITS[unit]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time such as 90s, 30m or 1.5h"
        ) from None
    if not 0 < minutes < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not greater than 0")
    return minutes


def _every(text):
    if text == "never":
        return {}
    if text.isdecimal():
        return {"epochs": whole(1)(text)}
    try:
        return {"minutes": duration(text)}
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of epochs such as 100, a time such as 90s, 5m "
            "or 1h, or never"
        ) from None


def add_checkpoint_every(parser):
    """Add ``--checkpoint-every``."""
    parser.add_argument(
        "--checkpoint-every",
        type=_every,
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


def load_named(paths, default=None):
    """Load saved nets, named after their files.

    Parameters
    ----------
    paths : list of path
    default : str, optional
        As for `check_saved`.

    Returns
    -------
    dict of str to NeuralNet or set of specialists
        A file's name without its ending, or all of its path where two have the same.

    Raises
    ------
    StorageError
        As for ``kfkd.storage.load``, and if a file is named twice.
    """
    files = [os.path.realpath(path) for path in paths]
    for path, file in zip(paths, files, strict=True):
        if files.count(file) > 1:
            raise StorageError(f"{path} is named twice")
    for path in paths:
        check_saved(path, default)
    stems = [pathlib.Path(path).stem for path in paths]
    names = stems if len(set(stems)) == len(paths) else paths
    return {
        str(name): kfkd.storage.load(path)
        for name, path in zip(names, paths, strict=True)
    }


def print_held_out(nets, folder, holdout):
    """Print the score of nets on the rows that were held out.

    Parameters
    ----------
    nets : NeuralNet, or mapping of tuple of str to NeuralNet
    folder : path or None
    holdout : float
        As for ``kfkd.data.load_held_out``.
    """
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
        f"{kfkd.scoring.report(*kfkd.scoring.evaluate(nets, X, y, predicted))}\n"
    )
