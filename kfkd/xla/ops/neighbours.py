"""Patches of images as the rows of a matrix: ``theano.tensor.nnet.neighbours``."""

import jax.numpy as jnp
import numpy as np
from theano.tensor.nnet.neighbours import Images2Neibs

from kfkd.xla.dispatch import TheanosTypeError, convert, sizes
from kfkd.xla.ops.reshape import reshaped
from kfkd.xla.padded import (
    array_of,
    logical_shape,
    padded,
    refuse_computed,
    refuse_varying,
)
from kfkd.xla.sizes import largest
from kfkd.xla.symbolic import compute, decide


def _places(mode, length, size, step):
    """Return the indices of each patch's entries along an axis, and how many count."""
    refuse_computed(length)
    padding = {"half": size // 2, "wrap_centered": size // 2, "full": size - 1}
    before = padding.get(mode, 0)
    if before or mode == "wrap_centered":  # which look behind the length
        refuse_varying(length)
    if size <= 0 or step <= 0:
        raise ValueError(f"Patches of {size}, {step} apart, cannot be taken")
    if mode != "ignore_borders" and decide(compute(lambda n: n < size, length)):
        raise TheanosTypeError(f"Patches of {size} do not fit into {length} pixels")
    if mode == "wrap_centered":
        if size % 2 == 0:
            raise TheanosTypeError(f"Patches in mode wrap_centered are odd, not {size}")
        count = -(-length // step)
    else:
        room = compute(lambda n: n + 2 * before - size, length)
        if mode != "ignore_borders" and decide(compute(lambda n: n % step > 0, room)):
            raise TheanosTypeError(
                f"Patches of {size}, {step} apart, do not end with {length} pixels"
            )
        count = compute(lambda n: np.maximum(n // step + 1, 0), room)
    places = np.arange(largest(count))[:, None] * step + np.arange(size) - before
    if mode == "wrap_centered":
        places = places % length
    return places, count


@convert.register(Images2Neibs, takes_padded=True)
def convert_images2neibs(op, node, x, shape, step):
    images, channels, *lengths = logical_shape(x)
    (c, d), steps, x = sizes(shape), sizes(step), jnp.asarray(array_of(x))
    (rows, n), (columns, m) = map(_places, [op.mode] * 2, lengths, (c, d), steps)
    rows, columns = rows[:, None, :, None], columns[None, :, None, :]
    height, width = x.shape[2:]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    patches = x[:, :, np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    patches = jnp.where(inside, patches, 0)
    patches = padded(patches, [images, channels, n, m, c, d])
    return reshaped(patches, [-1, c * d])
