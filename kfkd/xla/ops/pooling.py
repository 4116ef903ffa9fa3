"""Maximum and average pooling and their gradients."""

import functools
import itertools

import jax.numpy as jnp
import numpy as np
from jax import lax
from theano.tensor.signal import pool

from kfkd.xla.dispatch import apply_transpose, as_dtype, convert, sizes
from kfkd.xla.layout import ChannelsLast, channels_last, to_logical
from kfkd.xla.padded import PaddedArray, padded, refuse_varying, with_zeros


class _Windows:
    """The windows in an array of *shape*, whose pooled axes begin with the *first*."""

    def __init__(self, op, first, shape, size, stride, pad):
        self.shape = tuple(shape)
        self.before, self.after = first, len(shape) - first - op.ndim
        self.size, self.stride, self.pad = sizes(size), sizes(stride), sizes(pad)
        self.length = self.shape[first : first + op.ndim]
        count = pool.Pool.out_shape(
            self.length, self.size, op.ignore_border, self.stride, self.pad, op.ndim
        )
        self.count = tuple(int(n) for n in count)
        # How far the last window of each axis ends behind the array; less than zero
        # if entries at the end are in no window.
        self.overhang = tuple(
            (n - 1) * s + k - length - p if n else 0
            for n, s, k, length, p in self._axes()
        )

    def _axes(self):
        """Return count, stride, size, length and padding of each pooled axis."""
        return zip(
            self.count, self.stride, self.size, self.length, self.pad, strict=True
        )

    def over_axes(self, values, default):
        """Spread one value for each pooled axis over all axes."""
        return (*[default] * self.before, *values, *[default] * self.after)

    @property
    def are_blocks(self):
        """True if the windows lie side by side inside the array."""
        inside = max(self.pad) == 0 and max(self.overhang) <= 0
        return inside and self.size == self.stride

    def split(self, x):
        """Split each pooled axis of *x* into window and place; name the latter axes."""
        used = [slice(n * k) for n, k in zip(self.count, self.size, strict=True)]
        pairs = [m for pair in zip(self.count, self.size, strict=True) for m in pair]
        end = len(self.shape) - self.after
        x = x[self.over_axes(used, slice(None))]
        x = jnp.reshape(x, (*self.shape[: self.before], *pairs, *self.shape[end:]))
        return x, tuple(self.before + 1 + 2 * i for i in range(len(self.count)))

    def extend(self, x, value):
        """Return *x* cropped to the windows, with *value* where they reach beyond."""
        edges = [(p, end, 0) for p, end in zip(self.pad, self.overhang, strict=True)]
        return lax.pad(x, jnp.asarray(value, x.dtype), self.over_axes(edges, (0, 0, 0)))

    def crop(self, x):
        """Undo `extend`; entries that are in no window become zero."""
        edges = [(-p, -end, 0) for p, end in zip(self.pad, self.overhang, strict=True)]
        return lax.pad(x, jnp.zeros((), x.dtype), self.over_axes(edges, (0, 0, 0)))

    def reduce(self, x, initial, function):
        """Reduce each window of *x* by *function*."""
        return lax.reduce_window(
            self.extend(x, initial),
            # Known, so that JAX sees which reduction it is and can transpose it.
            np.asarray(initial, x.dtype),
            function,
            self.over_axes(self.size, 1),
            self.over_axes(self.stride, 1),
            "VALID",
        )

    def entries(self, include_pad):
        """Count the entries of each window, which may reach over the edge."""
        counts = []
        for n, s, k, length, p in self._axes():
            low, high = (0, length + 2 * p) if include_pad else (p, length + p)
            start = np.arange(n) * s
            counts.append(np.minimum(start + k, high) - np.maximum(start, low))
        counts = functools.reduce(np.multiply.outer, counts)
        return counts.reshape(*counts.shape, *[1] * self.after)


def _lowest(dtype):
    return -np.inf if jnp.issubdtype(dtype, np.inexact) else jnp.iinfo(dtype).min


def _max(windows, x):
    if windows.are_blocks:
        x, places = windows.split(x)
        return jnp.max(x, places)
    return windows.reduce(x, _lowest(x.dtype), lax.max)


def _max_grad(windows, x, maximum, gradient):
    """Pass the gradient to each entry that equals its window's maximum, as Theano does.

    cuDNN and JAX pass it to one of them.
    """
    if 0 in windows.count:  # the windows are larger than the array
        return jnp.zeros(x.shape, gradient.dtype)
    zero = jnp.zeros((), gradient.dtype)
    if windows.are_blocks:
        blocks, places = windows.split(x)
        maximum, gradient = (jnp.expand_dims(a, places) for a in (maximum, gradient))
        share = jnp.where(blocks == maximum, gradient, zero)
        return apply_transpose(lambda x: windows.split(x)[0], x.shape, share)
    x = windows.extend(x, _lowest(x.dtype))
    result = jnp.zeros(x.shape, gradient.dtype)
    step = windows.over_axes(windows.stride, 1)
    # One place of all windows after the other.
    for place in itertools.product(*map(range, windows.size)):
        start = windows.over_axes(place, 0)
        ends = zip(start, maximum.shape, step, strict=True)
        stop = [first + (n - 1) * s + 1 for first, n, s in ends]
        entries = functools.partial(
            lax.slice, start_indices=start, limit_indices=stop, strides=step
        )
        share = jnp.where(entries(x) == maximum, gradient, zero)
        result += apply_transpose(entries, x.shape, share)
    return windows.crop(result)


def _max_grad_grad(windows, x, maximum, direction):
    """Return *direction*, of the shape of *x*, times the transpose of `_max_grad`."""
    spread = functools.partial(_max_grad, windows, x, maximum)
    return apply_transpose(spread, maximum.shape, direction)


def _average(mode, windows, x):
    if windows.are_blocks:
        x, places = windows.split(x)
        return jnp.sum(x, places) if mode == "sum" else jnp.mean(x, places)
    total = windows.reduce(x, 0, lax.add)
    if mode == "sum":
        return total
    return total / windows.entries(mode == "average_inc_pad").astype(x.dtype)


def _average_grad(mode, windows, x, gradient):
    pooling = functools.partial(_average, mode, windows)
    return apply_transpose(pooling, x.shape, gradient)


def _pool(function, op, node, *values):
    """Return the result of *function* for the node's windows and images."""
    *images, size, stride, pad = values
    refuse_varying(size, stride, pad)
    if any(isinstance(v, PaddedArray) for v in images):
        return _padded_pool(function, op, node, images, (size, stride, pad))
    # Three-dimensional pooling, of one batch of volumes, has no channels to move.
    last = op.ndim == 2 and any(isinstance(v, ChannelsLast) for v in images)
    if last:
        images = [channels_last(v) for v in images]
    first = 1 if last else images[0].ndim - op.ndim
    windows = _Windows(op, first, images[0].shape, size, stride, pad)
    result = as_dtype(function(windows, *images), node.outputs[0].dtype)
    return ChannelsLast(result) if last else result


def _padded_pool(function, op, node, images, settings):
    """Do as `_pool` for images whose number, or that of their channels, varies."""
    before = range(images[0].ndim - op.ndim)
    arrays, lengths = with_zeros(list(map(to_logical, images)), before)
    return padded(to_logical(_pool(function, op, node, *arrays, *settings)), lengths)


@convert.register(pool.Pool, keeps_layout=True, takes_padded=True)
def convert_pool(op, node, *values):
    function = _max if op.mode == "max" else functools.partial(_average, op.mode)
    return _pool(function, op, node, *values)


@convert.register(pool.MaxPoolGrad, keeps_layout=True, takes_padded=True)
def convert_max_pool_grad(op, node, *values):
    return _pool(_max_grad, op, node, *values)


@convert.register(
    pool.DownsampleFactorMaxGradGrad, keeps_layout=True, takes_padded=True
)
def convert_downsample_factor_max_grad_grad(op, node, *values):
    return _pool(_max_grad_grad, op, node, *values)


@convert.register(pool.AveragePoolGrad, keeps_layout=True, takes_padded=True)
def convert_average_pool_grad(op, node, *values):
    return _pool(functools.partial(_average_grad, op.mode), op, node, *values)
