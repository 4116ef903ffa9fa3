"""Backports from Lasagne's development version, 0.2.dev, to 0.1 of PyPI.

Most programs of 2015 to 2018 were written for the former.  Each module here holds one
subject, written from what its documentation says, with its names, signatures,
parameters, tags and initial values, so that saved weights fit and results agree.  The
names are set on the modules of Lasagne where they were; those that the installed
Lasagne has stay, with their new options added.
"""

import importlib
import sys
import types

from kfkd.stack.shims import install_module, make_absent

__all__ = ["install"]

# Each module here: the module of Lasagne that takes its names.
_HOMES = {
    "parameters": "lasagne.utils",
    "nonlinearities": "lasagne.nonlinearities",
    "objectives": "lasagne.objectives",
    "updates": "lasagne.updates",
    "dense": "lasagne.layers.dense",
    "noise": "lasagne.layers.noise",
    "shapes": "lasagne.layers.shape",
    "merging": "lasagne.layers.merge",
    "convolution": "lasagne.layers.conv",
    "base_convolution": "lasagne.layers.conv",
    "transposed": "lasagne.layers.conv",
    "local": "lasagne.layers.local",
    "pooling": "lasagne.layers.pool",
    "special": "lasagne.layers.special",
    "rectifiers": "lasagne.layers.special",
    "transformer": "lasagne.layers.special",
    "normalization": "lasagne.layers.normalization",
    "recurrence": "lasagne.layers.recurrent",
    "cudnn": "lasagne.layers.dnn",
    "corrmm": "lasagne.layers.corrmm",
}
# What Lasagne has in modules of their own alone, which cannot be imported as they are.
_APART = ("cudnn", "corrmm")


def _explain(name):
    """Raise the error for a name that ``lasagne.layers`` lacks, with what to use."""
    if name == "TPSTransformerLayer":
        raise ImportError(
            f"lasagne.layers.{name} is not available: use TransformerLayer."
        )
    raise AttributeError(f"module 'lasagne.layers' has no attribute {name!r}")


def install(lasagne):
    """Install the backports on the modules of Lasagne, and patch what is there."""
    for name, home in _HOMES.items():
        module = importlib.import_module(f"{__name__}.{name}")
        if hasattr(module, "patch"):
            module.patch()
        if home not in sys.modules or name in _APART:
            install_module(home)
        in_layers = home.startswith("lasagne.layers") and name not in _APART
        for thing_name in module.__all__:
            thing = getattr(module, thing_name)
            # As a pickle names it.
            if isinstance(thing, type | types.FunctionType) and (
                thing.__module__ == module.__name__
            ):
                thing.__module__ = home
            for place in (sys.modules[home], lasagne.layers)[: 1 + in_layers]:
                if not hasattr(place, thing_name):
                    setattr(place, thing_name, thing)
    lasagne.layers.__getattr__ = _explain
    make_absent(
        "lasagne.layers.cuda_convnet",
        "cuda-convnet is gone. Use lasagne.layers.Conv2DLayer(..., flip_filters=False) "
        "and MaxPool2DLayer(..., ignore_border=False), of images in the order bc01; "
        "filters in the order c01b become theirs by W.transpose(3, 0, 1, 2).",
    )
