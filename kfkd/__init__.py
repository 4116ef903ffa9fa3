"""The 2014 tutorial on facial keypoints with Theano, Lasagne and nolearn, alive again.

>>> from kfkd import load2d, net6
>>> net6.fit(*load2d())

The names of the tutorial's ``kfkd.py`` are here, and so are the modules of the package;
each is imported when it is first asked for.  After ``import kfkd``, the three packages
can be imported as well, and work (:mod:`kfkd.stack`).
"""

import importlib

from kfkd import _import_hook

__version__ = "0.1.0"

# Where the tutorial's names are.
_HOMES = {
    "AdjustVariable": "callbacks",
    "EarlyStopping": "callbacks",
    "FlipBatchIterator": "augment",
    "SPECIALIST_SETTINGS": "specialists",
    "fit_specialists": "specialists",
    "float32": "nets",
    "load": "data",
    "load2d": "data",
    "net1": "nets",
    "net2": "nets",
    "net3": "nets",
    "net4": "nets",
    "net5": "nets",
    "net6": "nets",
    "net7": "nets",
    "net8": "nets",
    "net12": "nets",
    "plot_sample": "plots",
}
_MODULES = (
    "augment",
    "callbacks",
    "checkpoints",
    "data",
    "errors",
    "estimator",
    "faces",
    "images",
    "nets",
    "plots",
    "prediction",
    "progress",
    "report",
    "reproduction",
    "scoring",
    "specialists",
    "stack",
    "storage",
    "submission",
    "xla",
)
__all__ = list(_HOMES)

_import_hook.install()


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"kfkd.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"kfkd.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'kfkd' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_HOMES, *_MODULES})
