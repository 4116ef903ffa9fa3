"""What commands may write: one rule for every output of every command."""

import os
import pathlib

import kfkd
from kfkd.errors import StorageError
from kfkd.files import kinds

__all__ = ["check_output", "check_replaceable", "check_results"]


def check_output(path, kind, *, inputs=(), force=False, option="--out"):
    """Check, before any work, that a command may write a file, and can.

    It may never be one of the command's inputs, nor have the name of one of Kaggle's
    files. It replaces only a file of its own kind, or an empty one, unless `force`.

    Parameters
    ----------
    path : path
        Neither created nor changed.
    kind : kfkd.files.kinds.Kind
    inputs : sequence of path
        What the command reads.
    force : bool, default=False
        Whether a file of another kind may be replaced.
    option : str, default="--out"
        That which names it.

    Raises
    ------
    StorageError
        It may not, or cannot.
    """
    path = pathlib.Path(path)
    if any(map(kfkd.data.is_data_file, (path, os.path.realpath(path)))):
        raise StorageError(
            f"{path} has the name of one of the files that kfkd reads as data, or is a "
            f"link to one: name another {option}"
        )
    for name in inputs:
        if _same(path, name):
            raise StorageError(
                f"{path} is to be read, and would be written over: name another "
                f"{option}"
            )
    kfkd.storage.check_writable(path)
    check_replaceable(path, kind, force=force, option=option)


def check_replaceable(path, kind, *, force=False, option="--out"):
    """Check that a file is not there, empty, or of a kind; see `check_output`."""
    path = pathlib.Path(path)
    if force or not path.is_file():  # pipes and devices are written to
        return
    try:
        if kinds.is_of_kind(path, kind):
            return
    except FileNotFoundError:  # another process has removed it
        return
    except OSError as error:
        raise StorageError(
            f"whether {path} may be replaced is not known, as it cannot be read: "
            f"{error.strerror or error}"
        ) from error
    raise StorageError(
        f"{path} is there already, is not {kind.what}, and would be replaced: "
        f"name another {option}, or --force replaces it"
    )


def check_results(results, names, *, net=kinds.NET, force=False):
    """Check the files in a folder of results, as by `check_replaceable`.

    Parameters
    ----------
    results : kfkd.jobs.results.Results
    names : sequence of str
        Of those that may be made.
    net : kfkd.files.kinds.Kind
        What each of them is: a net, or a set of specialists.
    force : bool, default=False
    """
    for name in names:
        for path, kind in results.files(name, net).items():
            check_replaceable(path, kind, force=force)


def _same(path, other):
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)
