"""Folders with data and caches."""

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
    except ImportError:  # a package is missing, which has a finding of its own
        describe = str
    return Finding("data", describe(path))


def find_caches():
    """Yield the findings on the caches of parsed tables and of compiled programs."""
    own, jax = "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR"
    yield _find_cache("tables", cache_folder("tables"), own)
    if chosen := os.environ.get(jax):
        yield _find_cache("programs", Path(chosen), jax)
    else:
        yield _find_cache("programs", cache_folder("xla"), own)


def _find_cache(subject, folder, variable):
    """Return the finding on a folder, which the user can change by *variable*."""
    if folder is None:
        fix = f"Name a folder for caches in {variable}"
        return Finding(subject, "there is no home folder to keep them in", fix)
    sizes = []
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(os.path.getsize(os.path.join(place, name)))
            except OSError:  # another process has deleted it
                continue
    nearest = folder
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent  # the folder itself is created when it is needed
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"kfkd")
    except OSError as error:
        text = f"{folder} cannot be written: {nearest}: {error.strerror}"
        fix = f"Make {nearest} a folder that can be written, or name another folder "
        fix += f"for caches in {variable}"
        return Finding(subject, text, fix)
    size = f"{sum(sizes) / 1e6:.1f} MB in {count(len(sizes), 'file')}"
    return Finding(subject, f"{folder}, {size}, can be written")
