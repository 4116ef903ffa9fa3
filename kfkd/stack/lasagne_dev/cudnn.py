"""The layers of ``lasagne.layers.dnn``.  XLA chooses cuDNN by itself, for any layer."""

from lasagne.layers import Conv2DLayer, MaxPool2DLayer, Pool2DLayer
from lasagne.utils import as_tuple

from kfkd.stack.lasagne_dev.base_convolution import Conv3DLayer, conv_parameters
from kfkd.stack.lasagne_dev.constructors import parameters_of
from kfkd.stack.lasagne_dev.normalization import BatchNormLayer, insert_batch_norm
from kfkd.stack.lasagne_dev.pooling import (
    MaxPool3DLayer,
    Pool3DLayer,
    SpatialPyramidPoolingLayer,
)

__all__ = [
    "BatchNormDNNLayer",
    "Conv2DDNNLayer",
    "Conv3DDNNLayer",
    "MaxPool2DDNNLayer",
    "MaxPool3DDNNLayer",
    "Pool2DDNNLayer",
    "Pool3DDNNLayer",
    "SpatialPyramidPoolingDNNLayer",
    "as_tuple",
    "batch_norm_dnn",
]


def _check_border(layer):
    if not layer.ignore_border:
        raise NotImplementedError(
            f"{type(layer).__name__} does not support ignore_border=False."
        )


class Conv2DDNNLayer(Conv2DLayer):
    """Conv2DLayer that does not flip its filters by default."""

    @conv_parameters(stride=(1, 1), flip_filters=False)
    def __init__(self, filter_size, pad, flip_filters, **options):
        if pad == "same":  # as cuDNN pads: equally on both sides, for even sizes too
            pad = tuple((size - 1) // 2 for size in as_tuple(filter_size, 2, int))
        super().__init__(
            filter_size=filter_size, pad=pad, flip_filters=bool(flip_filters), **options
        )


class Conv3DDNNLayer(Conv3DLayer):
    """Conv3DLayer that does not flip its filters by default."""

    @conv_parameters(stride=(1, 1, 1), flip_filters=False)
    def __init__(self, **options):
        super().__init__(**options)


class Pool2DDNNLayer(Pool2DLayer):
    """Pool2DLayer that ignores borders."""

    @parameters_of(Pool2DLayer.__init__)
    def __init__(self, **options):
        super().__init__(**options)
        _check_border(self)


class MaxPool2DDNNLayer(Pool2DDNNLayer):
    """MaxPool2DLayer that ignores borders."""

    @parameters_of(MaxPool2DLayer.__init__)
    def __init__(self, **options):
        super().__init__(**options)


class Pool3DDNNLayer(Pool3DLayer):
    """Pool3DLayer that ignores borders."""

    @parameters_of(Pool3DLayer.__init__)
    def __init__(self, **options):
        super().__init__(**options)
        _check_border(self)


class MaxPool3DDNNLayer(Pool3DDNNLayer):
    """MaxPool3DLayer that ignores borders."""

    @parameters_of(MaxPool3DLayer.__init__)
    def __init__(self, **options):
        super().__init__(**options)


class SpatialPyramidPoolingDNNLayer(SpatialPyramidPoolingLayer):
    """SpatialPyramidPoolingLayer whose windows all have one size."""

    def __init__(self, incoming, pool_dims=(4, 2, 1), mode="max", **kwargs):
        super().__init__(incoming, pool_dims, mode, **kwargs)


class BatchNormDNNLayer(BatchNormLayer):
    """BatchNormLayer over the first axis, or over all but the second."""

    def __init__(self, incoming, axes="auto", *args, **kwargs):
        super().__init__(incoming, axes, *args, **kwargs)
        if self.axes not in ((0,), (0, *range(2, len(self.input_shape)))):
            raise ValueError(
                "BatchNormDNNLayer only supports normalization across the first axis, "
                f"or across all but the second axis, got axes={axes!r}"
            )


def batch_norm_dnn(layer, **kwargs):
    """Insert a BatchNormDNNLayer before the nonlinearity of a layer (`batch_norm`)."""
    return insert_batch_norm(BatchNormDNNLayer, layer, **kwargs)
