"""Nets as JSON and arrays, from which they are made without running foreign code.

A definition may name layers, functions and classes of the modules in `_NAMED`, and hold
objects of the classes in `_OBJECTS`: modules of Lasagne, nolearn and this package.
"""

import importlib
import sys

import numpy as np
import theano
from lasagne.layers import get_output
from sklearn.preprocessing import LabelEncoder

from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.estimator import NeuralNet
from kfkd.files.packing import pack, unpack
from kfkd.files.weights import unpack_weights
from kfkd.training.hooks import listed

__all__ = ["decode", "encode", "halved"]

_OBJECTS = (
    "kfkd.augment",
    "kfkd.callbacks",
    "kfkd.init",
    "lasagne.init",
    "lasagne.nonlinearities",
    "nolearn.lasagne.base",
)
_NAMED = (
    *_OBJECTS,
    "kfkd.objectives",
    "lasagne.layers.conv",
    "lasagne.layers.corrmm",
    "lasagne.layers.dense",
    "lasagne.layers.dnn",
    "lasagne.layers.embedding",
    "lasagne.layers.input",
    "lasagne.layers.local",
    "lasagne.layers.merge",
    "lasagne.layers.noise",
    "lasagne.layers.normalization",
    "lasagne.layers.pool",
    "lasagne.layers.recurrent",
    "lasagne.layers.shape",
    "lasagne.layers.special",
    "lasagne.objectives",
    "lasagne.regularization",
    "lasagne.updates",
)
# Attributes that training sets, apart from the weights.
_FITTED = (
    "train_history_",
    "classes_",
    "n_features_in_",
    "feature_names_in_",
    "_seed",
    "_of_vector",
    "epochs_",
    "interrupted_",
    "trained_on_",
)


def encode(net, arrays, name, *, half=False):
    """Return a net in a form that JSON can hold; its arrays are put into `arrays`.

    Its weights are rounded to half precision if `half` is true.

    Raises
    ------
    TypeError
        Its definition has foreign parts, it is a net of another class, or its weights
        are too large for half precision.
    """
    if type(net) is not NeuralNet:
        raise TypeError(f"it is a {type(net).__module__}.{type(net).__qualname__}")
    fitted = {key: value for key, value in vars(net).items() if key in _FITTED}
    fitted["train_history_"] = [
        {k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
        for row in fitted.get("train_history_", [])
    ]
    if "feature_names_in_" in fitted:
        fitted["feature_names_in_"] = fitted["feature_names_in_"].astype(str)
    weights = tags = None
    if hasattr(net, "layers_"):
        weights, tags = dict(net.values_to_save()), net.tags_to_save()
        if half:
            weights = {name: halved(name, part) for name, part in weights.items()}
    params = net.get_params(deep=False)
    params["layers"] = list(net.layers)  # nolearn has a list class of its own
    # Without checkpoints, which name files of this machine.
    params["on_epoch_finished"] = [
        callback
        for callback in listed(net.on_epoch_finished)
        if not isinstance(callback, Checkpoint)
    ]
    return {
        "params": pack(params, arrays, f"{name}.params", _pack),
        "fitted": pack(fitted, arrays, f"{name}.fitted"),
        "weights": pack(weights, arrays, f"{name}.weights"),
        "tags": pack(tags, arrays, f"{name}.tags"),
    }


def halved(name, values):
    """Return the weights of a layer in half precision, those that are floats."""
    largest = np.finfo(np.float16).max
    if any((abs(value) > largest).any() for value in values):
        raise TypeError(
            f"layer {name!r} has weights beyond {largest:g}, the largest in half "
            "precision"
        )
    return [v.astype(np.float16) if v.dtype.kind == "f" else v for v in values]


def decode(packed, arrays):
    """Return the net that `encode` was given; if it is invalid, raise any exception."""
    params = dict(unpack(packed["params"], arrays, _MAKERS))
    fitted = dict(unpack(packed["fitted"], arrays))
    weights = unpack_weights(packed["weights"], arrays)
    if not fitted.keys() <= set(_FITTED):
        raise ValueError(f"it has {', '.join(fitted.keys() - set(_FITTED))}")
    net = NeuralNet(**params)
    if "feature_names_in_" in fitted:
        fitted["feature_names_in_"] = fitted["feature_names_in_"].astype(object)
    vars(net).update(fitted)
    if net.use_label_encoder and "classes_" in fitted:
        net.enc_ = LabelEncoder().fit(net.classes_)
    if weights is not None:
        net.make_from(weights, unpack(packed.get("tags"), arrays))
        _try_to_use(net)
    return net


def _try_to_use(net):
    """Raise any exception if parts of a net are in each other's places."""
    if not all(isinstance(row, dict) for row in net.train_history_):
        raise ValueError(f"its history holds {net.train_history_[0]!r}")
    for iterator in (net.batch_iterator_train, net.batch_iterator_test):
        iterator(np.zeros((iterator.batch_size, 1)))
    for output in get_output(net._output_layers, deterministic=True):
        if not isinstance(output, theano.Variable):
            raise TypeError(f"its output is {output!r}")


def _name(thing):
    """Return the name of a class or function in definitions, None if it has none."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__name__", "")
    if module in _NAMED and getattr(sys.modules[module], name, None) is thing:
        return f"{module}:{name}"
    return None


def _named(text, modules=_NAMED):
    """Return the class or function of a name."""
    module, _, name = text.partition(":")
    # A process that only loads the net need not have imported it.
    found = importlib.import_module(module) if module in modules else None
    thing = getattr(found, name) if found else None
    if getattr(thing, "__module__", None) != module:
        raise ValueError(f"it names {text}, which definitions must not name")
    return thing


def _pack(value, inner):
    """Pack what definitions hold beside plain values; see `kfkd.files.packing.pack`."""
    name = _name(value)
    if name is not None:
        return {"name": name}
    if isinstance(value, theano.tensor.TensorType):
        return {"type": [value.dtype, list(value.broadcastable)]}
    if isinstance(value, theano.compile.SharedVariable):
        return {"shared": [inner(value.get_value(), "value"), value.name]}
    name = _name(type(value))
    # Containers have a content beside their attributes.
    container = isinstance(value, (dict, list, tuple))
    if name is not None and type(value).__module__ in _OBJECTS and not container:
        state = value.__getstate__()
        return {"object": [name, inner(state, type(value).__name__)]}
    return None


def _shared(parts):
    value, name = parts
    return theano.shared(value, name=name)


def _object(parts):
    name, state = parts
    kind = _named(name, _OBJECTS)
    if not isinstance(kind, type):
        raise ValueError(f"it names {name} as a class")
    thing = kind.__new__(kind)
    vars(thing).update(state or {})
    return thing


_MAKERS = {
    "name": _named,
    "type": lambda parts: theano.tensor.TensorType(*parts),
    "shared": _shared,
    "object": _object,
}
