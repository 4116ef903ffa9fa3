"""Atomic writes: a file is complete or unchanged."""

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile

from kfkd.arguments import as_path
from kfkd.errors import StorageError

__all__ = ["check_writable", "make_folder", "written_atomically"]


def check_writable(path):
    """Check, before long work begins, that a file can be written.

    Parameters
    ----------
    path : path
        Neither created nor changed.

    Raises
    ------
    StorageError
        Its folder is missing or not writable, or it is a folder itself.
    """
    path = as_path(path)
    if os.path.isdir(path):
        raise StorageError(f"{path} cannot be written: it is a folder")
    try:
        if _is_special(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return
        draft, handle = _make_draft(path, _target(path).parent)
        os.close(handle)
        draft.unlink()
    except OSError as error:
        raise StorageError(_message(path, error)) from error


def make_folder(path):
    """Create a folder and its parents, if missing, and check that it is writable.

    Parameters
    ----------
    path : path

    Raises
    ------
    StorageError
        The folder cannot be created, or nothing can be written into it.
    """
    path = as_path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        if isinstance(error, FileExistsError):
            reason = "there is a file of that name"
        # From None, since pathlib raises it while it handles another.
        raise StorageError(f"the folder {path} cannot be made: {reason}") from None
    check_writable(path / "file")


def _message(path, error):
    reason = error.strerror or error
    folder = _target(path).parent
    if not folder.is_dir():
        reason = f"there is no folder {folder}"
    return f"{path} cannot be written: {reason}"


def _target(path):
    """Return the target of a link; other paths as they are."""
    return pathlib.Path(os.path.realpath(path)) if os.path.islink(path) else path


def _is_special(path):
    """Return whether this is a pipe or a device, which cannot be replaced."""
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))


def _make_draft(path, folder):
    """Return the path of a new file with a name of its own, and its handle."""
    handle, draft = tempfile.mkstemp(
        prefix=f".{path.stem}-", suffix=path.suffix, dir=folder
    )
    return pathlib.Path(draft), handle


@contextlib.contextmanager
def written_atomically(path):
    """Yield the path of a draft that replaces a file when complete.

    Parameters
    ----------
    path : path
        Keeps its old content, if any, until the ``with`` block has succeeded. A link
        is followed; to a pipe or a device the content is copied.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    path = as_path(path)
    draft, special = None, _is_special(path)
    try:
        folder = None if special else _target(path).parent
        draft, handle = _make_draft(path, folder)
        os.close(handle)
        yield draft
        if special:
            with open(draft, "rb") as file, open(path, "wb") as to:
                shutil.copyfileobj(file, to)
            return
        with open(draft, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(draft, 0o666 & ~_umask())
        os.replace(draft, _target(path))
        draft = None
    except OSError as error:
        raise StorageError(
            f"{_message(path, error)}; what was there before is unchanged"
        ) from error
    finally:
        if draft is not None:
            with contextlib.suppress(OSError):
                os.unlink(draft)


def _umask():
    umask = os.umask(0)
    os.umask(umask)
    return umask
