"""Patches of images as the rows of a matrix: ``theano.tensor.nnet.neighbours``."""

import math

import jax.numpy as jnp
import numpy as np
from theano.tensor.nnet.neighbours import Images2Neibs

from kfkd.xla.dispatch import TheanosTypeError, convert, sizes
from kfkd.xla.padded import array_of, logical_shape, padded, refuse_padded
from kfkd.xla.sizes import product_of_sizes


def _places(mode, length, size, step):
    """Return the indices of each patch's entries along an axis of *length*."""
    padding = {"half": size // 2, "wrap_centered": size // 2, "full": size - 1}
    before = padding.get(mode, 0)
    if size <= 0 or step <= 0:
        raise ValueError(f"Patches of {size}, {step} apart, cannot be taken")
    if length < size and mode != "ignore_borders":
        raise TheanosTypeError(f"Patches of {size} do not fit into {length} pixels")
    if mode == "wrap_centered":
        if size % 2 == 0:
            raise TheanosTypeError(f"Patches in mode wrap_centered are odd, not {size}")
        count = -(-length // step)
    else:
        room = length + 2 * before - size
        if mode != "ignore_borders" and room % step:
            raise TheanosTypeError(
                f"Patches of {size}, {step} apart, do not end with {length} pixels"
            )
        count = max(room // step + 1, 0)
    places = np.arange(count)[:, None] * step + np.arange(size) - before
    return places % length if mode == "wrap_centered" else places


@convert.register(Images2Neibs, takes_padded=True)
def convert_images2neibs(op, node, x, shape, step):
    for axis in (1, 2, 3):
        refuse_padded(x, axis)
    images, _, height, width = logical_shape(x)
    x = jnp.asarray(array_of(x))
    (c, d), (down, right) = sizes(shape), sizes(step)
    rows = _places(op.mode, height, c, down)[:, None, :, None]
    columns = _places(op.mode, width, d, right)[None, :, None, :]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    patches = x[:, :, np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    patches = jnp.where(inside, patches, 0)
    count = product_of_sizes([images, math.prod(patches.shape[1:4])])
    return padded(jnp.reshape(patches, (-1, c * d)), {0: count})
