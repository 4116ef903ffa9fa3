"""Files of arrays and JSON, with checksums, that cannot run code.

It is a NumPy ``.npz`` file, so that ``numpy.load`` opens it anywhere: the arrays, none
of objects, and a member ``about.json`` with the kind of the file and its arrays, with a
digest of each.
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

__all__ = ["read", "write"]

_ABOUT = "about.json"
_FORMAT = 1


def write(path, kind, arrays, about):
    """Write arrays and JSON atomically.

    Parameters
    ----------
    path : path
    kind : str
        What the file is, which `read` asks for: ``"net"``.
    arrays : dict of str to array
        Of numbers or booleans.
    about : dict
        Anything that JSON can hold, NaN and the infinities too.

    Raises
    ------
    StorageError
        If the file cannot be written; an old one stays as it was.
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


def read(path, kind):
    """Read and verify a file that `write` has written.

    Parameters
    ----------
    path : path
    kind : str
        What it must be.

    Returns
    -------
    arrays : dict of str to array
    about : dict

    Raises
    ------
    StorageError
        If there is no such file, or it is of another kind or damaged.
    """
    path = pathlib.Path(path)
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            head = _head(path, archive, kind)
            arrays = {
                name: _array(archive, name, description)
                for name, description in head["arrays"].items()
            }
            return arrays, head["about"]
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read: {error.strerror or error}"
        ) from error
    except Exception as error:  # damage shows in many ways
        raise StorageError(
            f"{path} is damaged, or no {kind} that kfkd has saved: {error}"
        ) from error


def _head(path, archive, kind):
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
    """Return the bytes of a member; zipfile compares them with their checksum."""
    with contextlib.suppress(KeyError):
        info = archive.getinfo(name)
        # Nothing is compressed, so that no member can be larger than the file.
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise ValueError(f"its part {name} is compressed or encrypted")
        return archive.read(info)
    raise ValueError(f"its part {name} is missing")


def _array(archive, name, description):
    content = _content(archive, f"{name}.npy")
    array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    if _describe(array) != description:
        raise ValueError(f"its array {name} is not the one that was saved")
    return array


def _describe(array):
    digest = hashlib.blake2b(np.ascontiguousarray(array), digest_size=16).hexdigest()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "blake2b": digest}
