"""Clones of nolearn's NeuralNet: what it was made from, before training changed it."""

import copy
import pickle

from kfkd.stack.nolearn_subclasses import arguments

__all__ = ["patch_clones"]


class _Originals:
    """Copies of what a net's parameters hold, as it was before training.

    Callbacks remember losses and weights, iterators and splits draw random numbers,
    shared variables are set, and layers that were given as such learn.
    """

    def __init__(self, net):
        self.parts = [*_parts(net)]
        self.copies = copy.deepcopy(self.parts, {id(net): net})

    def __getstate__(self):
        """Return those that training has changed, so that a pickle stays small."""
        pairs = zip(self.parts, self.copies, strict=True)
        changed = [pair for pair in pairs if not _are_same(*pair)]
        return {
            "parts": [part for part, _ in changed],
            "copies": [copy for _, copy in changed],
        }

    def memo(self):
        """Return what `copy.deepcopy` takes for a fresh copy of each part."""
        copies = copy.deepcopy(self.copies)
        return dict(zip(map(id, self.parts), copies, strict=True))


def _are_same(one, other):
    """Return whether two values are the same to all that can be seen from outside."""
    if one is other:
        return True
    try:
        return pickle.dumps(one) == pickle.dumps(other)
    except Exception:  # pickle raises many things
        return False


def _parts(net):
    """Yield the parameters of a net, and the items of those that are lists."""
    for value in net.get_params(deep=False).values():
        yield from value if isinstance(value, (list, tuple)) else [value]


def patch_clones(nolearn):
    """Patch NeuralNet so that a clone is not trained, whatever its parameters hold.

    All are copied at once, so that callbacks that belong together still do.  The two
    that the constructor adds are left out.
    """
    NeuralNet = nolearn.lasagne.NeuralNet
    printers = (nolearn.lasagne.PrintLog, nolearn.lasagne.PrintLayerInfo)
    initialize = NeuralNet.initialize

    def initialize_and_keep_originals(self):
        if "_originals" not in vars(self):
            try:
                self._originals = _Originals(self)
            except Exception:  # a part cannot be copied, and so the net not be cloned
                self._originals = None
        initialize(self)

    def __sklearn_clone__(self):
        originals = vars(self).get("_originals")
        memo = originals.memo() if originals else {}
        clone = object.__new__(type(self))
        params = self.get_params(deep=False)
        params = copy.deepcopy(params, memo | {id(self): clone})
        given = arguments(self, params)
        clone._passed = [*given]
        if self.verbose:
            for name in given.keys() & {"on_epoch_finished", "on_training_started"}:
                given[name] = [h for h in given[name] if type(h) not in printers]
        clone.__init__(**given)
        vars(clone).update({k: v for k, v in params.items() if k not in given})
        clone._kwarg_keys = list(self._kwarg_keys)
        for name in ("_metadata_request", "_sklearn_output_config"):
            if name in vars(self):  # as scikit-learn's own clones have them
                setattr(clone, name, copy.deepcopy(getattr(self, name)))
        return clone

    NeuralNet.initialize = initialize_and_keep_originals
    NeuralNet.__sklearn_clone__ = __sklearn_clone__
