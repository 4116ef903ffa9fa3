"""Dropout of whole channels or locations."""

import functools

import theano.tensor as T
from lasagne.layers import DropoutLayer

from kfkd.stack.lasagne_dev.axes import get_draw_shape

__all__ = ["dropout_channels", "dropout_locations", "spatial_dropout"]


def dropout_channels(incoming, *args, **kwargs):
    """Return a DropoutLayer that drops whole channels."""
    ndim = len(getattr(incoming, "output_shape", incoming))
    kwargs["shared_axes"] = tuple(range(2, ndim))
    return DropoutLayer(incoming, *args, **kwargs)


spatial_dropout = dropout_channels


def dropout_locations(incoming, *args, **kwargs):
    """Return a DropoutLayer that drops all channels of a location together."""
    kwargs["shared_axes"] = (1,)
    return DropoutLayer(incoming, *args, **kwargs)


def patch():
    """Add `shared_axes`, the axes that a mask is shared over, to DropoutLayer."""
    initialize = DropoutLayer.__init__
    get_output_for = DropoutLayer.get_output_for

    def __init__(self, incoming, p=0.5, rescale=True, shared_axes=(), **kwargs):
        initialize(self, incoming, p, rescale, **kwargs)
        self.shared_axes = tuple(shared_axes)

    @functools.wraps(get_output_for)
    def get_any_output_for(self, input, deterministic=False, **kwargs):
        if not self.shared_axes:
            return get_output_for(self, input, deterministic=deterministic, **kwargs)
        if deterministic or self.p == 0:
            return input
        shared = {axis % input.ndim for axis in self.shared_axes}
        retain = 1 - self.p
        mask = self._srng.binomial(
            get_draw_shape(self, input, shared),
            p=retain,
            dtype=input.dtype,
            ndim=input.ndim,
        )
        mask = T.addbroadcast(mask, *sorted(shared))
        return (input / retain if self.rescale else input) * mask

    DropoutLayer.shared_axes = ()  # for layers in pickles of Lasagne 0.1
    DropoutLayer.__init__ = __init__
    DropoutLayer.get_output_for = get_any_output_for
