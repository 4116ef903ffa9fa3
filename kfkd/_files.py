"""Writing files so that none is ever left half-written."""

import contextlib
import os
import pathlib
import tempfile

__all__ = ["StorageError", "check_writable", "make_folder", "written_atomically"]


class StorageError(RuntimeError):
    """A file cannot be written, or is not what it should be."""


def check_writable(path):
    """Find out, before there is anything to lose, whether a file can be written.

    Parameters
    ----------
    path : path
        Neither made nor changed.

    Raises
    ------
    StorageError
        If its folder is missing or cannot be written to, or if it is a folder itself.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        raise StorageError(f"{path} cannot be written: it is a folder")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise StorageError(_complaint(path, error)) from error


def make_folder(path):
    """Make a folder, and those above it, unless it is there, to write files into.

    Parameters
    ----------
    path : path

    Raises
    ------
    StorageError
        If that is not possible, or nothing can be written there.
    """
    path = pathlib.Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder {path} cannot be made: {error.strerror or error}"
        ) from error
    check_writable(path / "file")


def _complaint(path, error):
    reason = error.strerror or error
    if not path.parent.is_dir():
        reason = f"there is no folder {path.parent}"
    return f"{path} cannot be written: {reason}"


@contextlib.contextmanager
def written_atomically(path):
    """Give the path of a new file that takes the place of *path* when complete.

    Parameters
    ----------
    path : path
        Keeps its old content, if any, until the ``with`` block has ended well.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    path = pathlib.Path(path)
    draft = None
    try:
        handle, draft = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        yield pathlib.Path(draft)
        with open(draft, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(draft, 0o666 & ~_umask())
        os.replace(draft, path)
        draft = None
    except OSError as error:
        raise StorageError(
            f"{_complaint(path, error)}; what was there before is unchanged"
        ) from error
    finally:
        if draft is not None:
            with contextlib.suppress(OSError):
                os.unlink(draft)


def _umask():
    umask = os.umask(0)
    os.umask(umask)
    return umask
