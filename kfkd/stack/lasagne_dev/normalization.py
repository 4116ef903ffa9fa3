"""Batch, instance and layer normalization."""

import functools

import theano
import theano.tensor as T
from lasagne import init
from lasagne.layers import Layer, NonlinearityLayer

from kfkd.stack.lasagne_dev.axes import get_shared_axes, get_unshared_shape, spread
from kfkd.stack.lasagne_dev.integers import Integer
from kfkd.stack.lasagne_dev.special import BiasLayer, ScaleLayer, take_nonlinearity

__all__ = [
    "BatchNormLayer",
    "StandardizationLayer",
    "batch_norm",
    "instance_norm",
    "layer_norm",
]


class BatchNormLayer(Layer):
    """Compute ``(x - mean) / sqrt(variance + epsilon) * gamma + beta`` over a batch.

    With ``get_output(..., deterministic=True)``, the layer uses the running averages of
    mean and variance, and does not update them.  ``batch_norm_use_averages`` and
    ``batch_norm_update_averages`` decide on either of these alone.

    Parameters
    ----------
    incoming : Layer or tuple
    axes : "auto", int or tuple of int
        The axes to normalize over; "auto" is all but the second.
    epsilon : scalar
    alpha : scalar
        The weight of each batch in the running averages.
    beta, gamma : Theano variable, numpy array, callable or None
        None omits it.
    mean, inv_std : Theano variable, numpy array or callable
        Initial running averages of the mean and of ``1 / sqrt(variance + epsilon)``.
    """

    def __init__(
        self,
        incoming,
        axes="auto",
        epsilon=1e-4,
        alpha=0.1,
        beta=init.Constant(0),
        gamma=init.Constant(1),
        mean=init.Constant(0),
        inv_std=init.Constant(1),
        **kwargs,
    ):
        super().__init__(incoming, **kwargs)
        self.axes = get_shared_axes(self, axes)
        self.epsilon = epsilon
        self.alpha = alpha
        shape = get_unshared_shape(self, self.axes, "mean and variance")
        self.beta = self.gamma = None
        if beta is not None:
            self.beta = self.add_param(beta, shape, "beta", regularizable=False)
        if gamma is not None:
            self.gamma = self.add_param(gamma, shape, "gamma")
        fixed = {"trainable": False, "regularizable": False}
        self.mean = self.add_param(mean, shape, "mean", **fixed)
        self.inv_std = self.add_param(inv_std, shape, "inv_std", **fixed)

    def get_output_for(
        self,
        input,
        deterministic=False,
        batch_norm_use_averages=None,
        batch_norm_update_averages=None,
        **kwargs,
    ):
        """Return the output; functions that compute it update the running averages."""
        if batch_norm_use_averages is None:
            batch_norm_use_averages = deterministic
        if batch_norm_update_averages is None:
            batch_norm_update_averages = not deterministic
        input_mean = input.mean(self.axes)
        input_inv_std = T.inv(T.sqrt(input.var(self.axes) + self.epsilon))
        mean, inv_std = input_mean, input_inv_std
        if batch_norm_use_averages:
            mean, inv_std = self.mean, self.inv_std
        if batch_norm_update_averages:
            mean = mean + 0 * self._updated(self.mean, input_mean)
            inv_std = inv_std + 0 * self._updated(self.inv_std, input_inv_std)
        mean, inv_std = (spread(v, self.axes, input.ndim) for v in (mean, inv_std))
        scale = inv_std
        if self.gamma is not None:
            scale = spread(self.gamma, self.axes, input.ndim) * inv_std
        normalized = (input - mean) * scale
        if self.beta is not None:
            normalized = normalized + spread(self.beta, self.axes, input.ndim)
        return normalized

    def _updated(self, average, value):
        """Return a clone of a running average whose default update is the next one."""
        copy = theano.clone(average, share_inputs=False)
        following = (1 - self.alpha) * copy + self.alpha * value
        copy.default_update = following.astype(copy.dtype)
        return copy


def _insert(make, layer, suffix, name=None):
    """Insert other layers before the nonlinearity of a layer, which loses its bias.

    *make* is called with the layer and a name.
    """
    nonlinearity = take_nonlinearity(layer)
    if getattr(layer, "b", None) is not None:
        del layer.params[layer.b]
        layer.b = None
    name = name or (layer.name and layer.name + suffix)
    layer = make(layer, name=name)
    if nonlinearity is not None:
        layer = NonlinearityLayer(layer, nonlinearity, name=name and f"{name}_nonlin")
    return layer


def batch_norm(layer, **kwargs):
    """Insert a BatchNormLayer before the nonlinearity of a layer, and drop its bias.

    Parameters
    ----------
    layer : Layer
        It is modified.
    **kwargs
        For BatchNormLayer.

    Returns
    -------
    Layer
        The last of the layers.
    """
    return insert_batch_norm(BatchNormLayer, layer, **kwargs)


def insert_batch_norm(cls, layer, name=None, **kwargs):
    """Do what `batch_norm` does with a layer of class *cls*."""
    return _insert(functools.partial(cls, **kwargs), layer, "_bn", name)


class StandardizationLayer(Layer):
    """Compute ``(x - mean) / sqrt(variance + epsilon)``, each example for itself.

    Parameters
    ----------
    incoming : Layer or tuple
    axes : "auto", "spatial", "features", int or tuple of int
        The axes to normalize over: "spatial" is all but the first two, "features" all
        but the first.  "auto" is "features" for matrices, and "spatial" otherwise.
    epsilon : scalar
    """

    def __init__(self, incoming, axes="auto", epsilon=1e-4, **kwargs):
        super().__init__(incoming, **kwargs)
        n = len(self.input_shape)
        if axes == "auto":
            axes = "features" if n == 2 else "spatial"
        named = {"spatial": tuple(range(2, n)), "features": tuple(range(1, n))}
        if isinstance(axes, str):
            axes = named[axes]
        self.axes = (axes,) if isinstance(axes, Integer) else tuple(axes)
        self.epsilon = epsilon

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        mean = input.mean(self.axes, keepdims=True)
        std = T.sqrt(input.var(self.axes, keepdims=True) + self.epsilon)
        return (input - mean) / std


def instance_norm(layer, learn_scale=True, learn_bias=True, **kwargs):
    """Insert layers before the nonlinearity of a layer that standardize each image.

    Parameters
    ----------
    layer : Layer
        It is modified, and loses its bias.
    learn_scale, learn_bias : bool
        Whether to append a ScaleLayer and a BiasLayer.
    **kwargs
        For StandardizationLayer.

    Returns
    -------
    Layer
        The last of the layers.
    """
    return _standardize(layer, "spatial", learn_scale, learn_bias, **kwargs)


def layer_norm(layer, **kwargs):
    """Insert layers before the nonlinearity of a layer that standardize each example.

    As `instance_norm`, but over all features.
    """
    return _standardize(layer, "features", **kwargs)


def _standardize(layer, axes, learn_scale=True, learn_bias=True, name=None, **kwargs):
    def make(layer, name):
        layer = StandardizationLayer(layer, axes=axes, name=name, **kwargs)
        if learn_scale:
            layer = ScaleLayer(layer)
        return BiasLayer(layer) if learn_bias else layer

    return _insert(make, layer, "_in", name)
