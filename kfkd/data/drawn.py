"""Records of drawn faces, by which the files that `kfkd.faces` has made are known."""

import contextlib
import functools
import json
import os
from pathlib import Path
from typing import Any

from kfkd.data.locate import fingerprint

__all__ = ["RECORD", "is_as_recorded", "read_record"]

RECORD = "faces.json"


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return what the files of a folder were made from, or None if they were not."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if isinstance(record, dict) and record.get("made by") == "kfkd.faces":
            return record
    return None


def is_as_recorded(path: Path, record: dict[str, Any] | None) -> bool:
    """Return whether a file has the content that the record gives."""
    files = record.get("files") if record else None
    known = files.get(path.name) if isinstance(files, dict) else None
    if not isinstance(known, dict):
        return False
    status = path.stat()
    return status.st_size == known.get("size") and (
        _digest(path.absolute(), _state(status)) == known.get("blake2b")
    )


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns


@functools.lru_cache(64)
def _digest(path: Path, state: tuple[int, ...]) -> str:
    """Return the fingerprint of a file as long as its `state` is the same."""
    return fingerprint(path)
