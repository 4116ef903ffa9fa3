"""Rectifiers with a slope that is learnt, or drawn."""

import theano
import theano.tensor as T
from lasagne import init, nonlinearities
from lasagne.layers import Layer
from lasagne.random import get_rng
from theano.sandbox.rng_mrg import MRG_RandomStream

from kfkd.stack.lasagne_dev.special import (
    get_shared_axes,
    get_unshared_shape,
    spread,
)

__all__ = ["ParametricRectifierLayer", "RandomizedRectifierLayer", "prelu", "rrelu"]


class ParametricRectifierLayer(Layer):
    """``max(x, 0) + alpha * min(x, 0)`` with an alpha that is learnt.

    Parameters
    ----------
    incoming : Layer or tuple
    alpha : Theano variable, numpy array or callable
    shared_axes : "auto", "all", int or tuple of int
        The axes along which it repeats; "auto" is all but the second.
    """

    def __init__(
        self,
        incoming,
        alpha=init.Constant(0.25),  # noqa: B008  (as all layers have it)
        shared_axes="auto",
        **kwargs,
    ):
        super().__init__(incoming, **kwargs)
        n = len(self.input_shape)
        self.shared_axes = get_shared_axes(shared_axes, n, all_axes=True)
        shape = get_unshared_shape(self, self.shared_axes, "alphas")
        self.alpha = self.add_param(alpha, shape, name="alpha", regularizable=False)

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        return T.nnet.relu(input, spread(self.alpha, self.shared_axes, input.ndim))


class RandomizedRectifierLayer(Layer):
    """A leaky rectifier whose slope is drawn, and its mean if deterministic.

    Parameters
    ----------
    incoming : Layer or tuple
    lower, upper : float or Theano scalar
        The bounds of the slopes.
    shared_axes : "auto", "all", int or tuple of int
        The axes along which a slope repeats; "auto" is all but the second.
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
        n = len(self.input_shape)
        self.shared_axes = get_shared_axes(shared_axes, n, all_axes=True)

    def get_output_for(self, input, deterministic=False, **kwargs):
        """Return the output."""
        if deterministic or self.upper == self.lower:
            return T.nnet.relu(input, (self.upper + self.lower) / 2.0)
        shape = list(self.input_shape)
        if any(size is None for size in shape):
            shape = list(input.shape)
        for axis in self.shared_axes:
            shape[axis] = 1
        slopes = self._srng.uniform(
            tuple(shape),
            low=self.lower,
            high=self.upper,
            ndim=input.ndim,
            dtype=theano.config.floatX,
        )
        slopes = T.addbroadcast(slopes, *(a % input.ndim for a in self.shared_axes))
        return T.nnet.relu(input, slopes)


def _without_nonlinearity(layer):
    if getattr(layer, "nonlinearity", None) is not None:
        layer.nonlinearity = nonlinearities.identity
    return layer


def prelu(layer, **kwargs):
    """Replace the nonlinearity of a layer by a ParametricRectifierLayer, returned."""
    return ParametricRectifierLayer(_without_nonlinearity(layer), **kwargs)


def rrelu(layer, **kwargs):
    """Replace the nonlinearity of a layer by a RandomizedRectifierLayer, returned."""
    return RandomizedRectifierLayer(_without_nonlinearity(layer), **kwargs)
