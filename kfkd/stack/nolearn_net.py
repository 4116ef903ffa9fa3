"""Patches of nolearn's NeuralNet: what scikit-learn and pickle expect."""

import copy
import functools
import inspect

from kfkd.stack import nolearn_changes

__all__ = ["patch_net"]


def patch_net(nolearn, restore):
    """Patch NeuralNet so that it prints once, shows in a notebook and pickles.

    ``get_params`` reads every parameter of the constructor, two of which are not kept.
    It returns a dict that claims to hold any key, so that ``set_params`` accepts those
    of layers to come; the table in a notebook needs a plain dict.  A pickle must load
    where kfkd has not been imported; it leaves out compiled functions, which are
    compiled again.
    """
    NeuralNet = nolearn.lasagne.NeuralNet
    init = NeuralNet.__init__
    getstate = NeuralNet.__getstate__
    get_params = NeuralNet.get_params
    set_params = NeuralNet.set_params

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        # The constructor appends to the caller's lists.
        for name in ("on_epoch_finished", "on_training_started"):
            if isinstance(kwargs.get(name), list):
                kwargs[name] = list(kwargs[name])
        if "eval_size" in kwargs and not hasattr(self, "train_test_split"):
            # The constructor sets it on the split, by default that of all nets.
            given = inspect.signature(init).bind(self, *args, **kwargs)
            given.apply_defaults()
            split = copy.deepcopy(given.arguments["train_split"])
            given.arguments["train_split"] = split
            return init(*given.args, **given.kwargs)
        init(self, *args, **kwargs)

    @functools.wraps(get_params)
    def get_params_as_dict(self, deep=True):
        return dict(get_params(self, deep))

    @functools.wraps(set_params)
    def set_any_params(self, **params):
        known = self.get_params()
        new = [name for name in params if name not in known and "__" not in name]
        vars(self).update((name, params.pop(name)) for name in new)
        self._kwarg_keys = [*self._kwarg_keys, *new]
        return set_params(self, **params)

    def __getstate__(self):
        compiled = ("train_iter_", "eval_iter_", "predict_iter_", "_initialized")
        left_out = (*compiled, "_get_output_fn_cache", *nolearn_changes.UNPICKLED)
        return {k: v for k, v in getstate(self).items() if k not in left_out}

    def __reduce__(self):
        return restore, (type(self),), self.__getstate__()

    NeuralNet.loss = NeuralNet.X_tensor_type = None
    NeuralNet.__init__ = __init__
    NeuralNet.get_params = get_params_as_dict
    NeuralNet.set_params = set_any_params
    NeuralNet.__getstate__ = __getstate__
    NeuralNet.__reduce__ = __reduce__
