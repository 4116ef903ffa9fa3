"""A place for a net whose own file can no longer be written."""

import pathlib
import tempfile
from collections.abc import Callable
from typing import TypeVar

from kfkd.errors import StorageError

__all__ = ["save_or_spare"]

_Saved = TypeVar("_Saved")


def save_or_spare(
    save: Callable[[], _Saved], write: Callable[[pathlib.Path], object], name: str
) -> _Saved:
    """Return what ``save()`` returns; where it fails, write into a temporary folder.

    A disk may fill up while a net is trained for hours.

    Parameters
    ----------
    save : callable
    write : callable
        Called with another path for the file, of the same name.
    name : str
        Of the file.

    Raises
    ------
    StorageError
        As raised by `save`; it says where the net is saved then, if it could be.
    """
    try:
        return save()
    except StorageError as error:
        try:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="kfkd-"))
        except OSError:
            raise error from None
        try:
            write(folder / name)
        except StorageError:
            folder.rmdir()
            raise error from None
        saved = f"The net is saved in {folder / name}"
        raise StorageError(f"{error}. {saved}") from error
