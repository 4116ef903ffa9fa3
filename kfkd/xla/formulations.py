"""Which formulation of an operation each device gets: decided here.

By measurement on the CPU (``benchmarks/formulations.py``), and for GPUs by what XLA
makes of the programs.
"""

from theano.tensor.nnet.abstract_conv import BaseAbstractConv

from kfkd.xla.device import get_device

__all__ = [
    "convolution_as_products",
    "filters_flipped_apart",
    "holds_transposed",
    "images_channels_last",
    "loops",
]


def _on_cpu():
    return get_device().platform == "cpu"


def images_channels_last():
    """Tell whether images travel with their channels last.

    On the CPU, where a training step of net2 takes half the time so.  On a GPU the
    layout is left to XLA, which chooses one for cuDNN.
    """
    return _on_cpu()


def holds_transposed(shape):
    """Tell whether a matrix of weights is held transposed while a loop runs.

    On the CPU those of many inputs and few outputs, with which XLA's products take half
    the time so: an epoch of net1 takes two thirds of it.
    """
    return _on_cpu() and len(shape) == 2 and shape[0] >= 16 * shape[1] >= 16**2


def convolution_as_products():
    """Tell whether to compute convolutions as products of matrices over patches.

    On the CPU, where XLA's own gradients of convolutions with small filters are slow.
    """
    return _on_cpu()


def filters_flipped_apart():
    """Tell whether filters are flipped before a convolution instead of within it.

    On a GPU, where XLA makes a convolution within which they are flipped one of
    cuDNN's gradients.  Flipped before, it is one of cuDNN's convolutions, which adds
    the bias as well.
    """
    return not _on_cpu()


def loops(nodes):
    """Tell whether to run a graph of these nodes in a loop within one program.

    Not on the CPU if there are convolutions in it: an epoch of net2 takes more than
    twice the time so.  An epoch of net1 takes three quarters of it.
    """
    has_convolutions = any(isinstance(node.op, BaseAbstractConv) for node in nodes)
    return not (_on_cpu() and has_convolutions)
