"""Data sets of drawn faces, as files in the competition's layout."""

import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from kfkd.arguments import as_path, whole
from kfkd.data.columns import COLUMNS
from kfkd.data.drawn import RECORD, is_as_recorded, read_record
from kfkd.data.locate import fingerprint
from kfkd.errors import DataError
from kfkd.files.cache_folder import cache_folder
from kfkd.progress import Bar

from .photo import TEST, TRAINING, VERSION, face
from .points import asked, labelled, mark_sparsely

__all__ = ["describe", "find", "is_drawn", "make"]

# Standard deviation of the errors of training.csv's labels, in pixels.
LABEL_NOISE = 0.3

_FILES = ("training.csv", "test.csv", "IdLookupTable.csv", "test_labels.csv")
_STALE = 3600  # seconds
_ELSEWHERE = "name a folder for caches in the environment variable XDG_CACHE_HOME"
# Files that would hide ours from `kfkd.data.find`, or be hidden by ours.
_RIVALS = (
    "facial-keypoints-detection.zip",
    *(f"{name}.zip" for name in _FILES[:3]),
    *(name.replace(".csv", ".zip") for name in _FILES[:3]),
)


def make(folder=None, seed=0, n_train=7049, n_test=1783):
    """Make a data set of drawn faces, in files like the competition's.

    It takes up to a minute and 290 MB of disk space. A data set that was made before
    from the same arguments is used again.

    Parameters
    ----------
    folder : path, optional
        Created if missing. By default ``kfkd/faces-<version>-<seed>`` in the user's
        cache folder (``$XDG_CACHE_HOME`` or ``~/.cache``), with the numbers of
        images in its name if they are not the competition's.
    seed : int, default=0
        Equal seeds give equal files.
    n_train, n_test : int
        Numbers of images. Smaller sets have the competition's proportions of missing
        labels, and of labels asked for.

    Returns
    -------
    pathlib.Path
        The folder. To train on it, set ``KFKD_DATA`` to it.

    Raises
    ------
    ArgumentError
        `seed`, `n_train` or `n_test` is not a whole number or too small.
    DataError
        The folder cannot be made or written to, there is no cache folder and none is
        named, or `folder` holds data that this function did not make. Nothing is
        written then.

    Notes
    -----
    ``training.csv``
        The 30 columns, then ``Image``. As many labels are missing in each column as
        in the competition's file; of 7,049 rows 2,140 are complete. Labels have
        random errors, of a standard deviation of 0.3 pixels in x and in y.
    ``test.csv``
        ``ImageId``, ``Image``.
    ``IdLookupTable.csv``
        The labels a submission must give: for 1,783 images, 27,124.
    ``test_labels.csv``
        ``ImageId`` and the 30 columns, without errors: all points of full images,
        and of sparse ones those that are asked for. Kaggle does not publish its own.
    ``faces.json``
        What the files were made from.

    Every file is complete or absent, even when several processes make the same data
    set at once.
    """
    request = _request(seed, n_train, n_test)
    ours = folder is None
    if ours:
        folder = _default_folder(request)
    else:
        folder = Path(os.path.expanduser(as_path(folder, "folder")))
    if _holds(folder, request):
        return folder
    if not ours:
        _refuse_others(folder, read_record(folder))
    try:
        _make(folder, request)
    except OSError as error:
        reason = error.strerror or error
        if isinstance(error, FileExistsError):
            reason = "there is a file of that name"
        raise DataError(
            f"the folder {folder} for drawn faces cannot be written: {reason}; "
            f"{_ELSEWHERE if ours else 'name another folder'}"
        ) from None
    return folder


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
        made = {
            name: {"size": path.stat().st_size, "blake2b": fingerprint(path)}
            for name in _FILES
            for path in [draft / name]
        }
        text = json.dumps({**request, "files": made}, indent=1)
        (draft / RECORD).write_text(text + "\n", encoding="utf-8")
        # The record first, so that the files are not taken for foreign ones.
        for name in (RECORD, *_FILES):
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
    """Return whether `make` has made a folder or a table, and nobody changed it.

    Parameters
    ----------
    path : path
        The folder with all its tables, or one table, as from ``kfkd.data.find``.

    Returns
    -------
    bool
    """
    path = as_path(path)
    if path.is_file():
        return is_as_recorded(path, read_record(path.parent))
    return _complete(path, read_record(path))


def describe(path):
    """Return the path of a table as text, with a remark if its faces are drawn.

    Parameters
    ----------
    path : path
        As from ``kfkd.data.find``.

    Returns
    -------
    str
        ``data/training.csv``, or ``drawn faces, data/training.csv``.
    """
    path = as_path(path)
    return f"drawn faces, {path}" if is_drawn(path) else str(path)


def _request(seed, n_train, n_test):
    """Return the checked arguments of `make` as a record has them."""
    return {
        "made by": "kfkd.faces",
        "version": VERSION,
        "seed": whole("seed", seed),
        "n_train": whole("n_train", n_train, least=1),
        "n_test": whole("n_test", n_test, least=1),
    }


def _holds(folder, request):
    """Return whether a folder holds the data set that is requested."""
    record = read_record(folder)
    return _complete(folder, record) and request.items() <= record.items()


def _default_folder(request):
    name = f"faces-{request['version']}-{request['seed']}"
    if (request["n_train"], request["n_test"]) != (7049, 1783):
        name += f"-{request['n_train']}-{request['n_test']}"
    folder = cache_folder(name)
    if folder is None:
        raise DataError(f"there is no home folder to keep drawn faces in; {_ELSEWHERE}")
    return folder


def _complete(folder, record):
    paths = [folder / name for name in _FILES]
    return all(path.is_file() and is_as_recorded(path, record) for path in paths)


def _refuse_others(folder, record):
    """Raise DataError if a folder holds data that `make` has not made."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file: the drawn faces need a folder")
    foreign = [
        name
        for name in (*_FILES, *_RIVALS)
        if (folder / name).exists() and not is_as_recorded(folder / name, record)
    ]
    if foreign:
        raise DataError(
            f"{folder} holds {', '.join(foreign)}, not made by kfkd.faces.make: "
            f"name another folder, or move {'it' if len(foreign) == 1 else 'them'} away"
        )


def _write_training(path, seed, n, drawn):
    present, sparse = labelled(n)
    with open(path, "wb") as file:
        file.write(",".join((*COLUMNS, "Image\n")).encode())
        for i in range(n):
            picture, points, rng = face(seed, TRAINING, i, sparse=bool(sparse[i]))
            points = mark_sparsely(points) if sparse[i] else points
            points = points + LABEL_NOISE * rng.standard_normal(len(points))
            labels = np.where(present[i], np.clip(points, 0.5, 95.5), np.nan)
            file.write(f"{_numbers(labels)},".encode() + _pixels(picture))
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
        for row, (i, column) in enumerate(np.argwhere(wanted), start=1):
            lookup.write(f"{row},{i + 1},{COLUMNS[column]},\n")
        for i in range(n):
            picture, points, _ = face(seed, TEST, i, sparse=bool(sparse[i]))
            if sparse[i]:  # it has the labels that are asked for, in its own places
                points = np.where(wanted[i], mark_sparsely(points), np.nan)
            images.write(f"{i + 1},".encode() + _pixels(picture))
            truth.write(f"{i + 1},{_numbers(points)}\n")
            drawn()


def _numbers(points):
    """Return coordinates separated by commas, empty where they are NaN."""
    texts = (f"{x:.6f}".rstrip("0").rstrip(".") for x in points.tolist())
    return ",".join(texts).replace("nan", "")


# Each grey value and a space, padded to four bytes, which are viewed as one number.
_TEXTS = np.array([f"{value} " for value in range(256)], "S4").view(np.uint32)


def _pixels(picture):
    """Return the last field of a row, and its line end."""
    padded = _TEXTS[picture.ravel()].tobytes()
    return padded.translate(None, b"\0")[:-1] + b"\n"
