"""NumPy as Theano expects it: with the names and habits that NumPy has dropped."""

import functools

import numpy as np

from kfkd.stack.shims import make_module

__all__ = ["dtype_of", "make_numpy"]


def dtype_of(spec):
    """Return a dtype, or that of a Theano variable or type, as NumPy did."""
    name = getattr(spec, "dtype", None)
    return name if isinstance(name, str) else spec


class _Cast:
    """numpy.cast."""

    def __getitem__(self, dtype):
        return functools.partial(np.asarray, dtype=dtype_of(dtype))


class _Complex(complex):
    """numpy.complex, which took arrays of one element, of any shape."""

    def __new__(cls, *parts):
        return complex(*[np.asarray(part).item() for part in parts])


def _array(a, dtype=None, **options):
    """numpy.array, which wrapped a Python int that does not fit the dtype."""
    dtype = dtype_of(dtype)
    if isinstance(a, int) and dtype is not None:
        return np.array(a, **options).astype(dtype)
    return np.array(a, dtype, **options)


def _unique(a, return_index=False, return_inverse=False, *args, **options):
    """numpy.unique, which returned the inverse as a vector."""
    found = np.unique(a, return_index, return_inverse, *args, **options)
    if return_inverse:
        found = list(found)
        found[1 + return_index] = found[1 + return_index].ravel()
    return found


def _over_last_axes(transform):
    """Return a transform over the last axes; NumPy is about to take the first ones."""
    return lambda a, s: transform(a, s, range(a.ndim - len(s), a.ndim))


def make_numpy(**changed):
    """Return a module like NumPy that has what Theano still uses of it."""
    fft = make_module(
        "numpy.fft",
        rfftn=_over_last_axes(np.fft.rfftn),
        irfftn=_over_last_axes(np.fft.irfftn),
    )
    old = dict(
        __getattr__=functools.partial(getattr, np),
        AxisError=np.exceptions.AxisError,
        ComplexWarning=np.exceptions.ComplexWarning,
        MAXDIMS=32,
        array=_array,
        asarray=lambda a, dtype=None, **order: np.asarray(a, dtype_of(dtype), **order),
        cast=_Cast(),
        complex=_Complex,
        core=np._core,
        fft=fft,
        product=np.prod,
        sctype2char=lambda dtype: np.dtype(dtype).char,
        unique=_unique,
        zeros=lambda shape, dtype=float: np.zeros(shape, dtype_of(dtype)),
    )
    return make_module("numpy", **(old | changed))
