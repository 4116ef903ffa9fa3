"""Saving and loading nets: as pickles, or as arrays and JSON, which run no code."""

from kfkd.storage.nets import (
    FORMATS,
    StorageError,
    check_readable,
    check_writable,
    load,
    load_params,
    make_folder,
    save,
    similar,
    stem,
    written_atomically,
)

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
