"""Predictions of a net, and what is computed from them."""

import contextlib

import nolearn.lasagne as nolearn
import numpy as np
import pandas as pd
from lasagne.layers import InputLayer, Layer, get_all_layers
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, r2_score

from kfkd.arguments import check, whole
from kfkd.errors import ArgumentError
from kfkd.messages import hint
from kfkd.process.signals import defer_keyboard_interrupt
from kfkd.progress import Bar
from kfkd.stack.nolearn_batches import batches_in_order, joined
from kfkd.stack.nolearn_data import n_samples
from kfkd.stack.nolearn_labels import as_labels, has_one_output, with_both_classes
from kfkd.training.batches import check_batch
from kfkd.training.inputs import (
    as_array,
    as_arrays,
    check_columns,
    check_lengths,
    check_values,
    takes_missing,
)
from kfkd.training.weights import NotFittedError
from kfkd.xla.device import memory_errors_explained

__all__ = ["PredictionsMixin"]

_NO_WEIGHTS = "The net has no weights yet; call fit or load_params_from first"


class PredictionsMixin:
    """What `kfkd.estimator.NeuralNet` predicts, batch by batch."""

    @staticmethod
    def apply_batch_func(func, Xb, yb=None):
        """Compute one batch, as nolearn does, but never half of it."""
        with defer_keyboard_interrupt():
            return nolearn.NeuralNet.apply_batch_func(func, Xb, yb)

    _apply_batch_func = apply_batch_func

    @memory_errors_explained()
    def predict_proba(self, X):
        """Return the net's outputs; ``predict`` is the same for a regression.

        Of a classifier with one output, there are two columns: the probability of the
        first class, and that of the second, which is the output; without
        probabilities, the output with the sign changed, and the output.

        Parameters
        ----------
        X : array, shape (n, 9216) or (n, 1, 96, 96)
            Grey values in [0, 1].

        Returns
        -------
        array, shape (n, outputs)
            Coordinates in [-1, 1], or a column for each class.

        Raises
        ------
        NotFittedError
            If the net has no weights yet.
        ArgumentError
            If the shape does not fit the net's, or a value is not finite.
        """
        if not self._initialized:
            raise NotFittedError(_NO_WEIGHTS)
        given, X = X, as_arrays(X)
        if self.check_input:
            check_values(self, X)
            check_columns(self, given, X)
            self._check_good_input(X)
        iterator = self.batch_iterator_test
        if hasattr(iterator, "batch_size"):
            whole("batch_iterator_test.batch_size", iterator.batch_size, least=1)
        # As nolearn's, which cannot say how far it is.
        outputs = []
        shown = bool(self.verbose)
        batches = batches_in_order(iterator, X)
        with (
            Bar("predicting", n_samples(X), shown=shown, unit="image") as bar,
            contextlib.closing(batches),
        ):
            for Xb in batches:
                if self.check_input and not outputs:
                    check_batch(self, Xb, "a batch of batch_iterator_test")
                outputs.append(self.apply_batch_func(self.predict_iter_, Xb))
                bar.update(len(outputs[-1][0]))
        if not any(len(output[0]) for output in outputs):
            raise ArgumentError(
                "batch_iterator_test yields no batches of X, or empty ones"
            )
        return with_both_classes(self, joined(outputs))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return predictions: targets, or the labels of a classifier.

        They have one dimension if the y of the latest training had.  Of a classifier
        with several output layers, the first counts, as in its ``valid_accuracy``.  One
        output alone tells class 1 from class 0: it is a probability, or, of a layer
        without a nonlinearity or with `tanh`, positive.  The rest is as for
        `predict_proba`.
        """
        found = super().predict(X)
        is_column = isinstance(found, np.ndarray) and found.shape[1:] == (1,)
        return found[:, 0] if is_column and self._of_vector else found

    def get_output(self, layer: Layer | str, X: ArrayLike) -> np.ndarray:
        """Return the outputs of a layer, given by itself or its name.

        X, and errors, are as for `predict_proba`.
        """
        if not self._initialized:
            raise NotFittedError(_NO_WEIGHTS)
        if isinstance(layer, Layer):
            inputs = [
                part for part in get_all_layers(layer) if isinstance(part, InputLayer)
            ]
            is_ours = all(part in self.layers_.values() for part in inputs)
            check("layer", layer, is_ours, "one of this net's")
        else:
            wanted = f"one of {', '.join(self.layers_)}{hint(layer, self.layers_)}"
            is_name = isinstance(layer, str) and layer in self.layers_
            check("layer", layer, is_name, wanted)
        X = as_arrays(X)
        if self.check_input:
            check_values(self, X)
            self._check_good_input(X)
        return super().get_output(layer, X)

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return the coefficient of determination, or the accuracy of a classifier.

        Parameters
        ----------
        X, y : arrays
            As for `fit`.

        Returns
        -------
        float
            1 for perfect predictions, 0 for those that are no better than the mean.
            Targets that the net's loss may leave out, NaN, are left out of the
            coefficient of their column, too.

        Raises
        ------
        ArgumentError
            If the net has several outputs, besides those of `predict`.

        Notes
        -----
        nolearn hands predictions and truth to ``r2_score`` the wrong way round.
        """
        y = as_array("y", y)
        check_lengths(as_arrays(X), y)
        found = self.predict(X)
        if self.regression and isinstance(found, tuple):
            raise ArgumentError("A net of several outputs has no score of its own")
        try:
            if self.regression:
                # Of images, too.
                y, found = (values.reshape(len(values), -1) for values in (y, found))
                if takes_missing(self) and y.shape == found.shape:
                    return _score_known(y, found)
                return float(r2_score(y, found))
            if y.ndim > found.ndim:  # a column of labels, or probabilities
                y = y[:, 0] if y.shape[1:] == (1,) else as_labels(self, y)
            if (
                y.dtype.kind == "f"
                and not self.use_label_encoder
                and has_one_output(self)
            ):
                y = self.classes_[(y > 0.5).astype(int)]  # of probabilities
            if y.ndim > 1 and y.shape == found.shape:  # such as of steps
                y, found = y.ravel(), found.ravel()
            return float(accuracy_score(y, found))
        except ValueError as error:
            raise ArgumentError(f"y does not fit the predictions: {error}") from error


def _score_known(y, found):
    """Return the mean coefficient of determination of columns, each over what is known.

    That is what `r2_score` returns if all is known.  A column with fewer than two
    values has no coefficient.
    """
    known = ~pd.isna(y)
    columns = zip(y.T, found.T, known.T, strict=True)
    scores = [r2_score(a[k], b[k]) for a, b, k in columns if k.sum() > 1]
    if not scores:
        raise ValueError("no column of it has two labels, which a score needs")
    return float(np.mean(scores))
