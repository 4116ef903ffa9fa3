"""Checks of the batches that a net is given, by iterators of a user's own too."""

import contextlib

import numpy as np
from lasagne.layers import EmbeddingLayer

from kfkd.arguments import check
from kfkd.data.columns import PIXELS
from kfkd.errors import ArgumentError, KfkdError
from kfkd.messages import count
from kfkd.stack.nolearn_batches import input_layers
from kfkd.stack.nolearn_types import as_dtype
from kfkd.training.inputs import IN_X, check_numbers

__all__ = ["check_batch", "check_batch_of", "explained"]


def check_batch_of(name, net, batch):
    """Raise ArgumentError unless a batch of an iterator is what a net can train on.

    `name` is that of the iterator.
    """
    name = f"a batch of {name}"
    is_pair = isinstance(batch, (tuple, list)) and len(batch) == 2
    check(name, batch, is_pair, "a pair (Xb, yb), as its transform must return it")
    if not net.check_input:
        return
    Xb, yb = batch
    check_batch(net, Xb, name)
    for array in Xb.values() if isinstance(Xb, dict) else [Xb]:
        if np.size(array):
            check_numbers(name, np.asarray(array), IN_X)
    if yb is None:
        raise ArgumentError(f"{name} has no yb, which training needs")
    ndim = net.y_tensor_type("y").ndim
    if np.ndim(yb) != ndim:
        raise ArgumentError(
            f"{name} has a yb of the shape {np.shape(yb)}; the net takes an array of "
            f"{count(ndim, 'dimension')}"
        )


@contextlib.contextmanager
def explained(name, Xb, yb):
    """Raise an ArgumentError with the shapes of a batch that a function fails on."""
    try:
        yield
    except KfkdError:
        raise
    except (IndexError, TypeError, ValueError) as error:
        first, *_ = str(error).splitlines() or [repr(error)]  # without Theano's notes
        raise ArgumentError(
            f"a batch of {name}, with Xb of the shape {_shape(Xb)} and yb of the shape "
            f"{_shape(yb)}: {first}"
        ) from error


def _shape(data):
    if isinstance(data, dict):
        return {name: np.shape(values) for name, values in data.items()}
    return np.shape(data)


def check_batch(net, X, name="X"):
    """Raise ArgumentError unless X is what the net's input layers take.

    `name` is that of X in messages.
    """
    layers = input_layers(net.layers_)
    if isinstance(X, dict):
        if X.keys() != layers.keys():
            raise ArgumentError(
                f"{name} is a dict with {_listed(X) or 'no keys'}; the net takes an "
                f"array for each of its input layers: {_listed(layers)}"
            )
        for key, layer in layers.items():
            _check_shape(f"{name}[{key!r}]", X[key], layer)
            _check_indices(f"{name}[{key!r}]", X[key], layer, net)
        return
    if len(layers) > 1:
        raise ArgumentError(
            f"{name} is one array; the net takes a dict of arrays with the names of "
            f"its input layers: {_listed(layers)}"
        )
    (layer,) = layers.values()
    _check_shape(name, X, layer)
    _check_indices(name, X, layer, net)


def _listed(names):
    return ", ".join(map(repr, names))


def _check_shape(name, array, layer):
    shape, expected = np.shape(array), layer.shape[1:]
    if len(shape) != len(expected) + 1 or not all(
        size in (None, given) for size, given in zip(expected, shape[1:], strict=True)
    ):
        taken = ", ".join(map(str, ("n", *expected)))
        raise ArgumentError(
            f"{name} has the shape {shape}, the net takes ({taken})"
            f"{_advice(shape, expected)}"
        )
    dtype = np.dtype(layer.input_var.dtype)
    if dtype.kind in "iu":  # such as the indices that an EmbeddingLayer takes
        as_dtype(name, np.asarray(array), dtype)


def _check_indices(name, array, layer, net):
    """Raise ArgumentError for an index that an embedding of an input layer lacks."""
    for part in net.layers_.values():
        if isinstance(part, EmbeddingLayer) and part.input_layer is layer:
            size, array = part.input_size, np.asarray(array)
            wrong = np.argwhere((array < -size) | (array >= size))
            if len(wrong):
                place = tuple(wrong[0])
                raise ArgumentError(
                    f"{name} has the index {array[place]} in row {place[0]}; an "
                    f"EmbeddingLayer with input_size={size} takes {-size} to {size - 1}"
                )


def _advice(shape, expected):
    """Return what to do about an array of another shape."""
    if None not in expected and np.prod(expected) == PIXELS:
        return (
            ": kfkd.data.load gives rows of pixels, load2d images, and "
            "net.reshape_input makes one of the other"
        )
    if len(shape) == 1:
        return ". Reshape your data with X.reshape(1, -1) if it is one sample"
    if len(shape) == 2 == len(expected) + 1:
        return (
            f": X has {shape[1]} features, but NeuralNet is expecting {expected[0]} "
            "features as input"
        )
    return ""
