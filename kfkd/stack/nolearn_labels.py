"""Labels of any kind as numbers, which stay the same in all trainings of a net."""

import contextlib
import functools

import numpy as np
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.multiclass import check_classification_targets

from kfkd.errors import ArgumentError

__all__ = ["encode_labels", "patch_labels"]


def encode_labels(net, y):
    """Return labels of any kind as numbers, the same ones in each training of a net.

    Raises
    ------
    ArgumentError
        If there is a label that the first training, or ``classes``, did not have, or
        the values are not labels.
    """
    try:
        with np.errstate(invalid="ignore"):  # of values that are missing
            check_classification_targets(y)
        if not hasattr(net, "enc_"):
            net.enc_ = LabelEncoder().fit(y)
            net.classes_ = net.enc_.classes_
    except (TypeError, ValueError) as error:  # labels of several types, for one
        raise ArgumentError(f"y: {error}") from error
    known = np.isin(y, net.enc_.classes_)
    if not known.all():
        raise ArgumentError(
            f"y has the label {y[~known][0]!r}, which is not among those that the net "
            f"was first trained with: {', '.join(map(str, net.enc_.classes_))}"
        )
    return net.enc_.transform(y).astype(np.int32)


def patch_labels(nolearn):
    """Patch NeuralNet so that ``partial_fit`` keeps the labels of earlier trainings.

    Each batch had an encoder of its own: without one of the classes, it gave the others
    numbers of their own.
    """
    NeuralNet = nolearn.lasagne.NeuralNet
    partial_fit = NeuralNet.partial_fit

    @functools.wraps(partial_fit)
    def partial_fit_with_labels(self, X, y, classes=None):
        if not self.use_label_encoder:
            return partial_fit(self, X, y)
        if self.check_input:
            X, y = self._check_good_input(X, y)
        if classes is not None:
            encode_labels(self, np.asarray(classes))
        y = encode_labels(self, np.asarray(y))
        self.initialize()
        with contextlib.suppress(KeyboardInterrupt):
            self.train_loop(X, y, epochs=1)
        return self

    NeuralNet.partial_fit = partial_fit_with_labels
