"""Pooling over one and three axes, spatial pyramid pooling, and upscaling."""

import functools

import theano.tensor as T
from lasagne.layers import Layer, pool
from lasagne.layers.pool import MaxPool1DLayer, Pool2DLayer, pool_output_length
from lasagne.utils import as_tuple
from theano.tensor.signal.pool import pool_2d, pool_3d

from kfkd.stack.lasagne_dev.axes import check_spatial_axes, fill_sizes
from kfkd.stack.lasagne_dev.constructors import parameters_of

__all__ = [
    "MaxPool3DLayer",
    "Pool1DLayer",
    "Pool3DLayer",
    "SpatialPyramidPoolingLayer",
    "Upscale1DLayer",
    "Upscale2DLayer",
    "Upscale3DLayer",
]


def patch():
    """Check the number of axes as 0.2.dev does, and add the names that it has."""
    pool.pool_2d, pool.pool_3d = pool_2d, pool_3d
    _check_axes(Pool2DLayer, 2)
    _derive_max_pool_1d()


def _derive_max_pool_1d():
    """Let MaxPool1DLayer be a Pool1DLayer, as in 0.2.dev."""

    @parameters_of(MaxPool1DLayer.__init__)
    def __init__(self, **options):
        Pool1DLayer.__init__(self, mode="max", **options)

    MaxPool1DLayer.__bases__ = (Pool1DLayer,)
    MaxPool1DLayer.__init__ = __init__
    MaxPool1DLayer.mode = "max"  # of layers in pickles of Lasagne 0.1
    del MaxPool1DLayer.get_output_for, MaxPool1DLayer.get_output_shape_for


def _check_axes(cls, n):
    initialize = cls.__init__

    @functools.wraps(initialize)
    def __init__(self, *args, **kwargs):
        initialize(self, *args, **kwargs)
        check_spatial_axes(self, n, f"{n}D pooling")

    cls.__init__ = __init__


_MODES = ("max", "average_inc_pad", "average_exc_pad")


class Pool1DLayer(Layer):
    """Pooling over the last axis of three.

    Parameters
    ----------
    incoming : Layer or tuple
    pool_size, stride, pad : int
    ignore_border : bool
    mode : {"max", "average_inc_pad", "average_exc_pad"}
    """

    @parameters_of(MaxPool1DLayer.__init__, mode="max")
    def __init__(self, pool_size, stride, pad, ignore_border, mode, **options):
        super().__init__(**options)
        self.pool_size = as_tuple(pool_size, 1)
        self.stride = self.pool_size if stride is None else as_tuple(stride, 1)
        self.pad, self.ignore_border, self.mode = as_tuple(pad, 1), ignore_border, mode
        check_spatial_axes(self, 1, "1D pooling")

    def get_output_shape_for(self, input_shape):
        """Return the shape of the output."""
        sizes = self.pool_size[0], self.stride[0], self.pad[0], self.ignore_border
        return (*input_shape[:-1], pool_output_length(input_shape[-1], *sizes))

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        pooled = pool_2d(
            T.shape_padright(input, 1),
            ws=(self.pool_size[0], 1),
            stride=(self.stride[0], 1),
            ignore_border=self.ignore_border,
            pad=(self.pad[0], 0),
            mode=self.mode,
        )
        return pooled[:, :, :, 0]


class Pool3DLayer(Layer):
    """Pooling over the last three axes; parameters as for Pool2DLayer."""

    @parameters_of(Pool2DLayer.__init__, pad=(0, 0, 0))
    def __init__(self, pool_size, stride, pad, ignore_border, mode, **options):
        super().__init__(**options)
        check_spatial_axes(self, 3, "3D pooling")
        self.pool_size = as_tuple(pool_size, 3)
        self.stride = self.pool_size if stride is None else as_tuple(stride, 3)
        self.pad = as_tuple(pad, 3)
        self.ignore_border = ignore_border
        self.mode = mode

    def get_output_shape_for(self, input_shape):
        """Return the shape of the output for an input of this shape."""
        sizes = (
            pool_output_length(size, *window, self.ignore_border)
            for size, *window in zip(
                input_shape[2:], self.pool_size, self.stride, self.pad, strict=True
            )
        )
        return (*input_shape[:2], *sizes)

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        return pool_3d(
            input,
            ws=self.pool_size,
            stride=self.stride,
            ignore_border=self.ignore_border,
            pad=self.pad,
            mode=self.mode,
        )


class MaxPool3DLayer(Pool3DLayer):
    """Max-pooling over the last three axes; parameters as for MaxPool2DLayer."""

    @parameters_of(Pool3DLayer.__init__, without=("mode",))
    def __init__(self, **options):
        super().__init__(mode="max", **options)


class _UpscaleLayer(Layer):
    """Base class of upscaling along the last *n* axes."""

    def __init__(self, incoming, scale_factor, mode="repeat", **kwargs):
        super().__init__(incoming, **kwargs)
        self.scale_factor = as_tuple(scale_factor, self.n)
        if any(factor < 1 for factor in self.scale_factor):
            raise ValueError(f"Scale factor must be >= 1, not {self.scale_factor}")
        if mode not in ("repeat", "dilate"):
            raise ValueError(f"Mode must be either 'repeat' or 'dilate', not {mode}")
        self.mode = mode

    def get_output_shape_for(self, input_shape):
        """Return the shape of the output for an input of this shape."""
        sizes = (
            None if size is None else size * factor
            for size, factor in zip(input_shape[2:], self.scale_factor, strict=True)
        )
        return (*input_shape[:2], *sizes)

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        if self.mode == "repeat":
            for axis, factor in enumerate(self.scale_factor, 2):
                if factor > 1:
                    input = T.extra_ops.repeat(input, factor, axis)
            return input
        shape = self.get_output_shape_for(tuple(input.shape))
        zeros = T.zeros(shape, dtype=input.dtype)
        places = (slice(None, None, factor) for factor in self.scale_factor)
        return T.set_subtensor(zeros[(slice(None), slice(None), *places)], input)


class Upscale1DLayer(_UpscaleLayer):
    """Upscale the last axis of three; parameters as for Upscale2DLayer."""

    n = 1


class Upscale2DLayer(_UpscaleLayer):
    """Upscale the last two axes of four.

    Parameters
    ----------
    incoming : Layer or tuple
    scale_factor : int or tuple of int
    mode : {"repeat", "dilate"}
        Whether to repeat each element or to insert zeros after it.
    """

    n = 2


class Upscale3DLayer(_UpscaleLayer):
    """Upscale the last three axes of five; parameters as for Upscale2DLayer."""

    n = 3


class SpatialPyramidPoolingLayer(Layer):
    """Pool images of any size to grids, such as 4x4, 2x2 and 1x1, concatenated.

    Parameters
    ----------
    incoming : Layer or tuple
    pool_dims : list of int
        The number of rows, and of columns, of each grid.
    mode : {"max", "average_inc_pad", "average_exc_pad"}
    implementation : {"fast", "kaiming"}
        "fast" pools with one size and stride for all windows of a grid, which does not
        fit all sizes of images.  "kaiming" rounds the bounds of each window outwards,
        as in He et al., "Spatial pyramid pooling", 2015.
    """

    def __init__(
        self, incoming, pool_dims=(4, 2, 1), mode="max", implementation="fast", **kwargs
    ):
        super().__init__(incoming, **kwargs)
        check_spatial_axes(self, 2, "SPP")
        if mode not in _MODES:
            raise ValueError(f"Mode must be one of {_MODES}, got {mode!r}")
        if implementation not in ("fast", "kaiming"):
            raise ValueError(
                "Implementation must be either 'fast' or 'kaiming', got "
                f"{implementation!r}"
            )
        self.mode = mode
        self.implementation = implementation
        self.pool_dims = list(pool_dims)

    def get_output_shape_for(self, input_shape):
        """Return the shape of the output for an input of this shape."""
        return (*input_shape[:2], sum(count**2 for count in self.pool_dims))

    def get_output_for(self, input, **kwargs):
        """Return the output."""
        sizes = fill_sizes(self.input_shape[2:], (input.shape[2], input.shape[3]))
        pool = {"fast": self._pool_evenly, "kaiming": self._pool_all}
        pool = pool[self.implementation]
        return T.concatenate([pool(input, sizes, n) for n in self.pool_dims], axis=2)

    def _pool_evenly(self, input, sizes, n):
        """Pool to a grid of *n* x *n* with windows of one size and stride."""
        window = tuple((size + n - 1) // n for size in sizes)
        stride = tuple(size // n for size in sizes)
        pooled = pool_2d(
            input, window, ignore_border=True, stride=stride, mode=self.mode
        )
        return pooled.flatten(3)

    def _pool_all(self, input, sizes, n):
        """Pool to a grid of *n* x *n* with windows that cover the whole image."""
        reduce = T.max if self.mode == "max" else T.mean
        rows, columns = (
            [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]
            for size in sizes
        )
        cells = [
            reduce(input[:, :, top:bottom, left:right], axis=(2, 3))
            for top, bottom in rows
            for left, right in columns
        ]
        return T.stack(cells, axis=2)
