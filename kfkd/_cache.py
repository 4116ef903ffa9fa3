"""Binary copies of parsed tables, in the user's cache folder.

The folder is ``$XDG_CACHE_HOME/kfkd/tables``, else ``~/.cache/kfkd/tables``; the data
folder, which may be read-only or shared, is never written to. A copy is filed under
the content of what it was made from, and signed with it, so that it is never taken for
another's; a copy that was damaged, cut off or renamed does not verify and counts as
absent. All of them can be deleted at any time.
"""

import contextlib
import hashlib
import io
import os
import tempfile
from pathlib import Path

import numpy as np

from kfkd._folders import cache_folder

__all__ = ["load", "save"]

# To be raised whenever a table is parsed, checked or stored in another way.
_MAGIC = b"kfkd table 1\n"
# A copy of Kaggle's training set has 67 MB: the oldest give way to new ones.
_KEEP = 8


def load(key):
    """Return the arrays saved under a key, or None where there is no sound copy."""
    path = _path(key)
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            head = file.read(len(_MAGIC) + hashlib.blake2b().digest_size)
            body = file.read()
    except OSError:
        return None
    if head != _MAGIC + _sign(key, body):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # says to _prune that it is of use
    stream, arrays = io.BytesIO(body), []
    while stream.tell() < len(body):
        arrays.append(np.load(stream, allow_pickle=False))
    return arrays


def save(key, arrays):
    """Save arrays under a key; where that is not possible, do nothing.

    The file appears under its name at once and whole: several processes may save,
    load and prune at the same time.
    """
    path = _path(key)
    if path is None:
        return
    stream = io.BytesIO()
    for array in arrays:
        np.save(stream, array, allow_pickle=False)
    body = stream.getbuffer()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
        try:
            with open(handle, "wb") as file:
                file.write(_MAGIC + _sign(key, body))
                file.write(body)
            os.replace(draft, path)
        except BaseException:  # a full disk, Ctrl-C
            Path(draft).unlink(missing_ok=True)
            raise
        _prune(path.parent)


def _path(key):
    return cache_folder("tables", key)


def _sign(key, body):
    digest = hashlib.blake2b(key.encode())
    digest.update(body)
    return digest.digest()


def _prune(folder):
    """Delete all but the files last used; drafts of killed processes go with them."""

    def age(path):
        return -path.stat().st_mtime

    for path in sorted(folder.iterdir(), key=age)[_KEEP:]:
        path.unlink()
