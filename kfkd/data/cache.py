"""Binary copies of parsed tables, in the user's cache folder.

The folder is ``$XDG_CACHE_HOME/kfkd/tables``, else ``~/.cache/kfkd/tables``; the data
folder may be read-only or shared. The key of a copy names the content that it was made
from. A digest covers the key and every byte, so that a copy that was damaged, truncated
or renamed counts as absent: unlike ``kfkd.files.arrays``, whose zip files have bytes
that nobody reads. Copies can be deleted at any time.
"""

import contextlib
import hashlib
import os

import numpy as np

from kfkd.errors import StorageError
from kfkd.files.atomic import written_atomically
from kfkd.files.cache_folder import cache_folder

__all__ = ["load", "save"]

# Raise it whenever tables are parsed, checked or stored differently.
_MAGIC = b"kfkd table 1\n"
_HEAD = len(_MAGIC) + hashlib.blake2b().digest_size
# A copy of Kaggle's training set takes 67 MB; the least recently used are deleted.
_KEEP = 8


def load(key):
    """Return the arrays saved under a key, or None if there is no valid copy."""
    path = cache_folder("tables", key)
    if path is None or not path.is_file():
        return None
    try:
        with open(path, "rb") as file:
            if file.read(_HEAD) != _head(file, key):
                return None
            end = file.tell()
            file.seek(_HEAD)
            arrays = []
            while file.tell() < end:
                arrays.append(np.load(file, allow_pickle=False))
    except OSError:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # for _prune: recently used
    return arrays


def save(key, arrays):
    """Save arrays under a key, or do nothing if that is not possible.

    Several processes may save, load and prune at the same time.
    """
    path = cache_folder("tables", key)
    if path is None:
        return
    with contextlib.suppress(OSError, StorageError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_atomically(path) as draft, open(draft, "wb+") as file:
            file.seek(_HEAD)
            for array in arrays:
                np.save(file, array, allow_pickle=False)
            head = _head(file, key)
            file.seek(0)
            file.write(head)
        _prune(path.parent)


def _head(file, key):
    """Return the head of a file: the magic, and the digest of its key and content."""
    file.seek(_HEAD)
    digest = hashlib.file_digest(file, lambda: hashlib.blake2b(key.encode()))
    return _MAGIC + digest.digest()


def _prune(folder):
    """Delete all but the files last used, drafts of killed processes included."""
    for path in sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime)[:-_KEEP]:
        path.unlink()
