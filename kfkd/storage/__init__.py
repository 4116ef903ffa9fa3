"""Saving and loading nets: as pickles, or as arrays and JSON, which run no code."""

from kfkd.errors import StorageError
from kfkd.files.atomic import check_writable, make_folder, written_atomically
from kfkd.files.net_files import check_readable, has_ending, similar, stem
from kfkd.files.weights import load_params
from kfkd.storage.nets import FORMATS, load, pickled, save

__all__ = [
    "FORMATS",
    "StorageError",
    "check_readable",
    "check_writable",
    "has_ending",
    "load",
    "load_params",
    "make_folder",
    "pickled",
    "save",
    "similar",
    "stem",
    "written_atomically",
]
