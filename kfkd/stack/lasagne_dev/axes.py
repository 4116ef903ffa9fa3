"""Axes of inputs: how many there are, their sizes, and which share a parameter."""

from kfkd.stack.lasagne_dev.integers import Integer

__all__ = [
    "check_spatial_axes",
    "fill_sizes",
    "get_draw_shape",
    "get_shared_axes",
    "get_unshared_shape",
    "spread",
]


def check_spatial_axes(layer, n, kind):
    """Raise ValueError unless the input of a layer has *n* axes after the first two."""
    if len(layer.input_shape) != n + 2:
        raise ValueError(
            f"Tried to create a {kind} layer with input shape {layer.input_shape}. "
            f"Expected {n + 2} input dimensions (batchsize, channels, {n} spatial "
            "dimensions)."
        )


def fill_sizes(shape, actual):
    """Return the sizes of *shape*, and those of *actual* in place of None."""
    return [
        symbolic if size is None else size
        for size, symbolic in zip(shape, actual, strict=True)
    ]


def get_shared_axes(layer, shared_axes, all_axes=False):
    """Return the axes that a parameter of a layer is shared over, as a tuple."""
    n = len(layer.input_shape)
    if isinstance(shared_axes, str):
        if shared_axes == "auto":
            return (0, *range(2, n))
        if shared_axes == "all" and all_axes:
            return tuple(range(n))
        raise ValueError(f"shared_axes must be 'auto' or integers, not {shared_axes!r}")
    return (shared_axes,) if isinstance(shared_axes, Integer) else tuple(shared_axes)


def get_unshared_shape(layer, shared_axes, what):
    """Return the sizes of the axes of the input that a parameter is not shared over."""
    shape = [s for axis, s in enumerate(layer.input_shape) if axis not in shared_axes]
    if any(size is None for size in shape):
        raise ValueError(
            f"{type(layer).__name__} needs specified input sizes for all axes that "
            f"{what} are not shared over."
        )
    return shape


def spread(param, shared_axes, ndim):
    """Return a parameter with its shared axes inserted, so that it broadcasts."""
    axes = iter(range(param.ndim))
    return param.dimshuffle(
        ["x" if axis in shared_axes else next(axes) for axis in range(ndim)]
    )


def get_draw_shape(layer, input, shared_axes):
    """Return the shape of the random numbers for an input, 1 along shared axes."""
    shape = layer.input_shape
    if any(size is None for size in shape):
        shape = input.shape
    return tuple(1 if a in shared_axes else shape[a] for a in range(input.ndim))
