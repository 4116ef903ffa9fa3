"""The folder of ``gpu.py``: figures, what is done, and what went wrong.

``figures.jsonl`` has a line for each figure, written as soon as it is there, and one
for each end of a step. ``log.txt`` has all else that the steps print, tracebacks too.
``work/`` is for what is large: nets, checkpoints, programs.
"""

import contextlib
import datetime
import fcntl
import json
import os
from pathlib import Path

__all__ = ["Folder", "FolderError", "read"]


class FolderError(Exception):
    """The folder cannot be used."""


def read(path):
    """Yield what the lines of a file of figures hold; a line cut short is left out."""
    with contextlib.suppress(FileNotFoundError):
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found


class Folder:
    """A folder of figures, which one process at a time adds to.

    Parameters
    ----------
    path : path
        It is made if it is not there.
    settings : dict
        What all figures have in common, such as the card.

    Raises
    ------
    FolderError
        The figures in it are others, or another process is at work.
    """

    def __init__(self, path, settings):
        self.path = Path(path)
        self.work = self.path / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.file = self.path / "figures.jsonl"
        self.log = self.path / "log.txt"
        self._out = self.file.open("ab")
        try:
            self._begin(settings)
        except BaseException:
            self.close()
            raise

    def _begin(self, settings):
        """Lock the file; check, or note, what its figures have in common."""
        try:
            fcntl.flock(self._out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(f"another process is at work in {self.path}") from None
        self._end_line()
        before = next((x["settings"] for x in read(self.file) if "settings" in x), None)
        if before is None:
            self._write({"settings": settings})
        elif before != settings:
            raise FolderError(
                f"{self.path} has figures of {_listed(before)}, and not of "
                f"{_listed(settings)}: choose another folder with --out"
            )

    def _end_line(self):
        """End a line that a process could not write to its end."""
        if self._out.tell() and not self.file.read_bytes().endswith(b"\n"):
            self._out.write(b"\n")

    def _write(self, content):
        self._out.write(json.dumps(content).encode() + b"\n")
        self._out.flush()
        os.fsync(self._out.fileno())

    def add(self, step, figure):
        """Keep a figure of a step."""
        self._write({"step": step, **figure})

    def end(self, step, outcome, seconds, why=""):
        """Note how a step has ended: "done", "failed" or "cut off"."""
        ended = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        end = dict(outcome=outcome, seconds=round(seconds, 1), why=why, ended=ended)
        self._write({"step": step, "end": end})

    def ends(self):
        """Return how each step has ended the last time, by its name."""
        return {
            found["step"]: found["end"] for found in read(self.file) if "end" in found
        }

    def figures(self):
        """Return all figures."""
        return [found for found in read(self.file) if "table" in found]

    @contextlib.contextmanager
    def logging(self, step):
        """Open the log for a step, under a heading."""
        with self.log.open("ab") as log:
            now = datetime.datetime.now().isoformat(" ", timespec="seconds")
            log.write(f"\n==== {step}, {now}\n".encode())
            log.flush()
            yield log

    def close(self):
        """Let others work in the folder."""
        self._out.close()


def _listed(settings):
    return ", ".join(f"{name} {value}" for name, value in settings.items())
