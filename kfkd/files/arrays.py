"""Files of arrays and JSON, with checksums, which cannot run code.

They are NumPy's ``.npz`` files, which ``numpy.load`` opens anywhere. Arrays of objects
are not allowed. A member ``about.json`` holds the kind of the file, the digest of each
array, and the JSON.
"""

import contextlib
import hashlib
import io
import json
import pathlib
import zipfile

import numpy as np

from kfkd.errors import StorageError
from kfkd.files.atomic import written_atomically

__all__ = ["read", "read_about", "write"]

_ABOUT = "about.json"
_FORMAT = 1


def write(path, kind, arrays, about):
    """Write arrays by name, and JSON, into a file of a kind, such as ``"net"``.

    Raises
    ------
    StorageError
        The file cannot be written; an old one is unchanged.
    """
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    text = json.dumps(
        {
            "format": _FORMAT,
            "kind": kind,
            "arrays": {name: _describe(array) for name, array in arrays.items()},
            "about": about,
        }
    )
    with written_atomically(path) as draft, zipfile.ZipFile(draft, "w") as archive:
        archive.writestr(_ABOUT, text)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read(path, kind, content=None):
    """Return the arrays and the JSON that `write` has written, verified.

    The file is not opened if its content is given, as bytes.

    Raises
    ------
    StorageError
        There is no such file, or it is of another kind or damaged.
    """
    with _opened(path, kind, content) as (archive, head):
        arrays = {
            name: _array(archive, name, description)
            for name, description in head["arrays"].items()
        }
        return arrays, head["about"]


def read_about(path, kind, content=None):
    """Return the JSON alone; parameters and errors are those of `read`."""
    with _opened(path, kind, content) as (_, head):
        return head["about"]


@contextlib.contextmanager
def _opened(path, kind, content):
    """Yield the archive of a file, and the content of its about.json."""
    path = pathlib.Path(path)
    try:
        # zipfile takes a path too.
        file = path if content is None else io.BytesIO(content)
        with zipfile.ZipFile(file) as archive:
            yield archive, _head(path, archive, kind)
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read: {error.strerror or error}"
        ) from error
    except Exception as error:  # damage causes many kinds of errors
        raise StorageError(
            f"{path} is damaged, or not a {kind} saved by kfkd: {error}"
        ) from error


def _head(path, archive, kind):
    """Return the content of about.json."""
    head = json.loads(_content(archive, _ABOUT))
    if head["kind"] != kind:
        raise StorageError(f"{path} holds a {head['kind']}, not a {kind}")
    if head["format"] != _FORMAT:
        raise StorageError(
            f"{path} was written by a later kfkd (its format is {head['format']}); "
            "update kfkd to read it"
        )
    return head


def _content(archive, name):
    """Return the bytes of a member, whose checksum zipfile verifies."""
    with contextlib.suppress(KeyError):
        info = archive.getinfo(name)
        # Uncompressed, so that no member can be larger than the file.
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise ValueError(f"its part {name} is compressed or encrypted")
        return archive.read(info)
    raise ValueError(f"its part {name} is missing")


def _array(archive, name, description):
    content = _content(archive, f"{name}.npy")
    array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    if _describe(array) != description:
        raise ValueError(f"its array {name} differs from the one that was saved")
    return array


def _describe(array):
    digest = hashlib.blake2b(np.ascontiguousarray(array), digest_size=16).hexdigest()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "blake2b": digest}
