"""Arguments that name files of saved nets, and what follows from them."""

import os
import pathlib
import shlex

import kfkd
from kfkd.choices import NET_FORMATS, NETS
from kfkd.cli._values import one_of
from kfkd.errors import StorageError

__all__ = [
    "DEFAULT_SET",
    "SPECIALISTS",
    "add_format",
    "add_net",
    "check_net",
    "check_saved",
    "choose_out",
    "load_named",
]

# The set that commands make and take by default, without the ending of its name, and
# with it.
SPECIALISTS = "net-specialists"
DEFAULT_SET = SPECIALISTS + NET_FORMATS["pickle"]

_IMAGES = (".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff")
_IMAGES += (".webp",)


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


def check_saved(path, default=None):
    """Raise StorageError early if a saved net cannot be read.

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
