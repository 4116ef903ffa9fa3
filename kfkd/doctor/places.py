"""Where data and caches are."""

import os
import tempfile
from pathlib import Path

from kfkd.data.locate import find
from kfkd.doctor.finding import Finding
from kfkd.errors import DataError, NoDataError
from kfkd.files.cache_folder import cache_folder
from kfkd.messages import count

__all__ = ["find_caches", "find_data"]


def find_data():
    """Return the finding on Kaggle's files, or on drawn faces in their place."""
    try:
        path = find("training")
    except NoDataError:
        text = "no Kaggle files in ./data or ~/data/kaggle-facial-keypoint-detection: "
        return Finding("data", text + "command lines take drawn faces")
    except DataError as error:
        text, _, _ = str(error).partition(", nor ")
        return Finding("data", text, "Put Kaggle's files there, or unset KFKD_DATA")
    try:
        from kfkd.faces import describe
    except ImportError:  # a package is missing, which is told elsewhere
        describe = str
    return Finding("data", describe(path))


def find_caches():
    """Yield the findings on the caches of parsed tables and of compiled programs."""
    own = "XDG_CACHE_HOME"
    yield _find_cache("tables", cache_folder("tables"), own)
    chosen = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if chosen:
        yield _find_cache("programs", Path(chosen), "JAX_COMPILATION_CACHE_DIR")
    else:
        yield _find_cache("programs", cache_folder("xla"), own)


def _find_cache(subject, folder, variable):
    if folder is None:
        mend = f"Name a folder for caches in {variable}"
        return Finding(subject, "there is no home folder to keep them in", mend)
    sizes = []
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(os.path.getsize(os.path.join(place, name)))
            except OSError:  # another process has deleted it
                continue
    blocker, problem = _try_to_write(folder)
    if not problem:
        size = f"{sum(sizes) / 1e6:.1f} MB in {count(len(sizes), 'file')}"
        return Finding(subject, f"{folder}, {size}, can be written")
    text = f"{folder} cannot be written: {blocker}: {problem}"
    mend = f"Mend {blocker}, or name another folder for caches in {variable}"
    return Finding(subject, text, mend)


def _try_to_write(folder):
    """Write a file where the folder is or would be; return where, and what failed."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"kfkd")
    except OSError as error:
        return folder, error.strerror
    return folder, ""
