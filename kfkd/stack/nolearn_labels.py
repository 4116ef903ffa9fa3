"""Labels of any kind as numbers, and the classes that outputs stand for."""

import contextlib
import functools

import numpy as np
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.multiclass import check_classification_targets

from kfkd.errors import ArgumentError

__all__ = [
    "accuracy",
    "as_labels",
    "encode_labels",
    "gives_probabilities",
    "has_one_output",
    "n_classes",
    "note_classes",
    "patch_labels",
    "predicted_classes",
    "with_both_classes",
]

# Layers with classes along the last axis.
_OF_STEPS = ("DenseLayer", "CustomRecurrentLayer", "LSTMLayer", "GRULayer")
# Layers with classes along axis 1.
_OF_PLACES = ("BaseConvLayer", "Conv1DLayer", "Conv2DLayer", "NINLayer")
_theano = _lasagne = None  # once they are imported


def encode_labels(net, y):
    """Return labels of any kind as numbers, the same ones in each training of a net.

    Raises
    ------
    ArgumentError
        If there is a label that the first training, or ``classes``, did not have, or
        the values are not labels.
    """
    if y.ndim > 1 and y.shape[1:] != (1,):
        raise ArgumentError(
            f"y has the shape {y.shape}; use_label_encoder takes a vector of labels"
        )
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
        other = y[~known].tolist()[0]
        raise ArgumentError(
            f"y has the label {other!r}, which is not among those that the net "
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
    none = [None, *(getattr(_lasagne.nonlinearities, name) for name in others)]
    return not any(layer.nonlinearity is function for function in none)


def _class_axis(layer):
    """Return the axis of a layer's outputs along which there is one for each class.

    That is 1, as of convolutions too, but for the steps of a sequence the last.
    """
    axis, size = len(layer.output_shape) - 1, layer.output_shape[-1]
    of_steps, of_places = (
        tuple(getattr(_lasagne.layers, name) for name in names)
        for names in (_OF_STEPS, _OF_PLACES)
    )
    # What follows may be a reshape, a nonlinearity, a normalization or a sum.
    while not isinstance(layer, of_steps + of_places):
        below = getattr(layer, "input_layers", [getattr(layer, "input_layer", None)])
        if below[0] is None:
            return 1
        layer = below[0]
    is_last = isinstance(layer, of_steps) and layer.output_shape[-1] == size
    return axis if axis > 1 and is_last else 1


def n_classes(net):
    """Return the number of classes that a net's outputs tell apart."""
    layer = net._output_layers[0]
    return max(2, layer.output_shape[_class_axis(layer)] or 0)


def has_one_output(net):
    """Return whether a classifier tells two classes apart by one output."""
    layer = net._output_layers[0]
    return layer.output_shape[_class_axis(layer)] == 1


def _at(values, axis, index):
    return values[(slice(None),) * axis + (index,)]


def predicted_classes(net, outputs):
    """Return the classes that outputs stand for, an array's or a Theano variable's.

    That is the largest output.  One output alone tells class 1 from class 0: it is a
    probability, or, where the layer gives none, positive.
    """
    axis = _class_axis(net._output_layers[0])
    if not has_one_output(net):
        return outputs.argmax(axis=axis)
    return (_at(outputs, axis, 0) > _threshold(net)).astype("int64")


def _threshold(net):
    return 0.5 if gives_probabilities(net._output_layers[0]) else 0


def with_both_classes(net, outputs):
    """Return a classifier's outputs with one for each class, where there is one alone.

    The first is the counterpart of the given one: the larger of them is the class that
    is predicted.
    """
    if isinstance(outputs, tuple) or net.regression or not has_one_output(net):
        return outputs
    axis = _class_axis(net._output_layers[0])
    return np.concatenate([2 * _threshold(net) - outputs, outputs], axis=axis)


def as_labels(net, y):
    """Return the labels of targets that have the shape of the outputs."""
    axis = _class_axis(net._output_layers[0])
    return _at(y, axis, 0) if has_one_output(net) else y.argmax(axis=axis)


def accuracy(net, outputs, y):
    """Return the share of predicted classes that are right, as a Theano expression.

    The targets are labels, or probabilities of each class.
    """
    labels = as_labels(net, y) if y.ndim == outputs.ndim else y
    if has_one_output(net):
        labels = labels > 0.5  # of 0 and 1, of -1 and 1, or of probabilities
    right = _theano.tensor.eq(predicted_classes(net, outputs), labels)
    return _theano.tensor.mean(right)


def note_classes(net, y):
    """Note whether the labels for one output are 0 and 1, or -1 and 1, as ``classes_``.

    Returns
    -------
    bool
        Whether they are, and the same ones as in earlier trainings.  Other nets may
        have any.
    """
    if net.regression or net.use_label_encoder or not has_one_output(net):
        return True
    labels, known = np.unique(y), vars(net).get("classes_")
    pairs = [np.array([0, 1]), np.array([-1, 1])] if known is None else [known]
    fitting = [pair for pair in pairs if np.isin(labels, pair).all()]
    if len(fitting) == 1:  # 1 alone is in both
        net.classes_ = fitting[0]
    return bool(fitting)


def patch_labels(theano, lasagne, nolearn):
    """Patch NeuralNet so that labels are predicted, and stay the same.

    A classifier of one output predicted class 0 alone.  In ``partial_fit``, each batch
    had an encoder of its own: without one of the classes, it gave the others other
    numbers.
    """
    global _theano, _lasagne
    _theano, _lasagne = theano, lasagne
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
        labels = vars(self).get("classes_")
        axis = _class_axis(self._output_layers[0])
        if found.shape[axis] == 1:  # as nolearn's predict_proba has it
            found = predicted_classes(self, found)
        else:
            # Outputs without a label have never been a target.
            labelled = slice(None if labels is None else len(labels))
            found = _at(found, axis, labelled).argmax(axis=axis)
        return found if labels is None else labels[found.clip(max=len(labels) - 1)]

    NeuralNet.predict = predict_classes
    NeuralNet.partial_fit = partial_fit_with_labels
