"""Patches of Theano's indexing."""

import functools

__all__ = ["install"]


def install(theano):
    """Let unsigned numbers be indices, and bounds of slices, as signed ones are.

    Theano takes them for arrays of indices: slices of them fail, or are not understood
    by its rewrites.
    """
    as_index = theano.tensor.subtensor.as_index_constant

    @functools.wraps(as_index)
    def as_signed_index(a):
        is_scalar = isinstance(a, theano.tensor.TensorVariable) and a.ndim == 0
        if is_scalar and a.dtype.startswith("uint"):
            return a.astype("int64")
        return as_index(a)

    theano.tensor.subtensor.as_index_constant = as_signed_index
