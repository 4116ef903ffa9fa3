"""Dropout of whole channels or locations."""

import functools

import theano.tensor as T
from lasagne.layers import DropoutLayer

__all__ = ["dropout_channels", "dropout_locations", "spatial_dropout"]


def _dimensions(incoming):
    return len(getattr(incoming, "output_shape", incoming))


def dropout_channels(incoming, *args, **kwargs):
    """Return a DropoutLayer that sets channels to zero as wholes."""
    kwargs["shared_axes"] = tuple(range(2, _dimensions(incoming)))
    return DropoutLayer(incoming, *args, **kwargs)


spatial_dropout = dropout_channels


def dropout_locations(incoming, *args, **kwargs):
    """Return a DropoutLayer that sets all channels of a location to zero at once."""
    kwargs["shared_axes"] = (1,)
    return DropoutLayer(incoming, *args, **kwargs)


def patch():
    """Give DropoutLayer the option `shared_axes`: those along which a mask repeats."""
    initialize = DropoutLayer.__init__
    get_output_for = DropoutLayer.get_output_for

    def __init__(self, incoming, p=0.5, rescale=True, shared_axes=(), **kwargs):
        initialize(self, incoming, p, rescale, **kwargs)
        self.shared_axes = tuple(shared_axes)

    @functools.wraps(get_output_for)
    def get_any_output_for(self, input, deterministic=False, **kwargs):
        shared = vars(self).get("shared_axes", ())
        if not shared:
            return get_output_for(self, input, deterministic=deterministic, **kwargs)
        if deterministic or self.p == 0:
            return input
        shared = {axis % input.ndim for axis in shared}
        shape = self.input_shape
        if any(size is None for size in shape):
            shape = input.shape
        shape = tuple(
            1 if axis in shared else shape[axis] for axis in range(input.ndim)
        )
        retain = 1 - self.p
        mask = self._srng.binomial(shape, p=retain, dtype=input.dtype, ndim=input.ndim)
        mask = T.addbroadcast(mask, *sorted(shared))
        return (input / retain if self.rescale else input) * mask

    DropoutLayer.__init__ = __init__
    DropoutLayer.get_output_for = get_any_output_for
