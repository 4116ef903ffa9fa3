"""Formulations: which of several ways to compute an operation each device gets.

On the CPU the choices follow measurements (``benchmarks/formulations.py``).  On GPUs
they follow what XLA makes of the programs.
"""

from theano.tensor.nnet.abstract_conv import BaseAbstractConv

from kfkd.xla.device import get_device

__all__ = [
    "convolution_as_products",
    "convolution_by_library",
    "filters_flipped_apart",
    "holds_transposed",
    "images_channels_last",
    "loops",
]


def _on_cpu():
    return get_device().platform == "cpu"


def images_channels_last():
    """Return whether images are stored with their channels last.

    On the CPU, where a training step of net2 then takes half the time.  On a GPU the
    layout is left to XLA, which chooses one for cuDNN.
    """
    return _on_cpu()


def holds_transposed(shape):
    """Return whether a loop carries a matrix of weights transposed.

    On the CPU those of many inputs and few outputs.  XLA's products with them then take
    half the time, and an epoch of net1 two thirds.
    """
    return _on_cpu() and len(shape) == 2 and shape[0] >= 16 * shape[1] >= 16**2


def convolution_as_products():
    """Return whether to compute convolutions of one channel as products of matrices.

    On the CPU.  A convolution and its gradient for the filters then take four fifths of
    the time, as they share the patches.
    """
    return _on_cpu()


def convolution_by_library():
    """Return whether XLA leaves convolutions on the CPU to the library YNNPACK.

    Not on the CPU: XLA's own take half of its time, and their gradients for the filters
    a quarter.
    """
    return not _on_cpu()


def filters_flipped_apart():
    """Return whether filters are flipped before a convolution instead of within it.

    On a GPU.  XLA lowers a convolution that flips its filters to one of cuDNN's
    gradients.  With filters flipped before, it becomes one of cuDNN's convolutions,
    which adds the bias as well.
    """
    return not _on_cpu()


def loops(nodes):
    """Return whether to run a graph of these nodes in a loop within one program.

    Not on the CPU if there are convolutions: an epoch of net2 takes more than twice the
    time in a loop, while one of net1 takes three quarters.
    """
    has_convolutions = any(isinstance(node.op, BaseAbstractConv) for node in nodes)
    return not (_on_cpu() and has_convolutions)
