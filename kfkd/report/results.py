"""Losses and scores of trained nets."""

import contextlib

import numpy as np

from kfkd import data, prediction
from kfkd.history import to_rmse
from kfkd.prediction import scoring, submission

__all__ = ["constant_error", "plain_losses", "score_held_out", "score_test_set"]


def plain_losses(net, X, y):
    """Return losses without dropout: of the training part of X and y, and of both.

    Missing labels are left out.
    """
    predicted = net.predict(net.reshape_input(X))
    squares = (predicted - y).astype(np.float64) ** 2
    train, *_ = net.train_split(squares, y, net)
    return float(np.nanmean(train)), float(np.nanmean(squares))


def constant_error(net, y):
    """Return the RMSE in pixels, in validation, of the mean of the training part."""
    train, rest, _, _ = net.train_split(y, y, net)
    loss = ((rest - train.mean(axis=0)) ** 2).mean(dtype=np.float64)
    return float(to_rmse(loss))


def score_test_set(nets, folder):
    """Return Kaggle's score of each net or set of specialists on the test set.

    The labels are those of ``test_labels.csv`` beside ``test.csv``; without them there
    are no scores.

    Raises
    ------
    DataError
        A file that is there is faulty.
    """
    try:
        path = scoring.find_labels(folder)
    except data.DataError:
        return {}
    if path is None:
        return {}
    labels = scoring.read_labels(path)
    with contextlib.suppress(data.NoDataError):
        labels = scoring.asked_for(labels, submission.read_lookup(folder))
    known = labels.reindex(columns=data.COLUMNS).notna()
    sparse_ids = labels.index[data.sparse_rows(known)]
    predictions = {
        name: prediction.predict_test_set(net, folder, sparse_ids=sparse_ids)
        for name, net in nets.items()
    }
    return {name: scoring.score(table, labels) for name, table in predictions.items()}


def score_held_out(nets, holdout, folder):
    """Return Kaggle's score of each net or set of specialists on the rows held out.

    There are none if no rows are held out, or if these have no labels.
    """
    if not holdout:
        return {}
    X, y = data.load_held_out(holdout, folder=folder)
    if np.isnan(y).all():
        return {}
    return {
        name: scoring.score(*scoring.evaluate(net, X, y)) for name, net in nets.items()
    }
