"""Labels of any kind as numbers, and the classes that outputs stand for."""

import contextlib
import functools

import numpy as np
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.multiclass import check_classification_targets

from kfkd.errors import ArgumentError

__all__ = ["encode_labels", "gives_probabilities", "patch_labels", "predicted_classes"]

_nonlinearities = None  # Lasagne's, once it is imported


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


def gives_probabilities(layer):
    """Return whether the outputs of a layer may be probabilities."""
    shapes = ("lasagne.layers.shape", "lasagne.layers.noise")
    while type(layer).__module__ in shapes and hasattr(layer, "input_layer"):
        layer = layer.input_layer
    if not hasattr(layer, "nonlinearity"):
        return True  # such as of an expression
    others = ("linear", "rectify", "leaky_rectify", "very_leaky_rectify", "tanh")
    none = [None, *(getattr(_nonlinearities, name) for name in others)]
    return not any(layer.nonlinearity is function for function in none)


def predicted_classes(net, outputs):
    """Return the classes that outputs stand for, an array's or a Theano variable's.

    That is the largest output.  One output alone tells class 1 from class 0: it is a
    probability, or, where the layer gives none, positive.
    """
    layer = net._output_layers[0]
    if layer.output_shape[1:] != (1,):
        return outputs.argmax(axis=1)
    threshold = 0.5 if gives_probabilities(layer) else 0
    return (outputs[:, 0] > threshold).astype("int64")


def patch_labels(lasagne, nolearn):
    """Patch NeuralNet so that labels are predicted, and stay the same.

    A classifier of one output predicted class 0 alone.  In ``partial_fit``, each batch
    had an encoder of its own: without one of the classes, it gave the others other
    numbers.
    """
    global _nonlinearities
    _nonlinearities = lasagne.nonlinearities
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

    @functools.wraps(NeuralNet.predict)
    def predict_classes(self, X):
        found = self.predict_proba(X)
        if self.regression:
            return found
        found = found[0] if isinstance(found, tuple) else found
        if not self.use_label_encoder:
            return predicted_classes(self, found)
        labels = self.enc_.classes_
        # Outputs without a label have never been a target.
        known = predicted_classes(self, found[:, : len(labels)])
        return labels[known.clip(max=len(labels) - 1)]

    NeuralNet.predict = predict_classes
    NeuralNet.partial_fit = partial_fit_with_labels
