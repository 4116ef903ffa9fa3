"""Convolutions of images and their gradients, in two and three dimensions.

Theano's graphs hold images as (n, c, h, w) and filters as (c_out, c_in, h, w), and a
convolution may be a true one, with the filters flipped, or a correlation.  `ConvOp` is
what programs older than ``T.nnet.conv2d`` use.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
from jax import lax
from theano.tensor.nnet import abstract_conv as ac
from theano.tensor.nnet.conv import ConvOp

from kfkd.xla import formulations
from kfkd.xla.dispatch import (
    NotStatic,
    apply_transpose,
    as_dtype,
    convert,
    dtype_of,
    sizes,
)
from kfkd.xla.layout import ChannelsLast, channels_last, to_logical
from kfkd.xla.padded import PaddedArray, padded, refuse_varying, with_zeros
from kfkd.xla.precision import operands
from kfkd.xla.symbolic import Symbolic


def _check_supported(op):
    if op.unshared:
        raise NotImplementedError("unshared filters have no conversion")


def _flip(op, filters):
    """Flip filters of a true convolution into those of a correlation, or back."""
    return lax.rev(filters, range(2, filters.ndim)) if op.filter_flip else filters


def _padding(op, filters_shape):
    dilated = [
        (k - 1) * d + 1
        for k, d in zip(filters_shape[-op.convdim :], op.filter_dilation, strict=True)
    ]
    return [
        tuple(int(p) for p in pads)
        for pads in ac.border_mode_to_pad(op.border_mode, op.convdim, dilated)
    ]


def _last(op):
    """Return whether images are stored with their channels last."""
    return op.convdim == 2 and formulations.images_channels_last()


def _correlate(op, images, filters):
    """Correlate images, in the device's layout, with (c_out, c_in, h, w) filters."""
    axes = "DHW"[-op.convdim :]
    layout = ("NHWC", "OIHW", "NHWC") if _last(op) else (f"NC{axes}", f"OI{axes}") * 2
    return lax.conv_general_dilated(
        images,
        filters,
        window_strides=op.subsample,
        padding=_padding(op, filters.shape),
        rhs_dilation=op.filter_dilation,
        dimension_numbers=layout[:3],
        feature_group_count=op.num_groups,
    )


def _patches(op, images, size):
    """Return a matrix of what each entry of filters sees of (n, h, w, 1) images.

    It has a row for each of the *size* entries, and a column for each pixel of the
    (n, h, w, c_out) result.
    """
    pads = (0, 0), *_padding(op, size), (0, 0)
    images = jnp.pad(images, pads)
    n, *lengths, _ = images.shape
    places = [range(0, k * d, d) for k, d in zip(size, op.filter_dilation, strict=True)]
    h, w = (length - p[-1] for length, p in zip(lengths, places, strict=True))
    steps = (1, *op.subsample, 1)
    return jnp.stack(
        [
            lax.slice(images, (0, i, j, 0), (n, i + h, j + w, 1), steps).reshape(-1)
            for i, j in itertools.product(*places)
        ]
    )


def _as_product(op, channels):
    """Return whether to compute a convolution as a product of matrices."""
    return _last(op) and channels == 1 and formulations.convolution_as_products()


def _image(op, array):
    return ChannelsLast(array) if _last(op) else array


def _array(op, image, dtype):
    array = channels_last(image) if _last(op) else to_logical(image)
    return as_dtype(array, dtype)


def _varying_batch(function, places, by_image=True):
    """Return *function* for images and gradients whose number may vary.

    Parameters
    ----------
    function : callable
    places : list of int
        Those of images and gradients among the arguments.
    by_image : bool
        Whether the result is of as many images.
    """

    def of_batch(*values):
        if not any(isinstance(v, (PaddedArray, Symbolic)) for v in values):
            return function(*values)
        values, batches = list(values), [to_logical(values[i]) for i in places]
        arrays, lengths = with_zeros(batches, [0])
        for i, array in zip(places, arrays, strict=True):
            values[i] = array
        for value in values:
            refuse_varying(value)
            if isinstance(value, PaddedArray):
                raise NotStatic
        result = function(*values)
        return padded(to_logical(result), lengths) if by_image else result

    return of_batch


@convert.register(ac.AbstractConv, factory=True, keeps_layout=True, takes_padded=True)
def convert_conv(op, node):
    _check_supported(op)
    dtype = dtype_of(node.outputs[0])

    def conv(images, filters):
        filters = _flip(op, as_dtype(to_logical(filters), dtype))
        if op.filter_flip and formulations.filters_flipped_apart():
            filters = lax.optimization_barrier(filters)
        images, filters = operands(_array(op, images, dtype), filters)
        channels = images.shape[-1 if _last(op) else 1]
        if channels != filters.shape[1] * op.num_groups:
            raise ValueError(
                f"The images have {channels} channels, the filters of shape "
                f"{filters.shape} take {filters.shape[1] * op.num_groups}"
            )
        correlate = functools.partial(_correlate, op)
        shape = jax.eval_shape(correlate, images, filters).shape
        if 0 in shape and 0 not in images.shape:
            raise ValueError(
                f"Filters of shape {filters.shape} are larger than the images"
            )
        # A product is faster only if the gradient needs the same patches, which XLA
        # then makes once.
        shared = getattr(node.inputs[0].tag, "patches_needed", False)
        if shared and _as_product(op, channels):
            patches = _patches(op, images, filters.shape[2:])
            matrix = filters.reshape(len(filters), -1).T
            result = jnp.dot(patches.T, matrix, preferred_element_type=dtype)
            return _image(op, result.reshape(shape))
        return _image(op, as_dtype(correlate(images, filters), dtype))

    return _varying_batch(conv, [0])


@convert.register(
    ac.AbstractConv_gradWeights, factory=True, keeps_layout=True, takes_padded=True
)
def convert_conv_grad_weights(op, node):
    _check_supported(op)
    dtype = dtype_of(node.outputs[0])
    node.inputs[0].tag.patches_needed = True  # for the convolution of the same images

    def conv_grad_weights(images, gradient, spatial):
        images, gradient = operands(*(_array(op, a, dtype) for a in (images, gradient)))
        channel = -1 if _last(op) else 1
        c_in, c_out = images.shape[channel], gradient.shape[channel]
        spatial = sizes(spatial)
        if _as_product(op, c_in):
            patches = _patches(op, images, spatial)
            gradient = gradient.reshape(-1, c_out)
            product = jnp.dot(patches, gradient, preferred_element_type=dtype)
            # Not product.T, which XLA would make a slower product of.
            product = jnp.transpose(product.reshape(*spatial, 1, c_out), (3, 2, 0, 1))
            return _flip(op, product)
        shape = (c_out, c_in // op.num_groups, *spatial)
        result = apply_transpose(lambda k: _correlate(op, images, k), shape, gradient)
        return as_dtype(_flip(op, result), dtype)

    return _varying_batch(conv_grad_weights, [0, 1], by_image=False)


@convert.register(
    ac.AbstractConv_gradInputs, factory=True, keeps_layout=True, takes_padded=True
)
def convert_conv_grad_inputs(op, node):
    _check_supported(op)
    dtype = dtype_of(node.outputs[0])

    def conv_grad_inputs(filters, gradient, spatial):
        filters = _flip(op, as_dtype(to_logical(filters), dtype))
        filters, gradient = operands(filters, _array(op, gradient, dtype))
        spatial = sizes(spatial)
        n, channels = gradient.shape[0], filters.shape[1] * op.num_groups
        shape = (n, *spatial, channels) if _last(op) else (n, channels, *spatial)
        result = apply_transpose(lambda x: _correlate(op, x, filters), shape, gradient)
        return _image(op, as_dtype(result, dtype))

    return _varying_batch(conv_grad_inputs, [1])


@convert.register(ConvOp, factory=True, keeps_layout=True)
def convert_conv_op(op, node):
    # The settings for unrolled loops have no meaning here.
    convolution = ac.AbstractConv2d(
        border_mode=op.out_mode, subsample=(op.dx, op.dy), filter_flip=True
    )
    convolve = convert(convolution, node).function

    def conv_op(images, filters):
        _check_announced("images", images.shape, (op.bsize, *op.imshp))
        _check_announced("filters", filters.shape, (op.nkern, op.imshp[0], *op.kshp))
        images = _spread(images, op.imshp_logical[1:])
        return convolve(
            images, _spread(filters, op.kshp_logical, op.kshp_logical_top_aligned)
        )

    return conv_op


def _check_announced(name, shape, announced):
    """Raise unless *shape* is the one that was given with the operation."""
    if any(a not in (None, n) for n, a in zip(shape, announced, strict=True)):
        raise ValueError(
            f"The shape of the {name} is {tuple(shape)}, but {announced} was given "
            "when the operation was made"
        )


def _spread(array, lengths, from_top=True):
    """Return *array* with zeros between the rows and columns, to have these lengths."""
    lengths = [n or m for n, m in zip(lengths, array.shape[2:], strict=True)]
    if tuple(lengths) == tuple(array.shape[2:]):
        return array
    config = [(0, 0, 0), (0, 0, 0)]
    for length, n in zip(lengths, array.shape[2:], strict=True):
        step = -(-length // n)
        before = 0 if from_top else (length - n * step - 1) % step
        after = length - before - ((n - 1) * step + 1)
        if after < 0:
            raise ValueError(f"{n} rows or columns cannot be spread over {length}")
        config.append((before, after, step - 1))
    array = to_logical(array)
    return lax.pad(array, as_dtype(0, array.dtype), config)
