"""Weights of a net: taken over from another net, and pickled with the definition."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import nolearn.lasagne as nolearn
import numpy as np
import sklearn.exceptions
import theano
from lasagne.layers import Layer

from kfkd.arguments import check
from kfkd.errors import ArgumentError, KfkdError
from kfkd.files import pickles
from kfkd.files.weights import load_params
from kfkd.stack.lasagne_dev.parameters import without_drawing
from kfkd.stack.nolearn_changes import check_layers
from kfkd.stack.nolearn_types import as_dtype
from kfkd.training import provenance
from kfkd.training.seeding import seeded_initialization

__all__ = ["NotFittedError", "WeightsMixin", "shapes"]


class NotFittedError(KfkdError, sklearn.exceptions.NotFittedError):
    """A net has no weights yet."""


def shapes(weights):
    """Return the shapes of weights by layer, as from ``get_all_params_values``."""
    return {name: [np.shape(v) for v in values] for name, values in weights.items()}


def _finite(name, value, dtype):
    """Return a weight in the type of a parameter, or raise ArgumentError."""
    found = as_dtype(name, np.asarray(value), np.dtype(dtype))
    if not np.isfinite(found).all():
        raise ArgumentError(f"{name} has values that are not finite")
    return found


class WeightsMixin:
    """What `kfkd.estimator.NeuralNet` does with weights."""

    trained_on_: Sequence[dict[str, Any]] = ()

    def load_params_from(
        self, source: nolearn.NeuralNet | Mapping | str | os.PathLike[str]
    ) -> None:
        """Copy the parameters of layers of the same names from another net.

        Parameters
        ----------
        source : NeuralNet, dict or path
            A net, what its ``get_all_params_values`` returns, or a file of either.
            Layers that are in one of the two only are passed over, and so is an
            output layer of another shape, so that a net can start from one that was
            trained on other columns.

        The net's ``trained_on_`` goes on with that of the other net.  What weights
        without a net were trained on is unknown.

        Raises
        ------
        ArgumentError
            If another layer differs in shape, a value is not a finite number, or
            nothing could be taken over.  The net is unchanged then.
        NotFittedError
            If the net to load from has no weights yet.
        StorageError
            If the file cannot be read, or holds something else.
        """
        self.initialize()
        if isinstance(source, (str, os.PathLike)):
            source = load_params(source)
        given = source
        if isinstance(source, nolearn.NeuralNet):
            trained = hasattr(source, "layers_")
            source = source.get_all_params_values() if trained else None
            if source is None:
                raise NotFittedError("The net to load from has no weights yet")
        wanted = "a net, a dict of the parameters of layers, or the path of either"
        check("source", source, isinstance(source, Mapping), wanted)
        taken = []
        for name, values in source.items():
            layer = self.layers_.get(name)
            if layer is None:
                continue
            params = layer.get_params()
            ours = [param.get_value(borrow=True).shape for param in params]
            theirs = [np.shape(value) for value in values]
            if ours == theirs:
                for i, (param, value) in enumerate(zip(params, values, strict=True)):
                    part = f"parameter {i} of layer {name!r}"
                    taken.append((param, _finite(part, value, param.dtype)))
            elif layer not in self._output_layers:
                raise ArgumentError(
                    f"The parameters of layer {name!r} have the shapes {theirs} in the "
                    f"source, but {ours} in this net"
                )
        if not taken and any(source.values()):
            raise ArgumentError(
                f"None of the source's layers ({', '.join(source)}) fits this net's "
                f"({', '.join(self.layers_)})"
            )
        for param, value in taken:
            param.set_value(value)
        self.trained_on_ = provenance.taken_over(self, given)

    def save_params_to(self, fname: str | os.PathLike[str]) -> None:
        """Pickle the parameters by layer into a file, for `load_params_from`.

        Raises
        ------
        NotFittedError
            If the net has no weights yet.
        StorageError
            If the file cannot be written; an old one is unchanged.
        """
        if not hasattr(self, "layers_"):
            raise NotFittedError("The net has no weights yet, so there is none to save")
        pickles.dump(self.get_all_params_values(), fname)

    def get_all_params_values(self) -> Mapping[str, Any]:
        """Return the values of the parameters, a list for each layer by its name.

        Raises
        ------
        NotFittedError
            If the net has no weights yet.
        """
        if not hasattr(self, "layers_"):
            raise NotFittedError("The net has no weights yet; call fit first")
        return super().get_all_params_values()

    def __getstate__(self):
        state = super().__getstate__()
        # A shallow copy has a history of its own, as it has weights of its own.
        state["train_history_"] = list(self.train_history_)
        if isinstance(self.layers[0], Layer):
            return state  # without a definition to make the layers from
        if "layers_" in state:
            state["_values"], state["_tags"] = (
                self.values_to_save(),
                self.tags_to_save(),
            )
            del state["layers_"], state["_output_layers"]
        return state

    def __setstate__(self, state):
        values, tags = state.pop("_values", None), state.pop("_tags", None)
        self.__dict__.update(state)
        if values is not None:
            self.make_from(values, tags)
        elif hasattr(self, "layers_"):
            self.initialize()

    def values_to_save(self) -> Mapping[str, Any]:
        """Return the weights for `make_from`.

        Raises
        ------
        StateError
            If the definition has been changed, so that its layers would be others.
        """
        check_layers(self)
        return self.get_all_params_values()

    def tags_to_save(self) -> dict[str, list[list[str]]]:
        """Return the tags of the weights by layer, such as "trainable".

        A program may change them, so that weights are no longer trained.
        """
        return {
            name: [sorted(map(str, tags)) for tags in layer.params.values()]
            for name, layer in self.layers_.items()
        }

    def make_from(
        self,
        values: Mapping[str, Any],
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        """Make the layers of a net that has none, with these weights.

        Parameters
        ----------
        values : dict
            What `values_to_save` of a net with the same definition returned.
        tags : dict, optional
            What `tags_to_save` of it returned; by default those of new layers.

        Raises
        ------
        ValueError
            If they are not those of this net's layers.
        """
        # No more memory is used than the weights need, however large a definition is.
        missing = Counter(np.shape(value) for part in values.values() for value in part)

        def take(shape):
            if not missing[shape]:
                raise ValueError(f"no weights, or too few, have the shape {shape}")
            missing[shape] -= 1
            return np.zeros(shape, theano.config.floatX)

        # What is drawn all the same, as by functions of a user, is overwritten, too.
        with seeded_initialization(0), without_drawing(take):
            self.initialize()
        theirs, ours = shapes(values), shapes(self.get_all_params_values())
        if theirs != ours:
            raise ValueError(f"the weights have the shapes {theirs}, not {ours}")
        for name, layer_values in values.items():
            params = self.layers_[name].get_params()
            for param, value in zip(params, layer_values, strict=True):
                # Saved in another floatX, they are rounded to this one.
                part = f"a weight of layer {name!r}"
                param.set_value(
                    as_dtype(part, np.asarray(value), np.dtype(param.dtype))
                )
        for name, layer_tags in (tags or {}).items():
            ours = self.layers_[name].params.values()
            for own, given in zip(ours, layer_tags, strict=True):
                own.clear()
                own.update(given)
