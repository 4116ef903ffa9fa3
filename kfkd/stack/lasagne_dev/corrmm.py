"""The layer of ``lasagne.layers.corrmm``."""

from kfkd.stack.lasagne_dev.cudnn import Conv2DDNNLayer

__all__ = ["Conv2DMMLayer"]


class Conv2DMMLayer(Conv2DDNNLayer):
    """Conv2DLayer that does not flip its filters by default."""
