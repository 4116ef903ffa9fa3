"""Saving and loading nets: as pickles, or as arrays and JSON, which run no code."""

import codecs
import contextlib
import hashlib
import io
import pathlib
import pickle
import warnings
from collections.abc import Mapping

from kfkd.choices import NET_FORMATS as FORMATS
from kfkd.errors import StorageError
from kfkd.files import arrays
from kfkd.files.atomic import check_writable, make_folder, written_atomically
from kfkd.messages import nearest, shown
from kfkd.storage.definition import decode, encode

__all__ = [
    "FORMATS",
    "StorageError",
    "check_readable",
    "check_writable",
    "load",
    "load_params",
    "make_folder",
    "save",
    "similar",
    "stem",
    "written_atomically",
]

_SEAL = b"kfkd-sum"


def stem(path):
    """Return the name of a file of nets without its ending, for files beside it."""
    path = pathlib.Path(path)
    return path.stem if path.suffix in FORMATS.values() else path.name


def similar(path):
    """Return the saved net whose name is nearest to that of a missing file, or None."""
    path, found = pathlib.Path(path), []
    with contextlib.suppress(OSError):
        names = {entry.name for entry in path.parent.iterdir()}
        found = sorted(n for n in names if n.endswith(tuple(FORMATS.values())))
    forgotten = [f"{stem(path)}{ending}" for ending in FORMATS.values()]
    forgotten = [name for name in forgotten if name in found]
    stems = {stem(name): name for name in found}
    name = forgotten[0] if forgotten else stems.get(nearest(stem(path), stems))
    return path.with_name(name) if name else None


def check_readable(path):
    """Find out, before much work is done, whether a saved net is there to be read.

    Parameters
    ----------
    path : path

    Raises
    ------
    StorageError
        If it is not; the message names a file of a similar name.
    """
    try:
        open(path, "rb").close()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path, error):
    near = similar(path) if isinstance(error, FileNotFoundError) else None
    hint = f" (did you mean {str(near)!r}?)" if near else ""
    return StorageError(f"{path} cannot be read: {error.strerror or error}{hint}")


def save(net, path):
    """Save a net or a set of specialists.

    Parameters
    ----------
    net : NeuralNet, or dict of str or tuple of str to NeuralNet
    path : path
        With the ending ``.npz`` for a file of arrays and JSON, which holds nets of this
        package whose definitions are made of its own parts and those of Lasagne and
        nolearn.  With any other, for a pickle as in the tutorial, of anything.

    Raises
    ------
    StorageError
        If the file cannot be written, or not hold the net; an old one stays as it was.
    """
    if pathlib.Path(path).suffix == FORMATS["arrays"]:
        packed = {}
        nets = net.items() if isinstance(net, Mapping) else [(None, net)]
        about = []
        for i, (key, one) in enumerate(nets):
            encoded = _encoded(one, packed, f"net{i}", path)
            about.append({"key": key, "net": encoded})  # JSON: a tuple is a list
        arrays.write(path, "net", packed, about)
        return
    try:
        pickled = pickle.dumps(net, pickle.HIGHEST_PROTOCOL)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise StorageError(
            f"{path} cannot hold the net, as a part of it cannot be pickled: {error}"
        ) from error
    with written_atomically(path) as draft:
        draft.write_bytes(pickled + _seal(pickled))


def _seal(pickled):
    """Return what follows a pickle in its file, and is passed over by pickle.load."""
    return _SEAL + hashlib.blake2b(pickled, digest_size=16).digest()


def _encoded(net, packed, name, path):
    try:
        return encode(net, packed, name)
    except TypeError as error:
        raise StorageError(
            f"{path} cannot hold the net, as {error}; try a pickle, a file whose name "
            f"ends in {FORMATS['pickle']}"
        ) from error


def load(path):
    """Load what `save` has written, whatever the ending of its name.

    Loading a pickle can run any code that its author has put into it: load only those
    that you trust.  Loading a file of arrays and JSON runs no code of the file.

    Parameters
    ----------
    path : path

    Returns
    -------
    NeuralNet, or dict of tuple of str to NeuralNet

    Raises
    ------
    StorageError
        If there is no such file, or it does not hold a net.
    """
    found = _read(path)
    wrong = _wrong(found)
    if wrong:
        raise StorageError(
            f"{path} holds {wrong}, where a net, or a set of specialists, is wanted"
        )
    return found


def load_params(path):
    """Load a net, or what its ``get_all_params_values`` returned, pickled by anyone.

    Parameters
    ----------
    path : path

    Returns
    -------
    NeuralNet or dict of str to list of arrays

    Raises
    ------
    StorageError
        As for `load`.
    """
    found = _read(path)
    if not (hasattr(found, "predict") or (isinstance(found, Mapping) and found)):
        raise StorageError(
            f"{path} holds {shown(found)} ({type(found).__name__}), where a net, or "
            "its parameters, are wanted"
        )
    return found


def _read(path):
    """Return what a file of arrays, or any pickle, holds."""
    try:
        content = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    return _load_arrays(path) if content[:2] == b"PK" else _unpickle(content, path)


def _unpickle(content, path):
    end = len(content) - len(_seal(b""))
    # Pickles that others have written have no seal.
    if content[end:].startswith(_SEAL) and content[end:] != _seal(content[:end]):
        raise StorageError(f"{path} is damaged")
    try:
        return _Unpickler(io.BytesIO(content)).load()
    except _MissingError as error:
        raise StorageError(f"{path} cannot be loaded: {error}") from error.__cause__
    except Exception as error:
        if content[:1] != pickle.PROTO:
            raise StorageError(f"{path} {_other(content)}") from error
        raise StorageError(
            f"{path} is not a net that kfkd has saved, or it is damaged: "
            f"{type(error).__name__}: {error}"
        ) from error


def _other(content):
    """Return what is wrong with a file that does not begin as pickles do."""
    from PIL import Image

    if not content:
        return "is empty"
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of very large images
        Image.open(io.BytesIO(content)).close()
        return "is an image, not a saved net"
    with contextlib.suppress(UnicodeDecodeError):
        text = codecs.getincrementaldecoder("utf-8")().decode(content[:4096])
        if all(letter.isprintable() or letter.isspace() for letter in text):
            return "is a text file, not a saved net"
    return "is not a net that kfkd has saved"


def _wrong(found):
    """Return what a pickle holds if that is neither a net nor a set of them."""
    if hasattr(found, "predict"):
        return None
    if not (isinstance(found, Mapping) and found):
        return f"{shown(found)} ({type(found).__name__})"
    for key, value in found.items():
        if not hasattr(value, "predict"):
            kinds = f"({type(found).__name__} of {type(value).__name__})"
            return f"{shown(value)} under {shown(key)} {kinds}"
    return None


class _MissingError(Exception):
    """What a pickle was made with is not to be had here."""


class _Unpickler(pickle.Unpickler):
    """Loads what `pickle.loads` does, and tells what is missing if it cannot."""

    def find_class(self, module, name):
        try:
            return super().find_class(module, name)
        except (AttributeError, ImportError) as error:
            if module == "__main__":
                problem = "is defined in the script that saved it, and not in this one"
                advice = (
                    "Define or import it in the script that loads the net; or move it "
                    "into a module, import it from there, and save the net anew"
                )
            elif isinstance(error, AttributeError):
                problem = f"is missing from the module {module}"
                advice = "Take that module as it was when the net was saved"
            else:
                problem = f"is in the module {module}, whose import fails: {error}"
                advice = "Install it, or name the folder that it is in in PYTHONPATH"
            raise _MissingError(
                f"it needs {name}, which {problem}. {advice}"
            ) from error


def _load_arrays(path):
    packed, about = arrays.read(path, "net")
    try:
        nets = [(entry["key"], decode(entry["net"], packed)) for entry in about]
    except Exception as error:
        raise StorageError(f"{path} holds no sound net: {error}") from error
    if len(nets) == 1 and nets[0][0] is None:
        return nets[0][1]
    return {tuple(k) if isinstance(k, list) else k: net for k, net in nets}
