"""A net's functions, each compiled when it is first needed.

A net that is loaded to predict, to be looked at or to start another one from needs
some of its three functions, or none; to compile all takes a second or two.
"""

import functools

import theano
from lasagne.layers import InputLayer, get_output

__all__ = ["Postponed", "postpone", "trained_variables"]


class Postponed:
    """A function that is compiled when it is first called or looked into.

    Parameters
    ----------
    make : callable
        Returns it.
    """

    def __init__(self, make):
        self._make = make

    @functools.cached_property
    def _function(self):
        return self._make()

    def __call__(self, *args, **kwargs):
        """Call the function."""
        return self._function(*args, **kwargs)

    def __getattr__(self, name):
        if name.startswith("__"):  # which asks what this object is
            raise AttributeError(name)
        return getattr(self._function, name)


def postpone(net, create):
    """Return the functions to train, to evaluate and to predict with, postponed.

    Parameters
    ----------
    net : nolearn.lasagne.NeuralNet
    create : callable
        Compiles and returns all three.
    """
    create = functools.cache(create)

    def predicting():
        return create()[2] if create.cache_info().currsize else _predict_function(net)

    return (
        Postponed(lambda: create()[0]),
        Postponed(lambda: create()[1]),
        Postponed(predicting),
    )


def trained_variables(net):
    """Return the shared variables that training a net reads or changes.

    They are the weights, the velocities of the update rule, its learning rate, and the
    random states of the noise layers.
    """
    found = {}
    for function in (net.train_iter_, net.eval_iter_):
        # A function of a user's own need not be Theano's.
        found |= dict.fromkeys(getattr(function, "get_shared", list)())
    return list(found | dict.fromkeys(net.get_all_params()))


def _predict_function(net):
    # The last of what nolearn's _create_iter_funcs compiles.
    inputs = [
        theano.In(layer.input_var, name=layer.name)
        for layer in net.layers_.values()
        if isinstance(layer, InputLayer)
    ]
    return theano.function(
        inputs,
        get_output(net._output_layers, None, deterministic=True),
        allow_input_downcast=True,
        on_unused_input="ignore",
    )
