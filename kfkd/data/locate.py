"""Kaggle's files: finding, fingerprinting and opening them, zipped or not."""

import contextlib
import hashlib
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeVar

from kfkd.arguments import as_path, one_of
from kfkd.data.text_tables import check_beginning
from kfkd.errors import DataError, NoDataError

__all__ = ["find", "fingerprint", "is_data_file", "open_csv", "read_csv"]

_Parsed = TypeVar("_Parsed")

# Bytes read at a time, and of the largest zip file.
_BLOCK, _LARGEST = 1 << 20, 1 << 30
# Zip files one in another; those of Kaggle's archive are two.
_DEEPEST = 3
_ZIP = b"PK\x03\x04"  # how zip files begin

_TABLES = ("training", "test", "IdLookupTable")
# What `kaggle competitions download` writes: one file that holds all the others.
_ARCHIVE = "facial-keypoints-detection.zip"
_FOLDERS = ("./data", "~/data/kaggle-facial-keypoint-detection")

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
)

_HELP = """
To get the Kaggle files, accept the competition's rules on
https://www.kaggle.com/c/facial-keypoints-detection/rules, then run
    pip install kaggle
    kaggle competitions download -c facial-keypoints-detection -p data
(there is no need to unzip). If they are elsewhere, name their folder: --data FOLDER
for the commands, folder= in Python, or the variable KFKD_DATA for both. To use drawn
faces instead: --synthetic for the commands, kfkd.faces.make() in Python."""


def find(name: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Find one of the competition's files.

    Parameters
    ----------
    name : str
        The name without its ending: ``"training"``, ``"test"``, ``"IdLookupTable"``.
    folder : path, optional
        The only folder to look in. By default the one that the environment variable
        ``KFKD_DATA`` names; if it is not set, ``./data``, then
        ``~/data/kaggle-facial-keypoint-detection`` (the tutorial's).

    Returns
    -------
    pathlib.Path
        The first of ``name.csv``, ``name.zip``, ``name.csv.zip`` and
        ``facial-keypoints-detection.zip`` that the folder has. `open_csv` reads
        each of them.

    Raises
    ------
    DataError
        The folder named by the argument or by ``KFKD_DATA`` lacks the file. Others,
        which may hold other data, are not searched then.
    NoDataError
        No folder was named, and neither of the usual ones has the file.
    ArgumentError
        There is no table of that name, or `folder` is not a path.
    """
    candidates = (*_endings(one_of("name", name, _TABLES)), _ARCHIVE)
    named, source = folder, ""
    if folder is None and os.environ.get("KFKD_DATA"):
        named = os.environ["KFKD_DATA"]
        source = " (the folder that KFKD_DATA names; no other is looked into)"
    if named == "":
        raise DataError("the name of the folder with the data is empty")
    folders = _FOLDERS if named is None else (as_path(named, "folder"),)
    for place in folders:
        for candidate in candidates:
            path = Path(os.path.expanduser(place), candidate)
            if path.is_file():
                return path

    message = f"there is no {candidates[0]} in {' or '.join(map(str, folders))}{source}"
    message += f", nor {', '.join(candidates[1:-1])} or {candidates[-1]}"
    if named is None:
        raise NoDataError(f"{message}.{_HELP}")
    path = Path(os.path.expanduser(named))
    if not path.exists():
        raise DataError(f"there is no folder {named}{source}")
    if not path.is_dir():
        advice = f"name the folder with {candidates[0]}"
        if path.name in candidates:
            advice = f"name the folder that it is in: {path.parent}"
        raise DataError(f"{named} is a file; {advice}{source}")
    raise DataError(f"{message}; data/README.md says how to get Kaggle's files")


def is_data_file(path: str | os.PathLike[str]) -> bool:
    """Return whether a file has the name of one of Kaggle's, in letters of any case.

    Those of drawn faces have the same names, and their true labels one more.
    """
    names = (*_TABLES, "SampleSubmission", "test_labels")
    files = {ending.lower() for name in names for ending in _endings(name)}
    return as_path(path).name.lower() in {*files, _ARCHIVE}


def _endings(name):
    """Return the names of files that may hold one table alone, most usual first."""
    return f"{name}.csv", f"{name}.zip", f"{name}.csv.zip"


def fingerprint(path: str | os.PathLike[str]) -> str:
    """Return a short hexadecimal digest (BLAKE2b, 128 bits) of a file's content.

    It takes about a third of a second for the 240 MB of the plain ``training.csv``.
    A file that cannot be read is a DataError, and so is one whose first lines are
    longer than those of tables: all of it may take hours.
    """
    path = as_path(path)
    with _open(path) as file:
        if file.peek(4)[:4] != _ZIP:
            check_beginning(file, str(path))
            file.seek(0)
        return hashlib.file_digest(file, _digest).hexdigest()


def _digest():
    return hashlib.blake2b(digest_size=16)


def _open(path, **options):
    try:
        return open(path, "rb", **options)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


@contextlib.contextmanager
def open_csv(path: str | os.PathLike[str], name: str) -> Iterator[BinaryIO]:
    """Open one of the competition's tables for reading bytes, zipped or not.

    Parameters
    ----------
    path : path
        As from `find`: a CSV file, or a zip file that holds ``name.csv``, directly or
        in a nested zip file (as Kaggle's archive does).
    name : str
        The table's name without its ending.

    Yields
    ------
    binary file
        The decompressed table.

    Raises
    ------
    DataError
        The file cannot be read; or the zip file is damaged, encrypted, or lacks the
        table. Damage may be noticed only while the table is read.
    """
    path = as_path(path)
    with _open(path, buffering=0) as file, _open_table(file, path, name) as table:
        yield table


def read_csv(
    path: str | os.PathLike[str],
    name: str,
    parse: Callable[[BinaryIO, str], _Parsed],
    content: str | None = None,
) -> tuple[_Parsed, str]:
    """Read one of the competition's tables from a consistent state of its file.

    A file may be modified or replaced while it is read. So the fingerprint of the bytes
    read is compared with one taken before, and if they differ the file is read again.

    Parameters
    ----------
    path, name
        As for `open_csv`.
    parse : callable
        Called with the decompressed table as a binary file, and its name for errors.
    content : str, optional
        The file's fingerprint, if it is known.

    Returns
    -------
    parsed
        The result of `parse`.
    content : str
        The fingerprint of the bytes that were parsed.

    Raises
    ------
    DataError
        As from `open_csv` and `parse`, or the file changed both times.
    """
    path = as_path(path)
    where = str(path) if path.suffix == ".csv" else f"{path} ({name}.csv)"
    for _ in range(2):
        content = content or fingerprint(path)
        with _open(path, buffering=0) as raw:
            file = _Digested(raw)
            try:
                with _open_table(file, path, name) as table:
                    parsed = parse(table, where)
            except Exception:  # perhaps since the file is being written
                if file.digest_of_all() == content:
                    raise
            else:
                if file.digest_of_all() == content:
                    return parsed, content
        content = None
    raise DataError(
        f"{path} changes while it is read; wait until it is written, and start again"
    )


class _Digested(io.RawIOBase):
    """A file that digests its bytes as they are read."""

    def __init__(self, file):
        self._file, self._digest = file, _digest()

    def readable(self):
        """Return True."""
        return True

    def readinto(self, buffer):
        """Read bytes into a buffer; return their number."""
        count = self._file.readinto(buffer)
        self._digest.update(memoryview(buffer)[:count])
        return count

    def digest_of_all(self):
        """Read the rest; return the fingerprint of all that was read."""
        buffer = bytearray(_BLOCK)
        while self.readinto(buffer):
            pass
        return self._digest.hexdigest()


@contextlib.contextmanager
def _open_table(raw, path, name):
    """Open the table in an open file, without seeking in that."""
    with contextlib.ExitStack() as stack:
        file = io.BufferedReader(raw, _BLOCK)
        stack.callback(file.detach)  # so that *raw* stays open
        # Kaggle's tool has saved zip files under the names of CSV files.
        zipped = path.suffix.lower() == ".zip" or file.peek(4)[:4] == _ZIP
        if not zipped:
            yield file
            return
        try:
            size = path.stat().st_size
            for _ in range(_DEEPEST):
                # ZipFile seeks, which would decompress an inner one repeatedly.
                file = io.BytesIO(_read_zip(file, size, path))
                archive = stack.enter_context(zipfile.ZipFile(file))
                member = _member(archive, name, path)
                file = stack.enter_context(archive.open(member))
                if not member.filename.lower().endswith(".zip"):
                    break
                size = member.file_size
            else:
                raise DataError(
                    f"{path} holds more than {_DEEPEST} zip files one in another"
                )
            yield io.BufferedReader(file, _BLOCK)
        except (*_DAMAGED, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # an error of the file system; those of bz2 have no number
            raise DataError(
                f"{path} is not a usable zip file ({error or 'it ends too soon'}); "
                "download it again"
            ) from error


def _read_zip(file, size, path):
    """Return the content of a zip file that is, or says that it is, of this size."""
    if size > _LARGEST:
        raise DataError(
            f"{path} is, or holds, a zip file of {size / 1e9:,.1f} GB; those of the "
            "competition are smaller than 0.1 GB: download it again"
        )
    return file.read()


def _member(archive, name, path):
    """Return the entry of an archive that holds a table, or leads to it."""
    entries = [
        entry
        for entry in archive.infolist()
        if not entry.is_dir() and "__MACOSX" not in entry.filename
    ]
    named = [
        [
            entry
            for entry in entries
            if PurePosixPath(entry.filename).name.lower() == ending.lower()
        ]
        for ending in _endings(name)
    ]
    found = next(filter(None, named), [])
    if not found:
        held = ", ".join(entry.filename for entry in entries[:8]) or "nothing"
        raise DataError(f"{path} holds no {name}.csv, but {held}")
    if len(found) > 1:
        held = ", ".join(entry.filename for entry in found[:8])
        raise DataError(
            f"{path} holds {len(found)} files of the same name: {held}; make a zip "
            "file with the right one alone"
        )
    (entry,) = found
    if entry.flag_bits & 1:
        raise DataError(
            f"{path}: {entry.filename} is encrypted; unzip it with its password, or "
            "download it again"
        )
    return entry
