"""Names that Lasagne has dropped, most of them before its first release.

Those that are the same under another name work; the others say what to use.
"""

import dis
import functools
import sys

import lasagne
import theano.tensor as T

from kfkd.stack.shims import make_absent

__all__ = ["install"]

_LOSS = (
    "use lasagne.objectives.squared_error(lasagne.layers.get_output(layer), "
    "targets).mean(), or another function of lasagne.objectives"
)
_CUDA_CONVNET = (
    "cuda-convnet is gone. Use lasagne.layers.Conv2DLayer(..., flip_filters=False) "
    "and MaxPool2DLayer(..., ignore_border=False), of images in the order bc01; "
    "convert filters in the order c01b with W.transpose(3, 0, 1, 2)."
)
_OF_CUDA_CONVNET = (
    *("Conv2DCCLayer", "MaxPool2DCCLayer", "NINLayer_c01b"),
    *("ShuffleBC01ToC01BLayer", "ShuffleC01BToBC01Layer"),
    *("bc01_to_c01b", "c01b_to_bc01"),
)


# What to use instead, or what stands in, by the names of each module.
_NAMES = {
    "layers": {
        "MultipleInputsLayer": lasagne.layers.MergeLayer,
        "TPSTransformerLayer": "use TransformerLayer",
        "get_all_bias_params": "use get_all_params(layer, regularizable=False)",
        "get_all_non_bias_params": "use get_all_params(layer, regularizable=True)",
        **dict.fromkeys(_OF_CUDA_CONVNET, _CUDA_CONVNET.rstrip(".")),
    },
    "objectives": {
        "MaskedObjective": _LOSS,
        "Objective": _LOSS,
        "crossentropy": lasagne.objectives.binary_crossentropy,
        "mse": lasagne.objectives.squared_error,
        "multinomial_nll": lasagne.objectives.categorical_crossentropy,
    },
    "utils": {"concatenate": T.concatenate},
}


def _find(module, names, name):
    """Return what stands in for a name that a module lacks."""
    found = names.get(name)
    if found is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    if isinstance(found, str):
        # Python would not show the message of an AttributeError, which `hasattr` wants.
        code, at = (caller := sys._getframe(1)).f_code.co_code, caller.f_lasti
        is_import = at >= 0 and dis.opname[code[at]] == "IMPORT_FROM"
        kind = ImportError if is_import else AttributeError
        raise kind(f"{module}.{name} is not available: {found}.")
    return found


def install():
    """Let the modules of Lasagne know the names."""
    for name, names in _NAMES.items():
        module = getattr(lasagne, name)
        module.__getattr__ = functools.partial(_find, module.__name__, names)
    make_absent("lasagne.layers.cuda_convnet", _CUDA_CONVNET)
