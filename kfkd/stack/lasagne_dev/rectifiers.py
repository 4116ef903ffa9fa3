"""Rectifiers whose negative slope is learnt or random."""

import theano
import theano.tensor as T
from lasagne import init
from lasagne.layers import Layer
from lasagne.random import get_rng
from theano.sandbox.rng_mrg import MRG_RandomStream

from kfkd.stack.lasagne_dev.axes import (
    get_draw_shape,
    get_shared_axes,
    get_unshared_shape,
    spread,
)
from kfkd.stack.lasagne_dev.special import take_nonlinearity

__all__ = ["ParametricRectifierLayer", "RandomizedRectifierLayer", "prelu", "rrelu"]


class ParametricRectifierLayer(Layer):
    """Compute ``max(x, 0) + alpha * min(x, 0)``, where alpha is learnt.

    Parameters
    ----------
    incoming : Layer or tuple
    alpha : Theano variable, numpy array or callable
    shared_axes : "auto", "all", int or tuple of int
        Axes over which alpha is shared; "auto" is all but the second.
    """

    def __init__(
        self, incoming, alpha=init.Constant(0.25), shared_axes="auto", **kwargs
    ):
        super().__init__(incoming, **kwargs)
        self.shared_axes = get_shared_axes(self, shared_axes, all_axes=True)
        shape = get_unshared_shape(self, self.shared_axes, "alphas")
        self.alpha = self.add_param(alpha, shape, name="alpha", regularizable=False)

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        return T.nnet.relu(input, spread(self.alpha, self.shared_axes, input.ndim))


class RandomizedRectifierLayer(Layer):
    """Apply a leaky rectifier whose slope is random, or its mean if deterministic.

    Parameters
    ----------
    incoming : Layer or tuple
    lower, upper : float or Theano scalar
        The bounds of the slopes.
    shared_axes : "auto", "all", int or tuple of int
        Axes over which a slope is shared; "auto" is all but the second.
    """

    def __init__(self, incoming, lower=0.3, upper=0.8, shared_axes="auto", **kwargs):
        super().__init__(incoming, **kwargs)
        self._srng = MRG_RandomStream(get_rng().randint(1, 2147462579))
        self.lower = lower
        self.upper = upper
        above = lower > upper
        if not isinstance(above, theano.graph.basic.Variable) and above:
            raise ValueError(
                "Upper bound for RandomizedRectifierLayer needs to be higher than "
                "lower bound."
            )
        self.shared_axes = get_shared_axes(self, shared_axes, all_axes=True)

    def get_output_for(self, input, deterministic=False, **kwargs):
        """Return the output."""
        if deterministic or self.upper == self.lower:
            return T.nnet.relu(input, (self.upper + self.lower) / 2.0)
        shared = {axis % input.ndim for axis in self.shared_axes}
        slopes = self._srng.uniform(
            get_draw_shape(self, input, shared),
            low=self.lower,
            high=self.upper,
            ndim=input.ndim,
            dtype=theano.config.floatX,
        )
        slopes = T.addbroadcast(slopes, *sorted(shared))
        return T.nnet.relu(input, slopes)


def prelu(layer, **kwargs):
    """Replace the nonlinearity of a layer by a ParametricRectifierLayer; return it."""
    take_nonlinearity(layer)
    return ParametricRectifierLayer(layer, **kwargs)


def rrelu(layer, **kwargs):
    """Replace the nonlinearity of a layer by a RandomizedRectifierLayer; return it."""
    take_nonlinearity(layer)
    return RandomizedRectifierLayer(layer, **kwargs)
