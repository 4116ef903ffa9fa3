"""Patches of Theano's gradients through places and sizes, which are constants."""

import functools
import sys

__all__ = ["install"]


def install(theano):
    """Let gradients end at the operations that return places or take sizes.

    Theano calls them undefined.  They are then undefined for all that a number follows
    from, such as the loop that returns it, or fail.
    """
    for op in (theano.tensor.Nonzero, theano.tensor.Eye, theano.tensor.Tri):

        def connection_pattern(self, node):
            return [[False] * len(node.outputs) for _ in node.inputs]

        op.connection_pattern = connection_pattern
    _patch_argsort(sys.modules["theano.tensor.sort"].ArgSortOp)


def _patch_argsort(ArgSortOp):
    """Let gradients of the order of whole numbers be floating-point zeros."""
    grad = ArgSortOp.grad

    @functools.wraps(grad)
    def floating_grad(self, inputs, output_grads):
        of_values, of_axis = grad(self, inputs, output_grads)
        return [of_values.astype(output_grads[0].dtype), of_axis]

    ArgSortOp.grad = floating_grad
