"""Patches of how nolearn's NeuralNet makes its layers, updates and objective."""

import functools
import itertools
import pydoc

import numpy as np

from kfkd.errors import ArgumentError
from kfkd.stack.nolearn_options import options

__all__ = ["patch_layers"]


def _unique(name, names):
    """Return a name, with a number if it is among *names*."""
    numbered = (f"{name}_{i}" for i in itertools.count(2))
    return next(n for n in itertools.chain([name], numbered) if n not in names)


def patch_layers(theano, lasagne, nolearn):
    """Patch NeuralNet so that it has all layers, and takes NumPy's numbers.

    Of layers with one name, only the last was trained and saved.  NumPy's numbers and
    arrays are of float64, in which all that depends on them would be computed.
    """
    NeuralNet, Layer = nolearn.lasagne.NeuralNet, lasagne.layers.Layer
    initialize_layers = NeuralNet.initialize_layers

    def plain(value):
        """Return a parameter in the precision that Theano computes with."""
        if isinstance(value, np.generic) or (
            isinstance(value, np.ndarray) and not value.ndim
        ):
            number = value.item()
            return float(number) if isinstance(number, np.floating) else number
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return value.astype(theano.config.floatX)
        return value

    @functools.wraps(NeuralNet._get_params_for)
    def get_plain_params_for(self, name):
        return {
            key.removeprefix(f"{name}_"): plain(value)
            for key, value in options(self, name).items()
        }

    @functools.wraps(initialize_layers)
    def initialize_all_layers(self, layers=None):
        if layers is not None:
            self.layers = layers
        given = self.layers
        if not isinstance(given[0], Layer):
            try:
                self.layers = [_each_option(plain, _found(entry)) for entry in given]
                return initialize_layers(self)
            finally:
                self.layers = given
        made = initialize_layers(self)
        self.layers_.clear()
        for output in given:
            for i, layer in enumerate(lasagne.layers.get_all_layers(output)):
                if layer not in self.layers_.values():
                    name = layer.name or self._layer_name(type(layer), i)
                    self.layers_[_unique(name, self.layers_)] = layer
        return made

    NeuralNet._get_params_for = get_plain_params_for
    NeuralNet.initialize_layers = initialize_all_layers


def _found(entry):
    """Return the entry of a layer, whose class may be given by its name."""
    kind, options = entry if isinstance(entry[1], dict) else reversed(entry)
    if isinstance(kind, str) and pydoc.locate(kind) is None:
        raise ArgumentError(f"{kind!r} of the layer {options!r} cannot be imported")
    return entry


def _each_option(function, entry):
    """Apply a function to the options of a layer: of ``(kind, options)``."""
    first, second = entry
    if not isinstance(second, dict):  # (name, kind)
        return entry
    return first, {name: function(value) for name, value in second.items()}
