"""Backports of Lasagne's development version, 0.2.dev, to Lasagne 0.1 of PyPI.

Most programs of 2015 to 2018 were written for 0.2.dev.  The modules here follow its
documentation: names, signatures, parameters, tags and initial values are the same, so
that saved weights fit and results agree.  Each name is set on the module of Lasagne
that had it.  What Lasagne 0.1 has is kept; patches add the new options to it.
"""

import importlib
import sys
import types

from kfkd.stack.shims import install_module

__all__ = ["install"]

# For each module here, the module of Lasagne on which its names are set.
_HOMES = {
    "integers": "lasagne.utils",
    "parameters": "lasagne.utils",
    "helper": "lasagne.layers.helper",
    "inputs": "lasagne.layers.input",
    "nonlinearities": "lasagne.nonlinearities",
    "objectives": "lasagne.objectives",
    "updates": "lasagne.updates",
    "dense": "lasagne.layers.dense",
    "noise": "lasagne.layers.noise",
    "shapes": "lasagne.layers.shape",
    "merging": "lasagne.layers.merge",
    "convolution_1d": "lasagne.theano_extensions.conv",
    "convolution": "lasagne.layers.conv",
    "base_convolution": "lasagne.layers.conv",
    "transposed": "lasagne.layers.conv",
    "local": "lasagne.layers.local",
    "pooling": "lasagne.layers.pool",
    "special": "lasagne.layers.special",
    "rectifiers": "lasagne.layers.special",
    "transformer": "lasagne.layers.special",
    "normalization": "lasagne.layers.normalization",
    "step_layers": "lasagne.layers.recurrent",
    "recurrence": "lasagne.layers.recurrent",
    "cudnn": "lasagne.layers.dnn",
    "corrmm": "lasagne.layers.corrmm",
}
# Their modules in Lasagne 0.1 cannot be imported; `lasagne.layers` never had the names.
_APART = ("cudnn", "corrmm")


def install(lasagne):
    """Patch Lasagne's classes and functions, and set the backports on its modules."""
    for name, home in _HOMES.items():
        module = importlib.import_module(f"{__name__}.{name}")
        if hasattr(module, "patch"):
            module.patch()
        if home not in sys.modules or name in _APART:
            install_module(home)
        places = [sys.modules[home]]
        if home.startswith("lasagne.layers") and name not in _APART:
            places.append(lasagne.layers)
        for thing_name in module.__all__:
            thing = getattr(module, thing_name)
            is_ours = getattr(thing, "__module__", None) == module.__name__
            if is_ours and isinstance(thing, type | types.FunctionType):
                thing.__module__ = home  # where pickles find it
            for place in places:
                if not hasattr(place, thing_name):
                    setattr(place, thing_name, thing)
                public = getattr(place, "__all__", None)
                if public is not None and thing_name not in public:
                    public.append(thing_name)  # for `from lasagne.updates import *`
    importlib.import_module(f"{__name__}.early").install()
