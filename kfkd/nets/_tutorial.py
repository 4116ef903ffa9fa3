"""Definitions of the tutorial's nets, each as the difference from an earlier one."""

import numpy as np
import theano
from lasagne import layers
from lasagne.updates import nesterov_momentum

from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import AdjustVariable, EarlyStopping

__all__ = [
    "float32",
    "net1",
    "net2",
    "net3",
    "net4",
    "net5",
    "net6",
    "net7",
    "net8",
    "net12",
]


def float32(k: float) -> np.float32:
    """Return *k* as the float32 that a ``theano.shared`` hyperparameter holds."""
    return np.float32(k)


def net1():
    """Return net1: a single hidden layer (section "First model")."""
    return dict(
        layers=[
            ("input", layers.InputLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 9216),
        hidden_num_units=100,
        output_nonlinearity=None,
        output_num_units=30,
        update=nesterov_momentum,
        update_learning_rate=0.01,
        update_momentum=0.9,
        regression=True,
        max_epochs=400,
        verbose=1,
    )


def net2():
    """Return net2: convolutions (section "Second model")."""
    definition = net1()
    del definition["hidden_num_units"]
    return definition | dict(
        layers=[
            ("input", layers.InputLayer),
            ("conv1", layers.Conv2DLayer),
            ("pool1", layers.MaxPool2DLayer),
            ("conv2", layers.Conv2DLayer),
            ("pool2", layers.MaxPool2DLayer),
            ("conv3", layers.Conv2DLayer),
            ("pool3", layers.MaxPool2DLayer),
            ("hidden4", layers.DenseLayer),
            ("hidden5", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 1, 96, 96),
        conv1_num_filters=32,
        conv1_filter_size=(3, 3),
        pool1_pool_size=(2, 2),
        conv2_num_filters=64,
        conv2_filter_size=(2, 2),
        pool2_pool_size=(2, 2),
        conv3_num_filters=128,
        conv3_filter_size=(2, 2),
        pool3_pool_size=(2, 2),
        hidden4_num_units=500,
        hidden5_num_units=500,
        max_epochs=1000,
    )


def net3():
    """Return net3: net2 with flipped images (section "Data augmentation")."""
    return net2() | dict(
        batch_iterator_train=FlipBatchIterator(batch_size=128),
        max_epochs=3000,
    )


def net4():
    """Return net4: net2 with learning rate and momentum changing over time."""
    return net2() | dict(
        update_learning_rate=theano.shared(float32(0.03)),
        update_momentum=theano.shared(float32(0.9)),
        on_epoch_finished=[
            AdjustVariable("update_learning_rate", start=0.03, stop=0.0001),
            AdjustVariable("update_momentum", start=0.9, stop=0.999),
        ],
        max_epochs=3000,
    )


def net5():
    """Return net5: net4 with flipped images."""
    return net4() | dict(batch_iterator_train=FlipBatchIterator(batch_size=128))


def net6():
    """Return net6: net5 with dropout (section "Dropout")."""
    return net5() | dict(
        layers=[
            ("input", layers.InputLayer),
            ("conv1", layers.Conv2DLayer),
            ("pool1", layers.MaxPool2DLayer),
            ("dropout1", layers.DropoutLayer),
            ("conv2", layers.Conv2DLayer),
            ("pool2", layers.MaxPool2DLayer),
            ("dropout2", layers.DropoutLayer),
            ("conv3", layers.Conv2DLayer),
            ("pool3", layers.MaxPool2DLayer),
            ("dropout3", layers.DropoutLayer),
            ("hidden4", layers.DenseLayer),
            ("dropout4", layers.DropoutLayer),
            ("hidden5", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        dropout1_p=0.1,
        dropout2_p=0.2,
        dropout3_p=0.3,
        dropout4_p=0.5,
    )


def net7():
    """Return net7: net6 with twice the hidden units."""
    return net6() | dict(hidden4_num_units=1000, hidden5_num_units=1000)


def net8():
    """Return net8: net7 with early stopping (section "Training specialists")."""
    definition = net7()
    return definition | dict(
        on_epoch_finished=[
            *definition["on_epoch_finished"],
            EarlyStopping(patience=200),
        ],
    )


def net12():
    """Return net12: net7 trained for longer."""
    return net7() | dict(max_epochs=10000)
