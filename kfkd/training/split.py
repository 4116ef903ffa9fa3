"""The split of the data for training and validation, by a net's ``train_split``."""

import numpy as np
from nolearn.lasagne import TrainSplit

from kfkd.errors import ArgumentError
from kfkd.messages import shown
from kfkd.stack.nolearn_data import n_samples
from kfkd.stack.nolearn_labels import encode_labels
from kfkd.training.inputs import as_array, as_arrays, check_values, takes_missing
from kfkd.training.targets import as_targets

__all__ = ["split"]


def split(net, X, y):
    """Return (X, y) to train on and (X, y) to validate on.

    Raises
    ------
    ArgumentError
        If a split of the user's own returns what the net cannot be trained with.
    """
    parts = net.train_split(X, y, net)
    if type(net.train_split) is not TrainSplit:
        if not isinstance(parts, (tuple, list)) or len(parts) != 4:
            raise ArgumentError(
                f"train_split has returned {shown(parts)}; it must return X_train, "
                "X_valid, y_train, y_valid"
            )
        parts = _checked(net, *parts)
    X_train, X_valid, y_train, y_valid = parts
    if not n_samples(X_train):
        raise ArgumentError("train_split leaves no samples to train on")
    if takes_missing(net):
        for kind, y in (("train", y_train), ("validate", y_valid)):
            if len(y) and np.isnan(y).all():
                raise ArgumentError(f"train_split leaves no labels to {kind} on")
    return (X_train, y_train), (X_valid, y_valid)


def _checked(net, X_train, X_valid, y_train, y_valid):
    found = []
    for kind, X, y in (("train", X_train, y_train), ("valid", X_valid, y_valid)):
        if X is None or not n_samples(X):
            found.append((_none(X_train), _none(y_train)))
            continue
        try:
            X, y = as_arrays(X), as_array("y", y)
            if net.check_input:
                check_values(net, X, y)
                X, y = net._check_good_input(X, y)
            if net.use_label_encoder and y.dtype.kind in "OSU":
                y = encode_labels(net, y)  # validation data from elsewhere
            y = as_targets(net, y)
        except ValueError as error:
            text = f"train_split, X_{kind} and y_{kind}: {error}"
            raise ArgumentError(text) from error
        found.append((X, y))
    (X_train, y_train), (X_valid, y_valid) = found
    return X_train, X_valid, y_train, y_valid


def _none(data):
    """Return no rows of data."""
    return {k: v[:0] for k, v in data.items()} if isinstance(data, dict) else data[:0]
