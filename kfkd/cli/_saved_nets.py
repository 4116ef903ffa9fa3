"""Arguments that name files of saved nets, and what follows from them."""

import contextlib
import glob
import os
import pathlib
import shlex
import sys
import warnings

import kfkd
from kfkd.choices import IMAGE_ENDINGS, NET_FORMATS, NETS
from kfkd.errors import StorageError

__all__ = [
    "DEFAULT_SET",
    "HELP",
    "SHIPPED",
    "SPECIALISTS",
    "add_net",
    "announce",
    "check_net",
    "check_saved",
    "choose_out",
    "is_image",
    "load_named",
    "named_by_data",
    "stands_for_images",
    "warn_of_photographs",
]

# The set that commands save and load by default: without its ending, and with it.
SPECIALISTS = "net-specialists"
DEFAULT_SET = SPECIALISTS + NET_FORMATS["pickle"]

SHIPPED = "modern, as it comes with kfkd"

HELP = (
    "a net of all points, or a set of specialists; a pickle can run any code that its "
    "author put into it, a file of arrays (.npz) cannot"
)


def add_net(parser, default=None):
    """Add the argument for a saved net, which is required if it has no default."""
    parser.add_argument(
        "net",
        nargs="?" if default else None,
        default=default,
        metavar="NET.pickle",
        help=HELP + (" (default: %(default)s)" if default else ""),
    )


def is_image(path):
    """Return whether a file is an image, by its name, or else by its content."""
    path = pathlib.Path(path)
    if path.suffix.lower() in IMAGE_ENDINGS:
        return True
    if kfkd.storage.has_ending(path) or not path.is_file():  # it may be a pipe
        return False
    from PIL import Image

    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of very large images
        Image.open(path).close()
        return True
    return False


def stands_for_images(path):
    """Return whether a name is that of an image, a folder, a pattern or a table.

    Of nets, the name is that of a file, or has one of their endings.
    """
    path = pathlib.Path(path)
    return (
        path.is_dir()
        or path.suffix.lower() == ".csv"
        or is_image(path)
        or (
            glob.has_magic(str(path))
            and not path.exists()
            and not kfkd.storage.has_ending(path)
        )
    )


def check_net(parser, net):
    """End with an error of `parser` if an image is given instead of a net."""
    if is_image(net):
        parser.error(f"{net} is an image, not a saved net")


def check_saved(path, default=None):
    """Raise StorageError if a saved net cannot be read, before any work is done.

    The message names the command that makes it, or a file of a similar name. `default`
    is the file that is read where none is named.
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


def announce(name, nets):
    """Say on standard error what loaded nets were trained on, if they know it."""
    from kfkd.training import provenance

    trained_on = provenance.describe(nets)
    if trained_on:
        print(f"Net: {name}, trained on {trained_on}", file=sys.stderr)


def warn_of_photographs(nets):
    """Warn on standard error that nets of drawn faces are to predict photographs."""
    from kfkd.training import provenance

    if provenance.is_of_drawn_faces(nets):
        print(
            "Note: it has seen drawn faces alone, and errs by more on photographs",
            file=sys.stderr,
        )


def named_by_data(nets):
    """Return nets by names that tell their data, if these are not the same."""
    from kfkd.training import provenance

    found = {name: provenance.data_of(net) for name, net in nets.items()}
    if len({*found.values()} - {""}) < 2:
        return nets
    return {
        f"{name}, {found[name]}" if found[name] else name: net
        for name, net in nets.items()
    }


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


def choose_out(parser, args, stem):
    """Set ``args.out``, by default to `stem` and the ending of the format.

    End with an error of `parser` if its ending is not that of the format.
    """
    ending = NET_FORMATS[args.format or "pickle"]
    args.out = args.out or pathlib.Path(stem + ending)
    if args.format and args.out.suffix.lower() != ending:
        parser.error(f"--format {args.format} needs a name that ends in {ending}")
    if (
        getattr(args, "half", False)
        and args.out.suffix.lower() != NET_FORMATS["arrays"]
    ):
        parser.error(f"--half needs a name that ends in {NET_FORMATS['arrays']}")
    # A folder is reported later, as for other files.
    if not kfkd.storage.has_ending(args.out) and not args.out.is_dir():
        parser.error(
            f"--out {args.out} ends in none of {', '.join(NET_FORMATS.values())}, the "
            "formats of nets"
        )


def load_named(paths, default=None):
    """Return saved nets by the names of their files, or by paths if two are the same.

    Raises
    ------
    StorageError
        As for ``kfkd.storage.load`` and `check_saved`, and if a file is named twice.
    """
    files = [os.path.realpath(path) for path in paths]
    for path, file in zip(paths, files, strict=True):
        if files.count(file) > 1:
            raise StorageError(f"{path} is named twice")
    for path in paths:
        check_saved(path, default)
    names = [pathlib.Path(path).stem for path in paths]
    if len(set(names)) < len(names):
        names = map(str, paths)
    return dict(zip(names, map(kfkd.storage.load, paths), strict=True))
