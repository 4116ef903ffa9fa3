"""Files of a checkpoint: the last, the one before, and the draft of the next."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from kfkd.errors import CheckpointError, StorageError
from kfkd.files import arrays
from kfkd.files.kinds import CHECKPOINT, is_of_kind
from kfkd.files.old_files import move_aside

__all__ = ["CheckpointFiles"]

_KIND = "checkpoint"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_Saved = TypeVar("_Saved")


class CheckpointFiles:
    """Files of a checkpoint.

    Parameters
    ----------
    path : pathlib.Path
        Of the last one.

    Attributes
    ----------
    path, previous : pathlib.Path
        Of the last one and of the one before, which is used if the last is damaged.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.previous = path.with_suffix(f".previous{path.suffix}")
        self._draft = path.with_suffix(f".draft{path.suffix}")

    def existing(self) -> list[pathlib.Path]:
        """Return the paths, of the last and the one before, where something is."""
        return [path for path in (self.path, self.previous) if path.exists()]

    def prepare(self, *, replace: bool) -> None:
        """Make the folder, and check that files can be written into it.

        Parameters
        ----------
        replace : bool
            Whether what is there is to be replaced.

        Raises
        ------
        CheckpointError
            There cannot be such a folder; or what is there is not a file, or is to be
            replaced and not a checkpoint.
        """
        for path in self.existing():
            if path.is_dir():
                raise CheckpointError(
                    f"{path} is a folder; a checkpoint is a file, such as "
                    f"{path / 'net.checkpoint'}"
                )
            if not path.is_file():
                raise CheckpointError(f"{path} is a pipe or a device, not a file")
            if replace and not is_of_kind(path, CHECKPOINT):
                raise CheckpointError(
                    f"{path} is there already, is not {CHECKPOINT.what}, and would be "
                    "replaced: name another file"
                )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(
                f"{self.path} cannot be written: {error.strerror or error}"
            ) from error

    def write(self, packed: dict[str, Any], about: dict[str, Any]) -> None:
        """Write arrays and JSON as the last one, which becomes the one before.

        Raises
        ------
        OSError, StorageError
            It cannot be written; those that are there are unchanged.
        """
        arrays.write(self._draft, _KIND, packed, about)
        if self.path.exists():
            os.replace(self.path, self.previous)
        os.replace(self._draft, self.path)

    def read(self) -> tuple[tuple[pathlib.Path, Any] | None, str]:
        """Return the latest that is sound.

        Returns
        -------
        read : (pathlib.Path, (dict, dict)) or None
            Its path, arrays and JSON; None if there is none.
        problem : str
            Why it is not the last; empty if it is.

        Raises
        ------
        CheckpointError
            None of those that are there is sound.
        """
        problem = ""
        for path in self.existing():
            try:
                content = arrays.read(path, _KIND)
            except StorageError as error:
                problem = f"{problem}; {error}" if problem else str(error)
            else:
                used = f"{problem}; resuming from the one before, {path}"
                return (path, content), used if problem else ""
        if problem:
            raise CheckpointError(problem)
        return None, ""

    def remove(self) -> None:
        """Delete the files, also those that a training was writing when it was killed.

        What is not a checkpoint stays.
        """
        _delete([*self.existing(), *self._drafts()])

    def _drafts(self):
        pattern = f".{self._draft.stem}-*{self.path.suffix}"
        return [self._draft, *self.path.parent.glob(pattern)]

    def make_room(self, save: Callable[[], _Saved]) -> _Saved:
        """Return what ``save()`` returns, which saves a net on the same disk.

        If the disk is full, the one before the last is deleted, and drafts are, and it
        is called again.

        Raises
        ------
        StorageError
            As raised by `save`.
        """
        try:
            return save()
        except StorageError as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno not in _FULL:
                raise
            if not _delete([self.previous, *self._drafts()]):
                raise
            return save()

    def move_aside(self) -> list[pathlib.Path]:
        """Give the files names of their own, before another training begins.

        Returns
        -------
        list of pathlib.Path
            The new names, such as ``net6.old.checkpoint``; empty if there was no file.

        Raises
        ------
        StorageError
            They cannot be moved.
        """
        moved = move_aside(self.path)
        if moved is None:
            return list(filter(None, [move_aside(self.previous)]))
        target = CheckpointFiles(moved).previous
        if self.previous.exists() and not target.exists():
            return [moved, self.previous.rename(target)]
        return [moved, *filter(None, [move_aside(self.previous)])]


def _delete(paths: Iterable[pathlib.Path]) -> int:
    """Delete the files that are checkpoints; return how many."""
    deleted = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and is_of_kind(path, CHECKPOINT):
                path.unlink()
                deleted += 1
    return deleted
