"""Names of files that hold nets."""

import contextlib
import os
import pathlib

from kfkd.choices import NET_FORMATS
from kfkd.errors import StorageError
from kfkd.messages import nearest

__all__ = ["check_readable", "read_bytes", "similar", "stem"]


def stem(path: str | os.PathLike[str]) -> str:
    """Return the name of a file of nets without its ending, for files beside it."""
    path = pathlib.Path(path)
    return path.stem if path.suffix in NET_FORMATS.values() else path.name


def similar(path: str | os.PathLike[str]) -> pathlib.Path | None:
    """Return the saved net whose name is nearest to that of a missing file, or None."""
    path, found = pathlib.Path(path), []
    with contextlib.suppress(OSError):
        names = {entry.name for entry in path.parent.iterdir()}
        found = sorted(n for n in names if n.endswith(tuple(NET_FORMATS.values())))
    forgotten = [f"{stem(path)}{ending}" for ending in NET_FORMATS.values()]
    forgotten = [name for name in forgotten if name in found]
    stems = {stem(name): name for name in found}
    name = forgotten[0] if forgotten else stems.get(nearest(stem(path), stems))
    return path.with_name(name) if name else None


def check_readable(path: str | os.PathLike[str]) -> None:
    """Check, before much work is done, that a saved net is there to be read.

    Parameters
    ----------
    path : path

    Raises
    ------
    StorageError
        If it is not; the message names a file of a similar name.
    """
    try:
        open(path, "rb").close()
    except OSError as error:
        raise _unreadable(path, error) from error


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a file that should hold a net.

    Raises
    ------
    StorageError
        As for `check_readable`.
    """
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path, error):
    near = similar(path) if isinstance(error, FileNotFoundError) else None
    hint = f" (did you mean {str(near)!r}?)" if near else ""
    return StorageError(f"{path} cannot be read: {error.strerror or error}{hint}")
