"""Former names of modules, for older programs and pickles."""

import importlib
import sys
import types

__all__ = ["RENAMED", "install"]

RENAMED = {
    "kfkd.checkpoints": "kfkd.callbacks.checkpoint",
    "kfkd.images": "kfkd.prediction.image_files",
    "kfkd.scoring": "kfkd.prediction.scoring",
    "kfkd.stack.graphs": "kfkd.stack.theano_compile",
    "kfkd.submission": "kfkd.prediction.submission",
    "kfkd.xla.storage": "kfkd.xla.shared_variables",
}


class _Renamed(types.ModuleType):
    """A module under its former name; it is imported when something in it is used."""

    def __getattr__(self, name):
        if name.startswith("__"):  # which asks what this object is
            raise AttributeError(name)
        return getattr(importlib.import_module(RENAMED[self.__name__]), name)


def install():
    """Make the former names importable."""
    for name in RENAMED:
        sys.modules.setdefault(name, _Renamed(name))
