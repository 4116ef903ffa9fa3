"""Batch, instance and layer normalization."""

import theano
import theano.tensor as T
from lasagne import init, nonlinearities
from lasagne.layers import Layer, NonlinearityLayer

from kfkd.stack.lasagne_dev.special import (
    BiasLayer,
    ScaleLayer,
    get_shared_axes,
    get_unshared_shape,
    spread,
)

__all__ = [
    "BatchNormLayer",
    "StandardizationLayer",
    "batch_norm",
    "instance_norm",
    "layer_norm",
]


class BatchNormLayer(Layer):
    """``(x - mean) / sqrt(variance + epsilon) * gamma + beta`` over a batch.

    Parameters
    ----------
    incoming : Layer or tuple
    axes : "auto", int or tuple of int
        What mean and variance are taken over; "auto" is all but the second.
    epsilon : scalar
    alpha : scalar
        By how much of its difference the running averages approach each batch.
    beta, gamma : Theano variable, numpy array, callable or None
        None leaves it out.
    mean, inv_std : Theano variable, numpy array or callable
        The first running averages, of the mean and of ``1 / sqrt(variance + epsilon)``.
        They are used, and stay as they are, where the output is asked for with
        ``deterministic=True``; ``batch_norm_use_averages`` and
        ``batch_norm_update_averages`` tell these two apart.
    """

    def __init__(
        self,
        incoming,
        axes="auto",
        epsilon=1e-4,
        alpha=0.1,
        beta=init.Constant(0),  # noqa: B008  (as all layers have it)
        gamma=init.Constant(1),  # noqa: B008
        mean=init.Constant(0),  # noqa: B008
        inv_std=init.Constant(1),  # noqa: B008
        **kwargs,
    ):
        super().__init__(incoming, **kwargs)
        self.axes = get_shared_axes(axes, len(self.input_shape))
        self.epsilon = epsilon
        self.alpha = alpha
        shape = get_unshared_shape(self, self.axes, "mean and variance")
        self.beta = self.gamma = None
        if beta is not None:
            self.beta = self.add_param(
                beta, shape, "beta", trainable=True, regularizable=False
            )
        if gamma is not None:
            self.gamma = self.add_param(
                gamma, shape, "gamma", trainable=True, regularizable=True
            )
        self.mean = self.add_param(
            mean, shape, "mean", trainable=False, regularizable=False
        )
        self.inv_std = self.add_param(
            inv_std, shape, "inv_std", trainable=False, regularizable=False
        )

    def get_output_for(
        self,
        input,
        deterministic=False,
        batch_norm_use_averages=None,
        batch_norm_update_averages=None,
        **kwargs,
    ):
        """Return the output, of which the running averages may be an update."""
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
            mean = mean + 0 * self._approaching(self.mean, input_mean)
            inv_std = inv_std + 0 * self._approaching(self.inv_std, input_inv_std)
        mean, inv_std = (spread(v, self.axes, input.ndim) for v in (mean, inv_std))
        scale = inv_std
        if self.gamma is not None:
            scale = spread(self.gamma, self.axes, input.ndim) * inv_std
        normalized = (input - mean) * scale
        if self.beta is not None:
            normalized = normalized + spread(self.beta, self.axes, input.ndim)
        return normalized

    def _approaching(self, average, value):
        """Return a copy of a running average: a function that has it, updates it."""
        copy = theano.clone(average, share_inputs=False)
        copy.default_update = (1 - self.alpha) * copy + self.alpha * value
        return copy


def _bare(layer, suffix, name):
    """Take nonlinearity and bias from a layer; return the former, and a name."""
    nonlinearity = getattr(layer, "nonlinearity", None)
    if nonlinearity is not None:
        layer.nonlinearity = nonlinearities.identity
    if getattr(layer, "b", None) is not None:
        del layer.params[layer.b]
        layer.b = None
    return nonlinearity, name or (layer.name and layer.name + suffix)


def _with_nonlinearity(layer, nonlinearity, name):
    if nonlinearity is None:
        return layer
    return NonlinearityLayer(layer, nonlinearity, name=name and f"{name}_nonlin")


def batch_norm(layer, **kwargs):
    """Put a BatchNormLayer between a layer and its nonlinearity, without its bias.

    Parameters
    ----------
    layer : Layer
        It is changed.
    **kwargs
        For BatchNormLayer.

    Returns
    -------
    Layer
        The last of them.
    """
    return normalize(layer, BatchNormLayer, **kwargs)


def normalize(layer, kind, name=None, **kwargs):
    """`batch_norm` with another kind of layer."""
    nonlinearity, name = _bare(layer, "_bn", name)
    layer = kind(layer, name=name, **kwargs)
    return _with_nonlinearity(layer, nonlinearity, name)


class StandardizationLayer(Layer):
    """``(x - mean) / sqrt(variance + epsilon)``, always of the input itself.

    Parameters
    ----------
    incoming : Layer or tuple
    axes : "auto", "spatial", "features", int or tuple of int
        What mean and variance are taken over: "spatial" is all but the first two,
        "features" all but the first, "auto" the former for images, else the latter.
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
        self.axes = (axes,) if isinstance(axes, int) else tuple(axes)
        self.epsilon = epsilon

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        mean = input.mean(self.axes, keepdims=True)
        std = T.sqrt(input.var(self.axes, keepdims=True) + self.epsilon)
        return (input - mean) / std


def _standardized(layer, axes, learn_scale=True, learn_bias=True, name=None, **kwargs):
    nonlinearity, name = _bare(layer, "_in", name)
    layer = StandardizationLayer(layer, axes=axes, name=name, **kwargs)
    if learn_scale:
        layer = ScaleLayer(layer)
    if learn_bias:
        layer = BiasLayer(layer)
    return _with_nonlinearity(layer, nonlinearity, name)


def instance_norm(layer, learn_scale=True, learn_bias=True, **kwargs):
    """Put layers between a layer and its nonlinearity that standardize each image.

    Parameters
    ----------
    layer : Layer
        It is changed.
    learn_scale, learn_bias : bool
        Whether a ScaleLayer and a BiasLayer follow.
    **kwargs
        For StandardizationLayer.

    Returns
    -------
    Layer
        The last of them.
    """
    return _standardized(layer, "spatial", learn_scale, learn_bias, **kwargs)


def layer_norm(layer, **kwargs):
    """Put layers between a layer and its nonlinearity that standardize each example.

    As `instance_norm`, but over all features.
    """
    return _standardized(layer, "features", **kwargs)
