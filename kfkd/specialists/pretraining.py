"""Pretraining: the trained net that specialists start from."""

import dataclasses
import hashlib
import os
from collections.abc import Mapping

import nolearn.lasagne as nolearn
import numpy as np

from kfkd import storage
from kfkd.errors import SpecialistError
from kfkd.files.weights import Weights
from kfkd.training.weights import shapes

__all__ = ["Pretrained", "check_fit", "read_pretrained"]


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """A trained net that specialists start from.

    `name` is what error messages call it.
    """

    name: str
    weights: Weights

    def hidden_units(self):
        """Return the parameters of a net with as many hidden units."""
        return {
            f"{layer}_num_units": self.weights[layer][0].shape[1]
            for layer in ("hidden4", "hidden5")
            if layer in self.weights
        }

    def digest(self):
        """Return a digest of the weights."""
        digest = hashlib.blake2b(digest_size=16)
        for layer, values in self.weights.items():
            for value in values:
                digest.update(f"{layer} {value.shape} {value.dtype} ".encode())
                digest.update(np.ascontiguousarray(value))
        return digest.hexdigest()


def read_pretrained(pretrain):
    """Return the `Pretrained` of a trained net, or of a file that holds one.

    Anything else is a SpecialistError, and a file that cannot be read a StorageError.
    """
    what = "what is given as pretrain"
    if isinstance(pretrain, (str, os.PathLike)):
        what = os.fspath(pretrain)
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
    weights = {n: [*map(np.asarray, values)] for n, values in weights.items() if values}
    return Pretrained(what, Weights(weights, getattr(pretrain, "trained_on_", ())))


def check_fit(pretrained, job):
    """Raise SpecialistError unless only the output layer of a specialist differs."""
    net = job.net()
    net.initialize_layers()
    ours = {n: s for n, s in shapes(net.get_all_params_values()).items() if s}
    theirs = shapes(pretrained.weights)
    if list(ours) != list(theirs):
        problem = f"it has the layers {', '.join(theirs)} where {', '.join(ours)}"
    else:
        others = [n for n in ours if n != "output" and ours[n] != theirs[n]]
        if not others:
            return
        shape, wanted = theirs[others[0]][0], ours[others[0]][0]
        problem = f"its layer {others[0]} has weights of {shape}, where {wanted}"
    raise SpecialistError(
        f"the specialist for {job.name} cannot start from {pretrained.name}: {problem} "
        "are wanted; only the output layer may differ, as in net2 to net8"
    )
