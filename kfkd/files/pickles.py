"""Pickles with a note and a checksum, and clear errors where one cannot be loaded.

A file begins with a mark, which ``pickle.load`` passes over. After the pickle, which it
reads alone, the file has the note as JSON, its length, and the checksum of all that.
"""

import codecs
import contextlib
import hashlib
import io
import json
import pickle
import pickletools
import warnings

from kfkd.errors import StorageError
from kfkd.files.atomic import written_atomically
from kfkd.files.kinds import PICKLE_SEAL

__all__ = ["dump", "dumps", "loads", "read_note"]

_LENGTH = 8  # hexadecimal digits
# Puts a string on the stack and drops it, and is the same in all versions of Python. A
# file that begins so and has no checksum has lost it.
_MARK = (
    pickle.PROTO
    + b"\4"  # the first that has such strings
    + pickle.SHORT_BINUNICODE
    + bytes([len(PICKLE_SEAL)])
    + PICKLE_SEAL
    + pickle.POP
)


def dump(thing, path, note=None):
    """Pickle an object into a file, with a note: anything that JSON can hold.

    Raises
    ------
    StorageError
        A part of it cannot be pickled, or the file cannot be written; an old one is
        unchanged.
    """
    try:
        pickled = dumps(thing, note)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise StorageError(
            f"{path} cannot hold the net, as a part of it cannot be pickled: {error}. "
            "Functions and classes must be at the top of a module to be pickled: not "
            "within functions, nor a lambda"
        ) from error
    with written_atomically(path) as draft:
        draft.write_bytes(pickled)


def dumps(thing, note=None):
    """Return what `dump` writes; errors are those of pickle."""
    text = json.dumps(note).encode()
    content = _MARK + pickle.dumps(thing, pickle.HIGHEST_PROTOCOL) + text
    content += f"{len(text):0{_LENGTH}x}".encode()
    return content + _seal(content)


def _seal(content):
    """Return the checksum of a file's content before it."""
    return PICKLE_SEAL + hashlib.blake2b(content, digest_size=16).digest()


_SEAL_SIZE = len(_seal(b""))


def read_note(content):
    """Return the note in a file's content; None if it has none, or is damaged."""
    content = memoryview(content)
    content, seal = content[:-_SEAL_SIZE], content[-_SEAL_SIZE:]
    if seal != _seal(content):
        return None
    try:
        content, length = content[:-_LENGTH], int(bytes(content[-_LENGTH:]), 16)
        return json.loads(bytes(content[len(content) - length :]))
    except ValueError:  # from before there were notes
        return None


def loads(content, path):
    """Return the object in the content of a file that `dump`, or anybody, has written.

    Raises
    ------
    StorageError
        It is damaged, or not a pickle, or needs something that is missing here.
    """
    end = len(content) - _SEAL_SIZE
    # Pickles of other programs have no seal; those of earlier versions have no mark.
    ours = content.startswith(_MARK) or content[end:].startswith(PICKLE_SEAL)
    if ours and content[end:] != _seal(content[:end]):
        raise StorageError(f"{path} is damaged: restore a copy, or make it again")
    try:
        if not ours:
            _check_memo(content)
        return _Unpickler(io.BytesIO(content)).load()
    except _MissingError as error:
        raise StorageError(f"{path} cannot be loaded: {error}") from error.__cause__
    except Exception as error:
        if content[:1] != pickle.PROTO:
            raise StorageError(f"{path} {_other(content)}") from error
        raise StorageError(
            f"{path} is damaged, or not a net saved by kfkd "
            f"({type(error).__name__}: {error}): restore a copy, or make it again"
        ) from error


def _check_memo(content):
    """Raise an error if a pickle would make its reader take memory for no objects.

    The reader allocates as many places as the highest number of one says; one changed
    byte makes that billions.
    """
    with contextlib.suppress(ValueError):  # which the unpickler will report
        for count, (op, place, _) in enumerate(pickletools.genops(content)):
            if op.name in ("PUT", "BINPUT", "LONG_BINPUT") and place > count:
                raise pickle.UnpicklingError(f"place {place} after {count} operations")


def _other(content):
    """Return what is wrong with a file that does not begin like a pickle."""
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


class _MissingError(Exception):
    """A class or function that a pickle needs is missing here."""


class _Unpickler(pickle.Unpickler):
    """An unpickler whose errors tell which class or function is missing."""

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
