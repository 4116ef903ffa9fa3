"""Fourier transforms: ``theano.tensor.fft`` and ``theano.tensor.fourier``."""

import jax.numpy as jnp
import numpy as np
from theano.tensor import fft, fourier

from kfkd.xla.dispatch import convert, sizes


@convert.register(fft.RFFTOp)
def convert_rfft(op, node, x, lengths):
    lengths = sizes(lengths)
    axes = range(x.ndim - len(lengths), x.ndim)
    found = jnp.fft.rfftn(x, lengths, axes)
    return jnp.stack([found.real, found.imag], axis=-1).astype(x.dtype)


@convert.register(fft.IRFFTOp)
def convert_irfft(op, node, x, lengths):
    lengths = sizes(lengths)
    axes = range(x.ndim - 1 - len(lengths), x.ndim - 1)
    found = jnp.fft.irfftn(x[..., 0] + 1j * x[..., 1], lengths, axes)
    return (found * np.prod(lengths)).astype(x.dtype)


@convert.register(fourier.Fourier)
def convert_fourier(op, node, x, n, axis):
    return jnp.fft.fft(jnp.asarray(x, "complex128"), *sizes(n), *sizes(axis))
