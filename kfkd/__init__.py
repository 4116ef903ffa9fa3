"""The 2014 tutorial on facial keypoints with Theano, Lasagne and nolearn, alive again.

>>> from kfkd import load2d, net6
>>> net6.fit(*load2d())

The names of the tutorial's ``kfkd.py`` are here, and so are the modules of the package;
each is imported when it is first asked for.  After ``import kfkd``, the three packages
can be imported as well, and work (:mod:`kfkd.stack`).
"""

import importlib
from sys import _getframe

from kfkd import _import_hook, _renamed
from kfkd._names import HOMES, INSTEAD

__version__ = "0.1.0"

_MODULES = (
    "augment",
    "callbacks",
    "data",
    "errors",
    "estimator",
    "faces",
    "nets",
    "plots",
    "prediction",
    "progress",
    "report",
    "reproduction",
    "specialists",
    "stack",
    "storage",
    "xla",
)
__all__ = list(HOMES)


def _set_up_stack():
    import kfkd.stack  # noqa: F401


_import_hook.install(_set_up_stack)
_renamed.install()


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"kfkd.{name}")
    if f"kfkd.{name}" in _renamed.RENAMED:
        return importlib.import_module(_renamed.RENAMED[f"kfkd.{name}"])
    if name in HOMES:
        return getattr(importlib.import_module(HOMES[name]), name)
    if name not in INSTEAD:
        raise AttributeError(f"module 'kfkd' has no attribute {name!r}")
    message = f"kfkd has no {name}: {INSTEAD[name]}"
    # `from kfkd import name` asks so whether there is one, and hides this message.
    if _getframe(1).f_globals.get("__name__") == "importlib._bootstrap":
        raise ImportError(message, name="kfkd")
    raise AttributeError(message)


def __dir__():
    return sorted([*HOMES, *_MODULES, "__version__"])
