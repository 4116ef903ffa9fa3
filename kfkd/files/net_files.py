"""Files that hold nets: their names, and what their names promise."""

import contextlib
import errno
import os
import pathlib
import pickle
import select
import stat
from collections.abc import Iterator
from pickletools import code2op
from typing import BinaryIO

from kfkd.arguments import as_path
from kfkd.choices import NET_FORMATS
from kfkd.errors import StorageError
from kfkd.messages import nearest
from kfkd.process.memory import physical_memory

__all__ = [
    "check_readable",
    "has_ending",
    "holds_arrays",
    "is_for_arrays",
    "read_bytes",
    "similar",
    "stem",
]

_PATIENCE = 10  # seconds
_BLOCK = 1 << 20  # bytes


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
        named = as_path(path).with_name(stem(path) + NET_FORMATS["pickle"])
        what = "is a pickle" if content[:1] == pickle.PROTO else "holds no arrays"
        raise StorageError(
            f"{path} {what}, although its name says otherwise. A pickle can run code: "
            f"rename it to {named} if you trust its author"
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
    with _errors(path):
        mode = _mode(path)
        # To open and close a pipe would end what writes into it.
        if stat.S_ISFIFO(mode):
            if not os.access(path, os.R_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            open(path, "rb").close()


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a net's file, or what comes out of a pipe.

    Of what begins like no net, only the beginning is read.

    Raises
    ------
    StorageError
        As from `check_readable`; it is larger than half of the memory of this machine,
        which holds the content and the arrays in it; or nothing comes out of a pipe for
        10 seconds.
    """
    path, most = as_path(path), physical_memory() / 2
    try:
        with _errors(path):
            is_pipe = stat.S_ISFIFO(_mode(path))
            with _open_pipe(path) if is_pipe else open(path, "rb") as file:
                content = _read(file, most)
    except MemoryError:
        content = None
    if content is None:
        raise StorageError(
            f"{path} is too large to be loaded: more than half of the memory here. "
            "It is not a net that has been saved, or needs another machine"
        )
    return content


def _read(file: BinaryIO, most: float) -> bytes | None:
    """Return what `read_bytes` does; None if it is too much."""
    content = bytearray(file.read(_BLOCK))
    if content[:2] != b"PK" and content[:1].decode("latin-1") not in code2op:
        return bytes(content)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        if os.fstat(file.fileno()).st_size > most:
            return None
        file.seek(0)
        return file.read()
    while block := file.read(_BLOCK):
        content += block
        if len(content) > most:
            return None
    return bytes(content)


def _mode(path: pathlib.Path) -> int:
    mode = os.stat(path).st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "it is a device")
    return mode


def _open_pipe(path: pathlib.Path) -> BinaryIO:
    """Open a pipe out of which something comes."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # also if nothing writes yet
    if not select.select([handle], [], [], _PATIENCE)[0]:
        os.close(handle)
        raise TimeoutError(
            errno.ETIMEDOUT, f"nothing came out of the pipe for {_PATIENCE} seconds"
        )
    os.set_blocking(handle, True)
    return open(handle, "rb")


@contextlib.contextmanager
def _errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise OSErrors of the block as StorageErrors that suggest a file."""
    path = as_path(path)
    try:
        yield
    except OSError as error:
        near = similar(path) if isinstance(error, FileNotFoundError) else None
        hint = f" (did you mean {str(near)!r}?)" if near else ""
        raise StorageError(
            f"{path} cannot be read: {error.strerror or error}{hint}"
        ) from error
