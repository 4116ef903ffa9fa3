"""Names of files that hold nets."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import BinaryIO

from kfkd.arguments import as_path
from kfkd.choices import NET_FORMATS
from kfkd.errors import StorageError
from kfkd.messages import nearest

__all__ = ["check_readable", "read_bytes", "similar", "stem"]


def stem(path: str | os.PathLike[str]) -> str:
    """Return the name of a net's file without its ending, to name files beside it."""
    path = as_path(path)
    return path.stem if path.suffix in NET_FORMATS.values() else path.name


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
