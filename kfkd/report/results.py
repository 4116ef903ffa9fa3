"""Losses and scores of trained nets."""

import contextlib

import numpy as np

from kfkd import data, prediction
from kfkd.history import to_rmse
from kfkd.prediction import scoring, submission

__all__ = [
    "constant_error",
    "held_out_scores",
    "plain_losses",
    "test_scores",
]


def plain_losses(net, X, y):
    """Return losses without dropout, of the net as it is.

    Parameters
    ----------
    net : NeuralNet
    X : array, shape (n, 9216)
    y : array, shape (n, 30)
        What it was trained and validated on.

    Returns
    -------
    train, both : float
        Of the training part, and of training and validation part together.
    """
    predicted = net.predict(net.reshape_input(X))
    squares = ((predicted - y) ** 2).mean(axis=1, dtype=np.float64)
    train, *_ = net.train_split(squares, y, net)
    return float(train.mean()), float(squares.mean())


def constant_error(net, y):
    """Return the RMSE in pixels, in validation, of the mean of the training part."""
    train, rest, _, _ = net.train_split(y, y, net)
    loss = ((rest - train.mean(axis=0)) ** 2).mean(dtype=np.float64)
    return float(to_rmse(loss))


def test_scores(nets, folder):
    """Return Kaggle's score of nets on the test set, if its labels are there.

    Parameters
    ----------
    nets : dict of str to NeuralNet or set of specialists
    folder : path or None
        Where the data are; ``test_labels.csv`` is looked for beside ``test.csv``.

    Returns
    -------
    dict of str to float
        In pixels; empty without labels.

    Raises
    ------
    DataError
        A file that is there is faulty.
    """
    try:
        labels_path = data.find("test", folder).with_name("test_labels.csv")
    except data.DataError:
        return {}
    if not labels_path.is_file():
        return {}
    labels = scoring.read_labels(labels_path)
    with contextlib.suppress(data.NoDataError):
        labels = scoring.asked_for(labels, submission.read_lookup(folder))
    return {
        name: scoring.score(prediction.predict_test_set(net, folder), labels)
        for name, net in nets.items()
    }


test_scores.__test__ = False


def held_out_scores(nets, holdout, folder):
    """Return Kaggle's score of nets on the rows that were held out.

    Parameters
    ----------
    nets : dict of str to NeuralNet or set of specialists
    holdout : float
        As for ``kfkd.data.load_held_out``.
    folder : path or None

    Returns
    -------
    dict of str to float
        In pixels; empty if nothing was held out, or nothing that has labels.
    """
    if not holdout:
        return {}
    X, y = data.load_held_out(holdout, folder=folder)
    if np.isnan(y).all():
        return {}
    return {
        name: scoring.score(*scoring.evaluate(net, X, y)) for name, net in nets.items()
    }
