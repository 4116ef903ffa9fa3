"""A net's functions, each compiled when it is first needed.

A net that is loaded to predict, to be looked at or to start another one from needs
some of its three functions, or none; to compile all takes a second or two.
"""

import functools

import theano
from lasagne.layers import get_output
from theano import tensor

from kfkd import stack
from kfkd.arguments import check
from kfkd.process.forks import fork_safe_rlock
from kfkd.stack.nolearn_batches import input_layers
from kfkd.stack.nolearn_changes import keep_update_state
from kfkd.stack.nolearn_labels import predicted_classes

__all__ = [
    "LazyFunction",
    "compile_lazily",
    "trained_variables",
    "without_debug_checks",
]


def without_debug_checks():
    """Switch off, within a block, checks of graphs that stop every net.

    A user may have them in .theanorc, for graphs of his own: the inputs of a net have
    no test values.
    """
    return theano.config.change_flags(
        check_stack_trace="off", compute_test_value="off", compute_test_value_opt="off"
    )


def _mode():
    """Return the mode of a net's functions: xla, unless the program sets another.

    That of THEANO_FLAGS or .theanorc is for programs that are plain Theano: FAST_RUN,
    which many have there, would take hours for an epoch.
    """
    return "xla" if theano.config.mode == stack.DEFAULT_MODE else None


class LazyFunction:
    """The function that `make` returns, made when it is first called or looked into."""

    def __init__(self, make):
        self._make = make
        self._lock = fork_safe_rlock()

    @functools.cached_property
    def _function(self):
        # One thread at a time: two would train with velocities of their own.
        with self._lock:
            if "_function" not in vars(self):
                with without_debug_checks():
                    vars(self)["_function"] = self._make()
        return vars(self)["_function"]

    def __call__(self, *args, **kwargs):
        """Call the function."""
        return self._function(*args, **kwargs)

    def __getattr__(self, name):
        if name.startswith("__"):  # which asks what this object is
            raise AttributeError(name)
        return getattr(self._function, name)


def compile_lazily(net, layers, objective, update, output_type):
    """Return functions that train, evaluate and predict, compiled when first called.

    The arguments are those of nolearn's ``_create_iter_funcs``, whose graphs these are.
    If parameters change that they depend on, ``initialize`` asks for new ones.
    """
    images = [
        theano.In(layer.input_var, name=name, allow_downcast=True)
        for name, layer in input_layers(layers).items()
    ]

    def function(*args, **kwargs):
        kwargs |= {"allow_input_downcast": True, "on_unused_input": "ignore"}
        return theano.function(*args, mode=_mode(), **kwargs)

    def outputs():
        return get_output(net._output_layers, None, deterministic=True)

    def batch(scores, **kwargs):
        """Return the inputs for a batch, its target, its loss and its scores."""
        y = output_type("y_batch")
        options = net._get_params_for("objective")
        loss = objective(layers, target=y, **kwargs, **options)
        inputs = [*images, theano.In(y, name="y", allow_downcast=net.regression)]
        values = []
        for name, score in scores:
            value = score(outputs(), y)
            is_valid = isinstance(value, theano.graph.basic.Variable)
            wanted = "an expression of Theano, of the outputs and the targets"
            values.append(check(f"score {name!r}", value, is_valid, wanted))
        return inputs, y, loss, values

    def train():
        inputs, _, loss, scores = batch(net.scores_train)
        params = net.get_all_params(trainable=True)
        gradients = theano.grad(loss, params)
        for i, param in enumerate(params):
            scale = getattr(param.tag, "grad_scale", 1)
            if scale != 1:
                gradients[i] *= scale
        options = net._get_params_for("update")
        updates = keep_update_state(net, update)(gradients, params, **options)
        return function(inputs, [loss, *scores], updates=updates)

    def evaluate():
        inputs, y, loss, scores = batch(net.scores_valid, deterministic=True)
        accuracy = loss
        if not net.regression:
            found, labels = predicted_classes(net, outputs()[0]), y
            if y.ndim > 1:  # probabilities, or a column for one output
                labels = predicted_classes(net, y)
            accuracy = tensor.mean(tensor.eq(found, labels))
        return function(inputs, [loss, accuracy, *scores])

    def predict():
        return function(images, outputs())

    return LazyFunction(train), LazyFunction(evaluate), LazyFunction(predict)


def trained_variables(net):
    """Return the shared variables that training a net reads or changes.

    These are weights, velocities, the learning rate, and random states of noise layers.
    """
    found = {}
    for function in (net.train_iter_, net.eval_iter_):
        # A function of a user's own need not be Theano's.
        found |= dict.fromkeys(getattr(function, "get_shared", list)())
    return list(found | dict.fromkeys(net.get_all_params()))
