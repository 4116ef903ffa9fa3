"""Convolutions of images and their gradients, in two and three dimensions.

Theano's graphs hold images as (n, c, h, w) and filters as (c_out, c_in, h, w), and a
convolution may be a true one, with the filters flipped, or a correlation.  `ConvOp` is
what programs older than ``T.nnet.conv2d`` use.
"""

import jax.numpy as jnp
from jax import lax
from theano.tensor.nnet import abstract_conv as ac
from theano.tensor.nnet.conv import ConvOp

from kfkd.xla import formulations
from kfkd.xla.dispatch import apply_transpose, as_dtype, convert, dtype_of, sizes
from kfkd.xla.layout import ChannelsLast, channels_last, to_logical
from kfkd.xla.precision import operands


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


def _is_plain(op):
    """Return whether it is a convolution of patches: no padding, stride or groups."""
    return (
        _last(op)
        and op.border_mode in ("valid", (0, 0))
        and {*op.subsample, *op.filter_dilation, op.num_groups} == {1}
        and formulations.convolution_as_products()
    )


def _shifted(images, height, width):
    """Return the (n, h, w, c) images seen by each entry of a height x width filter."""
    h, w = images.shape[1] - height + 1, images.shape[2] - width + 1
    return [
        images[:, i : i + h, j : j + w, :] for i in range(height) for j in range(width)
    ]


def _image(op, array):
    return ChannelsLast(array) if _last(op) else array


def _array(op, image, dtype):
    array = channels_last(image) if _last(op) else to_logical(image)
    return as_dtype(array, dtype)


@convert.register(ac.AbstractConv, factory=True, keeps_layout=True)
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
        # A product is faster only if the gradient needs the same patches, which XLA
        # then makes once.
        shared = getattr(node.inputs[0].tag, "patches_needed", False)
        if _is_plain(op) and shared and channels > 1:
            patches = jnp.concatenate(_shifted(images, *filters.shape[2:]), axis=-1)
            matrix = jnp.transpose(filters, (2, 3, 1, 0)).reshape(-1, filters.shape[0])
            return _image(op, jnp.dot(patches, matrix, preferred_element_type=dtype))
        result = _correlate(op, images, filters)
        if 0 in result.shape and 0 not in images.shape:
            raise ValueError(
                f"Filters of shape {filters.shape} are larger than the images"
            )
        return _image(op, as_dtype(result, dtype))

    return conv


@convert.register(ac.AbstractConv_gradWeights, factory=True, keeps_layout=True)
def convert_conv_grad_weights(op, node):
    _check_supported(op)
    dtype = dtype_of(node.outputs[0])
    node.inputs[0].tag.patches_needed = True  # for the convolution of the same images

    def conv_grad_weights(images, gradient, spatial):
        images, gradient = operands(*(_array(op, a, dtype) for a in (images, gradient)))
        channel = -1 if _last(op) else 1
        c_in, c_out = images.shape[channel], gradient.shape[channel]
        spatial = sizes(spatial)
        if _is_plain(op):
            return _flip(op, _grad_weights_as_product(images, gradient, spatial, dtype))
        shape = (c_out, c_in // op.num_groups, *spatial)
        result = apply_transpose(lambda k: _correlate(op, images, k), shape, gradient)
        return as_dtype(_flip(op, result), dtype)

    return conv_grad_weights


def _grad_weights_as_product(images, gradient, spatial, dtype):
    parts = _shifted(images, *spatial)
    c_in, c_out = images.shape[-1], gradient.shape[-1]
    gradient = jnp.reshape(gradient, (-1, c_out))
    if c_in == 1:
        patches = jnp.stack([jnp.reshape(part, -1) for part in parts])
    else:
        patches = jnp.concatenate(parts, axis=-1).reshape(len(gradient), -1).T
    product = jnp.dot(patches, gradient, preferred_element_type=dtype)
    return jnp.transpose(product.reshape(*spatial, c_in, c_out), (3, 2, 0, 1))


@convert.register(ac.AbstractConv_gradInputs, factory=True, keeps_layout=True)
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

    return conv_grad_inputs


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
