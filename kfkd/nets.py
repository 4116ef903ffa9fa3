"""The nets of the tutorial, each written as the difference from an earlier one.

>>> from kfkd.data import load2d
>>> from kfkd.nets import net6
>>> net6.fit(*load2d())

``make`` gives a fresh one, with changes if wanted.
"""

import inspect
from typing import Any

import numpy as np
import theano
from lasagne import layers
from lasagne.updates import nesterov_momentum
from nolearn.lasagne import objective

from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import AdjustVariable, EarlyStopping
from kfkd.choices import NETS
from kfkd.errors import ArgumentError
from kfkd.estimator import NeuralNet
from kfkd.messages import nearest

__all__ = [
    "NETS",
    "float32",
    "make",
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


def _net1():
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


def _net2():
    """Return net2: convolutions (section "Second model")."""
    definition = _net1()
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


def _net3():
    """Return net3: net2 with flipped images (section "Data augmentation")."""
    return _net2() | dict(
        batch_iterator_train=FlipBatchIterator(batch_size=128),
        max_epochs=3000,
    )


def _net4():
    """Return net4: net2 with learning rate and momentum changing over time."""
    return _net2() | dict(
        update_learning_rate=theano.shared(float32(0.03)),
        update_momentum=theano.shared(float32(0.9)),
        on_epoch_finished=[
            AdjustVariable("update_learning_rate", start=0.03, stop=0.0001),
            AdjustVariable("update_momentum", start=0.9, stop=0.999),
        ],
        max_epochs=3000,
    )


def _net5():
    """Return net5: net4 with flipped images."""
    return _net4() | dict(batch_iterator_train=FlipBatchIterator(batch_size=128))


def _net6():
    """Return net6: net5 with dropout (section "Dropout")."""
    return _net5() | dict(
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


def _net7():
    """Return net7: net6 with twice the hidden units."""
    return _net6() | dict(hidden4_num_units=1000, hidden5_num_units=1000)


def _net8():
    """Return net8: net7 with early stopping (section "Training specialists")."""
    definition = _net7()
    return definition | dict(
        on_epoch_finished=[
            *definition["on_epoch_finished"],
            EarlyStopping(patience=200),
        ],
    )


def _net12():
    """Return net12: net7 trained for longer."""
    return _net7() | dict(max_epochs=10000)


_DEFINITIONS = {name: globals()[f"_{name}"] for name in NETS}


def make(name: str, **changes: Any) -> NeuralNet:
    """Return a fresh net of the tutorial, with some parameters changed.

    Parameters
    ----------
    name : str
        One of `NETS`.
    **changes
        Parameters of the net (``max_epochs=100``), of a layer (``dropout2_p=0.3``), of
        the update rule (``update_momentum=0.95``) or of the objective
        (``objective_l2=0.001``).

    Returns
    -------
    NeuralNet
        Not trained, sharing nothing with other nets.

    Raises
    ------
    ArgumentError
        If there is no such net or parameter; the message lists the nets, or names the
        closest parameter.
    """
    if not isinstance(name, str) or name not in _DEFINITIONS:
        raise ArgumentError(f"There is no net {name!r}; the nets are {', '.join(NETS)}")
    definition = _DEFINITIONS[name]() | changes
    try:
        known = _parameters(definition)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{name} cannot be made with layers, update or objective of another kind "
            f"than Lasagne's: {error}"
        ) from error
    for parameter in changes:
        if parameter not in known:
            near = nearest(parameter, known)
            raise ArgumentError(
                f"{name} has no parameter {parameter!r}"
                + (f"; did you mean {near!r}?" if near else "")
            )
    # Other layers may leave parameters of the tutorial's without use.
    return NeuralNet(**{key: definition[key] for key in definition if key in known})


# What nolearn hands to layers, update rule and objective by itself.
_GIVEN = {"self", "incoming", "name", "loss_or_grads", "params"}
_GIVEN |= {"layers", "target", "deterministic"}


def _parameters(definition):
    """Return the names of all parameters that a net of this definition takes."""
    names = {*inspect.signature(NeuralNet).parameters, "log_every"}
    names -= {"kwargs", "loss", "X_tensor_type"}  # which nolearn has removed
    takers = dict(definition["layers"]) | {
        "update": definition["update"],
        "objective": definition.get("objective", objective),
    }
    for prefix, taker in takers.items():
        names |= {f"{prefix}_{name}" for name in _arguments(taker) - _GIVEN}
    return names


def _arguments(taker):
    """Return the names of the arguments of a function, or of a class and its bases."""
    # Layers hand on what they do not know to the class above.
    functions = [taker]
    if inspect.isclass(taker):
        functions = [cls.__init__ for cls in taker.__mro__ if cls is not object]
    return {
        argument.name
        for function in functions
        for argument in inspect.signature(function).parameters.values()
        if argument.kind is argument.POSITIONAL_OR_KEYWORD
    }


net1 = make("net1")
net2 = make("net2")
net3 = make("net3")
net4 = make("net4")
net5 = make("net5")
net6 = make("net6")
net7 = make("net7")
net8 = make("net8")
net12 = make("net12")
