"""Old files that are kept beside those that replace them."""

import contextlib
import itertools
import os
import pathlib
import shutil
from collections.abc import Iterator

from kfkd.errors import StorageError

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["keep_old", "locked_folder", "move_aside"]


def _names(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield names for an old file: ``net6.old.pickle``, ``net6.old2.pickle`` ..."""
    for number in itertools.count(1):
        mark = ".old" if number == 1 else f".old{number}"
        yield path.with_name(f"{path.stem}{mark}{path.suffix}")


def keep_old(path: pathlib.Path) -> pathlib.Path | None:
    """Give a file a second name, which no other has, before it is replaced.

    Returns
    -------
    pathlib.Path or None
        The name: ``net6.old.pickle`` for ``net6.pickle``, or ``net6.old2.pickle`` ...
        where others have these names.  None if the file is gone.

    Raises
    ------
    StorageError
        It cannot be kept.
    """
    for old in _names(path):
        try:
            _link(path, old)
        except FileExistsError:
            continue
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(
                f"{path} cannot be kept as {old}: {error.strerror or error}; it is "
                "unchanged"
            ) from error
        return old
    raise AssertionError


@contextlib.contextmanager
def locked_folder(path: pathlib.Path) -> Iterator[None]:
    """Keep and replace a file while no other process does so in its folder.

    Otherwise, two that save at the same time might both see no file to keep.  Where
    there are no locks, as on Windows, they still might.
    """
    with contextlib.ExitStack() as stack:
        if fcntl and (path.is_file() or not path.exists()):
            with contextlib.suppress(OSError):
                folder = os.open(path.parent, os.O_RDONLY)
                stack.callback(os.close, folder)
                fcntl.flock(folder, fcntl.LOCK_EX)
                # Not by closing alone: a process that was forked meanwhile has it, too.
                stack.callback(fcntl.flock, folder, fcntl.LOCK_UN)
        yield


def _link(path: pathlib.Path, name: pathlib.Path) -> None:
    try:
        os.link(path, name)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # a file system without links
        with open(name, "xb") as to:
            try:
                with open(path, "rb") as file:
                    shutil.copyfileobj(file, to)
            except BaseException:
                name.unlink()
                raise


def move_aside(path: pathlib.Path) -> pathlib.Path | None:
    """Move a file to a name as for `keep_old`, and return that; errors are the same."""
    old = keep_old(path)
    path.unlink(missing_ok=True)
    return old
