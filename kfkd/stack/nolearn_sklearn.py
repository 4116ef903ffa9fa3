"""Patches of what scikit-learn asks a nolearn net: parameters, kind, classes, state."""

import copy
import functools

import numpy as np
from sklearn.utils import ClassifierTags, RegressorTags

from kfkd.errors import ArgumentError
from kfkd.stack.nolearn_labels import n_classes
from kfkd.stack.nolearn_options import all_options, names, takes_any

__all__ = ["patch_params", "patch_tags"]


def _is_open(net):
    """Return whether the constructor takes options of layers as further keywords."""
    return takes_any(type(net).__init__)


def patch_params(nolearn):
    """Patch NeuralNet so that all its parameters can be read, set and shown.

    ``get_params`` returned a dict that claims to hold any key, so that ``set_params``
    accepts those of layers to come; the table in a notebook needs a plain dict.  It
    copied the list of layers, for scikit-learn's clone, which :mod:`.nolearn_clones`
    replaces.  Of a subclass it read only what its own constructor names.
    """
    NeuralNet = nolearn.lasagne.NeuralNet
    set_params = NeuralNet.set_params

    @functools.wraps(NeuralNet.get_params)
    def get_params(self, deep=True):
        return super(NeuralNet, self).get_params(deep=deep)

    @functools.wraps(set_params)
    def set_any_params(self, **params):
        known = self.get_params()
        for name in [name for name in params if name not in known]:
            part, _, attribute = name.partition("__")
            if not attribute and _is_open(self):  # an option of a layer to come
                setattr(self, name, params.pop(name))
                self._kwarg_keys = [*self._kwarg_keys, name]
            elif part in known and not hasattr(known[part], "set_params"):
                if not hasattr(known[part], attribute):
                    raise ArgumentError(f"{part} has no attribute {attribute}")
                # Such as the size of batches; nets may share an iterator.
                setattr(self, part, copy.copy(known[part]))
                setattr(getattr(self, part), attribute, params.pop(name))
        return set_params(self, **params)

    def _get_param_names(self):
        named = sorted(names(type(self)))
        if not _is_open(self):
            return named
        others = sorted(all_options(self) - {*named, *self._kwarg_keys})
        return [*named, *self._kwarg_keys, *others]

    NeuralNet.get_params = get_params
    NeuralNet.set_params = set_any_params
    NeuralNet._get_param_names = _get_param_names


def _n_classes(net):
    """Return the number of a fitted classifier's classes, or raise AttributeError."""
    outputs = vars(net).get("_output_layers", ())
    if net.regression or len(outputs) != 1:
        raise AttributeError(
            f"{type(net).__name__} has no classes_: it is not a fitted classifier"
        )
    return n_classes(net)


def patch_tags(nolearn):
    """Patch NeuralNet so that scikit-learn treats it as a classifier or regressor.

    It was neither: splits were not stratified, ensembles refused it, scores that need
    probabilities failed, and each net passed for fitted.
    """
    NeuralNet = nolearn.lasagne.NeuralNet

    def __sklearn_tags__(self):
        tags = super(NeuralNet, self).__sklearn_tags__()
        tags.target_tags.required = True
        tags.non_deterministic = True  # weights are drawn without a random_state
        tags.input_tags.dict = tags.input_tags.three_d_array = True
        if self.regression:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
            tags.target_tags.multi_output = True
        else:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags

    def __sklearn_is_fitted__(self):
        return bool(getattr(self, "_initialized", False))

    def classes(self):
        """Return the labels of the outputs, in their order; a regressor has none."""
        given = vars(self).get("classes_")
        return np.arange(_n_classes(self)) if given is None else given

    def set_classes(self, labels):  # as nolearn's fit does
        vars(self)["classes_"] = labels

    NeuralNet.__sklearn_tags__ = __sklearn_tags__
    NeuralNet.__sklearn_is_fitted__ = __sklearn_is_fitted__
    NeuralNet.classes_ = property(classes, set_classes)
