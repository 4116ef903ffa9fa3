"""What trained nets have come to, in numbers."""

import contextlib
import math
import statistics

import numpy as np

from kfkd import data, prediction
from kfkd.data import SIDE
from kfkd.prediction import scoring, submission

__all__ = [
    "Result",
    "constant_error",
    "held_out_scores",
    "pixels",
    "plain_losses",
    "test_scores",
    "weighted_mean",
]


def pixels(loss):
    """Return a mean squared error in [-1, 1] as RMSE in pixels."""
    return SIDE / 2 * math.sqrt(loss)


class Result:
    """What the history of a training tells.

    Parameters
    ----------
    net : NeuralNet
        With a ``train_history_``.

    Attributes
    ----------
    history : list of dict
    last, best : dict
        Its last row, and that with the lowest validation loss.
    seconds : float
        Of all epochs.
    epoch_seconds : float
        Of the median epoch; the first, for which programs are made, counts only if
        there is no other.
    """

    def __init__(self, net):
        self.history = net.train_history_
        self.last = self.history[-1]
        self.best = min(
            self.history, key=lambda row: np.nan_to_num(row["valid_loss"], nan=np.inf)
        )
        durations = [row["dur"] for row in self.history]
        self.seconds = sum(durations)
        self.epoch_seconds = statistics.median(durations[1:] or durations)

    def at(self, epoch):
        """Return the row of an epoch, or None if training ended sooner."""
        return self.history[epoch - 1] if epoch <= len(self.history) else None


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
    predicted = net.predict(X.reshape(-1, *net.input_shape[1:]))
    squares = ((predicted - y) ** 2).mean(axis=1, dtype=np.float64)
    train, *_ = net.train_split(squares, y, net)
    return float(train.mean()), float(squares.mean())


def constant_error(net, y):
    """Return the RMSE in pixels, in validation, of the mean of the training part."""
    train, rest, _, _ = net.train_split(y, y, net)
    return pixels(((rest - train.mean(axis=0)) ** 2).mean(dtype=np.float64))


def weighted_mean(specialists):
    """Return the mean of specialists' best errors in pixels, weighted by columns."""
    errors = [pixels(Result(net).best["valid_loss"]) for net in specialists.values()]
    return float(np.average(errors, weights=[len(columns) for columns in specialists]))


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
