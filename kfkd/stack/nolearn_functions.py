"""The functions of a nolearn net: they train with a batch, evaluate it, predict it."""

import functools

from kfkd.arguments import check
from kfkd.errors import ArgumentError
from kfkd.stack.nolearn_batches import input_layers
from kfkd.stack.nolearn_changes import keep_update_state
from kfkd.stack.nolearn_labels import accuracy

__all__ = ["FunctionMaker", "patch_functions"]

_theano = _get_output = None  # once they are imported


class FunctionMaker:
    """Makes the functions of a net, each by a method.

    Parameters
    ----------
    net : NeuralNet
        Has its layers.
    layers, objective, update, output_type
        As nolearn hands them to ``_create_iter_funcs``.
    """

    def __init__(self, net, layers, objective, update, output_type):
        self.net, self.layers, self.objective = net, layers, objective
        self.update, self.output_type = update, output_type
        self.images = [
            _theano.In(layer.input_var, name=name, allow_downcast=True)
            for name, layer in input_layers(layers).items()
        ]

    def mode(self):
        """Return the mode of Theano to compile a function in."""
        return None  # that of the configuration

    def train(self):
        """Return the function of X and y that returns the loss, and updates weights."""
        net = self.net
        inputs, _, loss, scores = self._batch(net.scores_train)
        params = net.get_all_params(trainable=True)
        gradients = _theano.grad(loss, params)
        for i, param in enumerate(params):
            scale = getattr(param.tag, "grad_scale", 1)
            if scale != 1:
                gradients[i] *= scale
        update = keep_update_state(net, self.update)
        updates = update(gradients, params, **net._get_params_for("update"))
        return self._function(inputs, [loss, *scores], updates=updates)

    def evaluate(self):
        """Return the function of X and y that returns the loss and the accuracy.

        Of a regression that is the loss again.
        """
        net = self.net
        inputs, y, loss, scores = self._batch(net.scores_valid, deterministic=True)
        right = loss if net.regression else accuracy(net, self._outputs[0], y)
        return self._function(inputs, [loss, right, *scores])

    def predict(self):
        """Return the function of X that returns the outputs."""
        return self._function(self.images, self._outputs)

    @functools.cached_property
    def _outputs(self):
        return _get_output(self.net._output_layers, None, deterministic=True)

    def _batch(self, scores, **kwargs):
        """Return the inputs for a batch, its target, its loss and its scores."""
        y = self.output_type("y_batch")
        options = self.net._get_params_for("objective")
        loss = self.objective(self.layers, target=y, **kwargs, **options)
        downcast = self.net.regression
        inputs = [*self.images, _theano.In(y, name="y", allow_downcast=downcast)]
        values = [self._score(name, score, y) for name, score in scores]
        return inputs, y, loss, values

    def _score(self, name, score, y):
        """Return the expression of a score; ArgumentError if it is none."""
        try:
            value = score(self._outputs, y)
        except Exception as error:
            raise ArgumentError(
                f"score {name!r} raises {type(error).__name__}: {error}. It is called "
                "with a list of the output layers' outputs, and the targets"
            ) from error
        is_valid = isinstance(value, _theano.graph.basic.Variable)
        wanted = "an expression of Theano, of the outputs and the targets"
        return check(f"score {name!r}", value, is_valid, wanted)

    def _function(self, *args, **kwargs):
        kwargs |= {"allow_input_downcast": True, "on_unused_input": "ignore"}
        return _theano.function(*args, mode=self.mode(), **kwargs)


def patch_functions(theano, lasagne, nolearn):
    """Patch NeuralNet so that its functions are those of a `FunctionMaker`.

    nolearn's know classes as the largest of several outputs, and targets that are
    labels, only.  Their updates began anew whenever they were made.
    """
    global _theano, _get_output
    _theano, _get_output = theano, lasagne.layers.get_output

    def _create_iter_funcs(self, layers, objective, update, output_type):
        maker = FunctionMaker(self, layers, objective, update, output_type)
        return maker.train(), maker.evaluate(), maker.predict()

    nolearn.lasagne.NeuralNet._create_iter_funcs = _create_iter_funcs
