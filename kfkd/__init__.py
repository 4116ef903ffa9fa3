"""The 2014 tutorial on facial keypoints with Theano, Lasagne and nolearn, alive again.

>>> from kfkd import load2d, net6
>>> net6.fit(*load2d())

The names of the tutorial's ``kfkd.py`` are here, and so are the modules of the package;
each is imported when it is first asked for.  After ``import kfkd``, the three packages
can be imported as well, and work (:mod:`kfkd.stack`).
"""

import importlib
from sys import _getframe
from typing import TYPE_CHECKING

from kfkd import _import_hook, _renamed
from kfkd._names import HOMES, INSTEAD

if TYPE_CHECKING:  # what __getattr__ returns
    from nolearn.lasagne import BatchIterator as BatchIterator

    from kfkd.augment import FlipBatchIterator as FlipBatchIterator
    from kfkd.callbacks import AdjustVariable as AdjustVariable
    from kfkd.callbacks import EarlyStopping as EarlyStopping
    from kfkd.data import load as load
    from kfkd.data import load2d as load2d
    from kfkd.estimator import NeuralNet as NeuralNet
    from kfkd.nets import float32 as float32
    from kfkd.nets import modern as modern
    from kfkd.nets import net1 as net1
    from kfkd.nets import net2 as net2
    from kfkd.nets import net3 as net3
    from kfkd.nets import net4 as net4
    from kfkd.nets import net5 as net5
    from kfkd.nets import net6 as net6
    from kfkd.nets import net7 as net7
    from kfkd.nets import net8 as net8
    from kfkd.nets import net12 as net12
    from kfkd.plots import plot_learning_curves as plot_learning_curves
    from kfkd.plots import plot_sample as plot_sample
    from kfkd.plots import plot_weights as plot_weights
    from kfkd.specialists import SPECIALIST_SETTINGS as SPECIALIST_SETTINGS
    from kfkd.specialists import fit_specialists as fit_specialists

__version__ = "0.1.0"

_MODULES = (
    "augment",
    "callbacks",
    "data",
    "errors",
    "estimator",
    "export",
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
    "weights",
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
