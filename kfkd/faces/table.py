"""Data sets of drawn faces, as files in the competition's layout."""

import contextlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from kfkd.data.columns import COLUMNS
from kfkd.errors import DataError
from kfkd.files.cache_folder import cache_folder
from kfkd.progress import Bar

from .photo import TEST, TRAINING, VERSION, face, whole
from .points import asked, labelled

__all__ = ["describe", "find", "is_drawn", "make"]

# Standard deviation, in pixels, of what the labels of training.csv are off.
LABEL_NOISE = 0.3

_FILES = ("training.csv", "test.csv", "IdLookupTable.csv", "test_labels.csv")
_RECORD = "faces.json"
_STALE = 3600  # seconds
_ELSEWHERE = "name a folder for caches in the environment variable XDG_CACHE_HOME"
# Data in these would be hidden by ours, or hide it.
_RIVALS = (
    "training.zip",
    "training.csv.zip",
    "test.zip",
    "test.csv.zip",
    "IdLookupTable.zip",
    "IdLookupTable.csv.zip",
    "facial-keypoints-detection.zip",
)


def make(folder=None, seed=0, n_train=7049, n_test=1783):
    """Make a data set of drawn faces, as files like the competition's.

    It takes up to a minute, and 290 MB of disk. What is there already, from
    the same arguments, is used again.

    Parameters
    ----------
    folder : path, optional
        Made if need be. By default ``kfkd/faces-<version>-<seed>`` in the user's
        cache folder (``$XDG_CACHE_HOME`` or ``~/.cache``), with the numbers of
        images in its name if they are not the competition's.
    seed : int, default=0
        Equal seeds give equal files.
    n_train, n_test : int
        Number of images. Fewer keep the competition's proportions of missing and of
        wanted labels.

    Returns
    -------
    pathlib.Path
        The folder. To train on it, set ``KFKD_DATA`` to it.

    Raises
    ------
    ValueError
        `seed`, `n_train` or `n_test` is not a whole number or too small.
    DataError
        The folder cannot be made or written to, or there is no cache folder and none
        is named.
    FileExistsError
        `folder` holds data that this function did not make. Nothing is written.

    Notes
    -----
    ``training.csv``
        The 30 columns, then ``Image``. Labels lack in the competition's pattern: of
        7,049 rows 2,140 are complete, as many in each column as there. Labels are
        off by 0.3 pixels (standard deviation in x and in y), as by a careful hand.
    ``test.csv``
        ``ImageId``, ``Image``.
    ``IdLookupTable.csv``
        The labels a submission must give: for 1,783 images, 27,124.
    ``test_labels.csv``
        ``ImageId`` and the 30 columns: where the points of the test images are,
        complete and without noise. Kaggle keeps its own to itself.
    ``faces.json``
        What the files were made from.

    Every file appears complete or not at all, also when several processes make the
    same data set at once.
    """
    request = _request(seed, n_train, n_test)
    ours = folder is None
    folder = _default_folder(request) if ours else Path(os.path.expanduser(folder))
    if _holds(folder, request):
        return folder
    if not ours:
        _refuse_others(folder, _record(folder))
    elsewhere = _ELSEWHERE if ours else "name another folder"
    with _one_error(f"the folder {folder} for drawn faces", elsewhere):
        _make(folder, request)
    return folder


@contextlib.contextmanager
def _one_error(what, elsewhere):
    """Raise DataError, alone, where the system refuses to write."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        if isinstance(error, FileExistsError):
            reason = "there is a file of that name"
        raise DataError(f"{what} cannot be written: {reason}; {elsewhere}") from None


def _make(folder, request):
    """Make the files of a data set in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(".draft-*"):  # of processes that were killed
        if time.time() - old.stat().st_mtime > _STALE:
            shutil.rmtree(old, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(dir=folder, prefix=".draft-"))
    seed, n_train, n_test = (request[k] for k in ("seed", "n_train", "n_test"))
    try:
        with Bar("drawing faces", n_train + n_test, unit="face") as bar:
            _write_training(draft / "training.csv", seed, n_train, bar.update)
            _write_test(draft, seed, n_test, bar.update)
        sizes = {name: (draft / name).stat().st_size for name in _FILES}
        text = json.dumps({**request, "sizes": sizes}, indent=1)
        (draft / _RECORD).write_text(text + "\n", encoding="utf-8")
        # The record first, so that nobody takes the files for another's.
        for name in (_RECORD, *_FILES):
            os.replace(draft / name, folder / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def find(seed=0, n_train=7049, n_test=1783):
    """Return the folder in which `make` has made a data set before, or None.

    Parameters
    ----------
    seed, n_train, n_test : int
        As for `make`; the folder is its default.

    Returns
    -------
    pathlib.Path or None
    """
    request = _request(seed, n_train, n_test)
    folder = _default_folder(request)
    return folder if _holds(folder, request) else None


def is_drawn(path):
    """Return whether data are what `make` has made, unchanged.

    Parameters
    ----------
    path : path
        The folder, or one table in it, such as ``kfkd.data.find`` returns: then the
        others may be missing.

    Returns
    -------
    bool
    """
    path = Path(path)
    if path.is_file():
        return _as_recorded(path, _record(path.parent))
    record = _record(path)
    return record is not None and _complete(path, record)


def describe(path):
    """Return the path of a table for people, saying so if its faces are drawn.

    Parameters
    ----------
    path : path
        As from ``kfkd.data.find``.

    Returns
    -------
    str
        ``data/training.csv``, or ``drawn faces, data/training.csv``.
    """
    path = Path(path)
    return f"drawn faces, {path}" if is_drawn(path) else str(path)


def _request(seed, n_train, n_test):
    """Return what a data set is made from, as its record has it."""
    request = {
        "made by": "kfkd.faces",
        "version": VERSION,
        "seed": whole("seed", seed),
        "n_train": whole("n_train", n_train),
        "n_test": whole("n_test", n_test),
    }
    for name in ("n_train", "n_test"):
        if not request[name]:
            message = f"{name} must be 1 or more: a data set needs images of each kind"
            raise ValueError(message)
    return request


def _holds(folder, request):
    """Return whether a folder holds the data set that is asked for."""
    record = _record(folder)
    return bool(
        record and _complete(folder, record) and request.items() <= record.items()
    )


def _default_folder(request):
    name = f"faces-{request['version']}-{request['seed']}"
    if (request["n_train"], request["n_test"]) != (7049, 1783):
        name += f"-{request['n_train']}-{request['n_test']}"
    folder = cache_folder(name)
    if folder is None:
        raise DataError(f"there is no home folder to keep drawn faces in; {_ELSEWHERE}")
    return folder


def _record(folder):
    with contextlib.suppress(OSError, ValueError):
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        if isinstance(record, dict) and record.get("made by") == "kfkd.faces":
            return record
    return None


def _as_recorded(path, record):
    sizes = record.get("sizes") if record else None
    return isinstance(sizes, dict) and path.stat().st_size == sizes.get(path.name)


def _complete(folder, record):
    paths = [folder / name for name in _FILES]
    return all(path.is_file() and _as_recorded(path, record) for path in paths)


def _refuse_others(folder, record):
    if folder.exists() and not folder.is_dir():
        message = f"{folder} is a file: the drawn faces need a folder"
        raise FileExistsError(message)
    foreign = [
        name
        for name in (*_FILES, *_RIVALS)
        if (folder / name).exists() and not _as_recorded(folder / name, record)
    ]
    if foreign:
        message = (
            f"{folder} holds {', '.join(foreign)}, not made by kfkd.faces.make: "
            f"name another folder, or move {'it' if len(foreign) == 1 else 'them'} away"
        )
        raise FileExistsError(message)


def _write_training(path, seed, n, drawn):
    present, sparse = labelled(n)
    with open(path, "wb") as file:
        file.write(",".join((*COLUMNS, "Image\n")).encode())
        for i in range(n):
            picture, points, rng = face(seed, TRAINING, i, sparse=bool(sparse[i]))
            points = points + LABEL_NOISE * rng.standard_normal(len(points))
            labels = _numbers(np.clip(points, 0.5, 95.5))
            labels = [
                text if there else ""
                for text, there in zip(labels, present[i].tolist(), strict=True)
            ]
            file.write(f"{','.join(labels)},".encode() + _pixels(picture))
            drawn()


def _write_test(folder, seed, n, drawn):
    wanted, sparse = asked(n)
    with (
        open(folder / "test.csv", "wb") as images,
        open(folder / "IdLookupTable.csv", "w", newline="\n") as lookup,
        open(folder / "test_labels.csv", "w", newline="\n") as truth,
    ):
        images.write(b"ImageId,Image\n")
        lookup.write("RowId,ImageId,FeatureName,Location\n")
        truth.write(f"ImageId,{','.join(COLUMNS)}\n")
        row = 0
        for i in range(n):
            picture, points, _ = face(seed, TEST, i, sparse=bool(sparse[i]))
            images.write(f"{i + 1},".encode() + _pixels(picture))
            truth.write(f"{i + 1},{','.join(_numbers(points))}\n")
            for column in np.flatnonzero(wanted[i]).tolist():
                row += 1
                lookup.write(f"{row},{i + 1},{COLUMNS[column]},\n")
            drawn()


def _numbers(points):
    return [f"{value:.6f}".rstrip("0").rstrip(".") for value in points.tolist()]


# Each grey value and a space, filled up to four bytes that count as one number.
_TEXTS = np.array([f"{value} " for value in range(256)], "S4").view(np.uint32)


def _pixels(picture):
    padded = _TEXTS[picture.ravel()].tobytes()
    return padded.translate(None, b"\0")[:-1] + b"\n"
