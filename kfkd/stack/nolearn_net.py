"""Patches of how nolearn's NeuralNet is constructed and pickled."""

import copy
import functools
import inspect

from kfkd.errors import ArgumentError
from kfkd.stack import nolearn_changes

__all__ = ["patch_net"]


def patch_net(nolearn, restore):
    """Patch NeuralNet so that it leaves arguments alone, and pickles.

    Two parameters of the constructor are not kept, which ``get_params`` reads.  A
    pickle must load where kfkd has not been imported; it leaves out compiled functions,
    which are compiled again.
    """
    NeuralNet = nolearn.lasagne.NeuralNet
    init = NeuralNet.__init__
    signature = inspect.signature(init)
    named = signature.parameters.keys() | {"eval_size"}
    parts = ("batch_iterator_train", "batch_iterator_test", "train_split")
    shared = {name: signature.parameters[name].default for name in parts}
    fresh = copy.deepcopy(shared)
    getstate = NeuralNet.__getstate__

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        # The constructor appends to the caller's lists, and takes single callbacks.
        for name in ("on_epoch_finished", "on_training_started"):
            given = kwargs.get(name)
            if isinstance(given, (list, tuple)):
                kwargs[name] = list(given)
            elif callable(given) and kwargs.get("verbose"):
                kwargs[name] = [given]
        for name in kwargs.keys() - named:
            if hasattr(type(self), name):
                raise ArgumentError(
                    f"NeuralNet has no parameter {name!r}, but an attribute or method "
                    "of this name"
                )
        given = signature.bind(self, *args, **kwargs)
        # Nets would share those that are not given, and change them.
        for name, default in fresh.items():
            if given.arguments.get(name, shared[name]) is shared[name]:
                given.arguments[name] = copy.deepcopy(default)
        if "eval_size" in kwargs:  # which the constructor sets on the split
            split = copy.deepcopy(given.arguments["train_split"])
            given.arguments["train_split"] = split
        init(*given.args, **given.kwargs)

    def __getstate__(self):
        compiled = ("train_iter_", "eval_iter_", "predict_iter_", "_initialized")
        left_out = (*compiled, "_get_output_fn_cache", *nolearn_changes.UNPICKLED)
        return {k: v for k, v in getstate(self).items() if k not in left_out}

    def __reduce__(self):
        return restore, (type(self),), self.__getstate__()

    NeuralNet.loss = NeuralNet.X_tensor_type = None
    NeuralNet.__init__ = __init__
    NeuralNet.__getstate__ = __getstate__
    NeuralNet.__reduce__ = __reduce__
