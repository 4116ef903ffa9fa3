"""Files that hold nets: their names, and what their names promise."""

import contextlib
import os
import pathlib
import pickle
from collections.abc import Iterator
from typing import BinaryIO

from kfkd.arguments import as_path
from kfkd.choices import NET_FORMATS
from kfkd.errors import StorageError
from kfkd.messages import nearest

__all__ = [
    "check_readable",
    "has_ending",
    "holds_arrays",
    "is_for_arrays",
    "read_bytes",
    "similar",
    "stem",
]


def has_ending(path: str | os.PathLike[str]) -> bool:
    """Return whether a name ends as those of nets do, in letters of any case."""
    return as_path(path).suffix.lower() in NET_FORMATS.values()


def is_for_arrays(path: str | os.PathLike[str]) -> bool:
    """Return whether a name is that of a file of arrays, which runs no code."""
    return as_path(path).name.lower().endswith(NET_FORMATS["arrays"])


def holds_arrays(path: str | os.PathLike[str], content: bytes) -> bool:
    """Return whether a file holds arrays, rather than a pickle.

    Raises
    ------
    StorageError
        It does not, although its name says so: a pickle can run code.
    """
    if content[:2] == b"PK":
        return True
    if is_for_arrays(path):
        if not content:
            raise StorageError(f"{path} is empty")
        what = "is a pickle" if content[:1] == pickle.PROTO else "holds no arrays"
        raise StorageError(
            f"{path} {what}, although its name says otherwise. A pickle can run code: "
            f"rename it to {stem(path)}{NET_FORMATS['pickle']} if you trust its author"
        )
    return False


def stem(path: str | os.PathLike[str]) -> str:
    """Return the name of a net's file without its ending, to name files beside it."""
    path = as_path(path)
    return path.stem if has_ending(path) else path.name


def similar(path: str | os.PathLike[str]) -> pathlib.Path | None:
    """Return the saved net whose name is nearest to that of a missing file, or None."""
    path, stems = as_path(path), {}
    with contextlib.suppress(OSError):
        for ending in reversed(NET_FORMATS.values()):  # the first one counts most
            stems |= {stem(p): p for p in sorted(path.parent.glob(f"*{ending}"))}
    name = stem(path)
    return stems.get(name) or stems.get(nearest(name, stems))


def check_readable(path: str | os.PathLike[str]) -> None:
    """Check, before long work begins, that the file of a saved net can be read.

    Parameters
    ----------
    path : path

    Raises
    ------
    StorageError
        It cannot be read; the message suggests a file of a similar name.
    """
    with _opened(path):
        pass


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a net's file; errors are those of `check_readable`."""
    with _opened(path) as file:
        return file.read()


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    path = as_path(path)
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        near = similar(path) if isinstance(error, FileNotFoundError) else None
        hint = f" (did you mean {str(near)!r}?)" if near else ""
        raise StorageError(
            f"{path} cannot be read: {error.strerror or error}{hint}"
        ) from error
