"""The layers of ``lasagne.layers.dnn``, which XLA gives to cuDNN by itself."""

from lasagne import init, nonlinearities
from lasagne.layers import Conv2DLayer, Pool2DLayer
from lasagne.utils import as_tuple

from kfkd.stack.lasagne_dev.base_convolution import Conv3DLayer
from kfkd.stack.lasagne_dev.normalization import BatchNormLayer, normalize
from kfkd.stack.lasagne_dev.pooling import Pool3DLayer, SpatialPyramidPoolingLayer

__all__ = [
    "BatchNormDNNLayer",
    "Conv2DDNNLayer",
    "Conv3DDNNLayer",
    "MaxPool2DDNNLayer",
    "MaxPool3DDNNLayer",
    "Pool2DDNNLayer",
    "Pool3DDNNLayer",
    "SpatialPyramidPoolingDNNLayer",
    "batch_norm_dnn",
]


def _check_border(layer, ignore_border):
    if not ignore_border:
        raise NotImplementedError(
            f"{type(layer).__name__} does not support ignore_border=False."
        )


class Conv2DDNNLayer(Conv2DLayer):
    """Conv2DLayer that does not flip its filters by default."""

    def __init__(
        self,
        incoming,
        num_filters,
        filter_size,
        stride=(1, 1),
        pad=0,
        untie_biases=False,
        W=init.GlorotUniform(),  # noqa: B008  (as all layers have it)
        b=init.Constant(0.0),  # noqa: B008
        nonlinearity=nonlinearities.rectify,
        flip_filters=False,
        **kwargs,
    ):
        if pad == "same":  # which is even on both sides here, whatever the size
            pad = tuple((size - 1) // 2 for size in as_tuple(filter_size, 2, int))
        super().__init__(
            incoming,
            num_filters,
            filter_size,
            stride,
            pad,
            untie_biases,
            W,
            b,
            nonlinearity,
            bool(flip_filters),
            **kwargs,
        )


class Conv3DDNNLayer(Conv3DLayer):
    """Conv3DLayer that does not flip its filters by default."""

    def __init__(
        self,
        incoming,
        num_filters,
        filter_size,
        stride=(1, 1, 1),
        pad=0,
        untie_biases=False,
        W=init.GlorotUniform(),  # noqa: B008
        b=init.Constant(0.0),  # noqa: B008
        nonlinearity=nonlinearities.rectify,
        flip_filters=False,
        **kwargs,
    ):
        super().__init__(
            incoming,
            num_filters,
            filter_size,
            stride,
            pad,
            untie_biases,
            W,
            b,
            nonlinearity,
            flip_filters,
            **kwargs,
        )


class Pool2DDNNLayer(Pool2DLayer):
    """Pool2DLayer that ignores borders."""

    def __init__(
        self,
        incoming,
        pool_size,
        stride=None,
        pad=(0, 0),
        ignore_border=True,
        mode="max",
        **kwargs,
    ):
        _check_border(self, ignore_border)
        super().__init__(incoming, pool_size, stride, pad, mode=mode, **kwargs)


class MaxPool2DDNNLayer(Pool2DDNNLayer):
    """MaxPool2DLayer that ignores borders."""

    def __init__(
        self,
        incoming,
        pool_size,
        stride=None,
        pad=(0, 0),
        ignore_border=True,
        **kwargs,
    ):
        super().__init__(incoming, pool_size, stride, pad, ignore_border, **kwargs)


class Pool3DDNNLayer(Pool3DLayer):
    """Pool3DLayer that ignores borders."""

    def __init__(
        self,
        incoming,
        pool_size,
        stride=None,
        pad=(0, 0, 0),
        ignore_border=True,
        mode="max",
        **kwargs,
    ):
        _check_border(self, ignore_border)
        super().__init__(incoming, pool_size, stride, pad, mode=mode, **kwargs)


class MaxPool3DDNNLayer(Pool3DDNNLayer):
    """MaxPool3DLayer that ignores borders."""

    def __init__(
        self,
        incoming,
        pool_size,
        stride=None,
        pad=(0, 0, 0),
        ignore_border=True,
        **kwargs,
    ):
        super().__init__(incoming, pool_size, stride, pad, ignore_border, **kwargs)


class SpatialPyramidPoolingDNNLayer(SpatialPyramidPoolingLayer):
    """SpatialPyramidPoolingLayer of windows of one size."""

    def __init__(self, incoming, pool_dims=(4, 2, 1), mode="max", **kwargs):
        super().__init__(incoming, pool_dims, mode, **kwargs)


class BatchNormDNNLayer(BatchNormLayer):
    """BatchNormLayer over the first axis, or all but the second."""

    def __init__(self, incoming, axes="auto", *args, **kwargs):
        super().__init__(incoming, axes, *args, **kwargs)
        if self.axes not in ((0,), (0, *range(2, len(self.input_shape)))):
            raise ValueError(
                "BatchNormDNNLayer only supports normalization across the first axis, "
                f"or across all but the second axis, got axes={axes!r}"
            )


def batch_norm_dnn(layer, **kwargs):
    """Put a BatchNormDNNLayer between a layer and its nonlinearity, as `batch_norm`."""
    return normalize(layer, BatchNormDNNLayer, **kwargs)
