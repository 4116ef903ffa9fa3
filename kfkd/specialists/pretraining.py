"""The trained net that specialists start from."""

import hashlib
import os
from collections.abc import Mapping

import nolearn.lasagne as nolearn
import numpy as np

from kfkd import storage
from kfkd.errors import SpecialistError

__all__ = ["check_fit", "digest", "read_pretrained"]


def read_pretrained(pretrain):
    """Return the weights of a trained net.

    Parameters
    ----------
    pretrain : NeuralNet or path

    Returns
    -------
    dict of str to list of arrays
        By layer, for layers that have any.

    Raises
    ------
    SpecialistError
        It is no trained net.
    StorageError
        It cannot be loaded.
    """
    what = _called(pretrain)
    if isinstance(pretrain, (str, os.PathLike)):
        pretrain = storage.load(pretrain)
    if isinstance(pretrain, Mapping):
        raise SpecialistError(
            f"{what} is a set of specialists, where a single net is wanted to start "
            "from, such as net6"
        )
    if not isinstance(pretrain, nolearn.NeuralNet):
        raise SpecialistError(
            f"{what} is not a net to start from, but {type(pretrain).__name__}"
        )
    if not hasattr(pretrain, "layers_"):
        raise SpecialistError(f"{what} has not been trained; fit it first")
    weights = pretrain.get_all_params_values()
    return {
        layer: [np.asarray(value) for value in values]
        for layer, values in weights.items()
        if len(values)
    }


def check_fit(weights, job, pretrain):
    """Raise SpecialistError unless a specialist differs in its output layer only."""
    net = job.net()
    net.initialize_layers()
    ours = {
        name: [param.get_value(borrow=True).shape for param in layer.get_params()]
        for name, layer in net.layers_.items()
        if layer.get_params()
    }
    theirs = {
        name: [value.shape for value in values] for name, values in weights.items()
    }
    problem = None
    if list(ours) != list(theirs):
        problem = f"it has the layers {', '.join(theirs)} where {', '.join(ours)}"
    for name in ours:
        if problem is None and name != "output" and ours[name] != theirs[name]:
            problem = f"its layer {name} has weights of {theirs[name][0]}, where "
            problem += f"{ours[name][0]}"
    if problem:
        raise SpecialistError(
            f"{_called(pretrain)} is not a net to start the specialist for {job.name} "
            f"from: {problem} are wanted; only the output layer may differ, as in "
            "net2 to net8"
        )


def _called(pretrain):
    if isinstance(pretrain, (str, os.PathLike)):
        return os.fspath(pretrain)
    return "what is given as pretrain"


def digest(weights):
    """Return a digest of weights by layer; None for None."""
    if weights is None:
        return None
    summary = hashlib.blake2b(digest_size=16)
    for layer, values in weights.items():
        for value in values:
            summary.update(f"{layer} {value.shape} {value.dtype} ".encode())
            summary.update(np.ascontiguousarray(value))
    return summary.hexdigest()
