"""Precision of matrix products and convolutions of float32."""

import contextlib
import os

import jax
import jax.numpy as jnp
import numpy as np

from kfkd.choices import PRECISIONS
from kfkd.errors import PrecisionError

__all__ = [
    "PRECISIONS",
    "get_precision",
    "operands",
    "precisely",
    "set_precision",
]

_chosen = None


def set_precision(name=None):
    """Choose how products of float32 are computed by all programs from now on.

    Parameters
    ----------
    name : {None, "tensorfloat32", "float32", "bfloat16"}
        ``"tensorfloat32"``, the default: GPUs multiply numbers with 10 bits of mantissa
        and sum in float32; the CPU computes in float32.  ``"float32"``: GPUs compute in
        float32, too.  ``"bfloat16"``: products of numbers with 7 bits of mantissa,
        summed in float32; weights, their updates and all else stay float32.  None
        resets the choice to the environment variable ``KFKD_PRECISION``.

    Raises
    ------
    PrecisionError
        If there is no such precision.
    """
    global _chosen
    _chosen = None if name is None else _check(name, "set_precision")


def get_precision():
    """Return the name of the precision in use."""
    if _chosen is not None:
        return _chosen
    return _check(os.environ.get("KFKD_PRECISION") or "tensorfloat32", "KFKD_PRECISION")


def _check(name, source):
    if name not in PRECISIONS:
        raise PrecisionError(
            f"{source} asks for the precision {name!r}; there are "
            f"{', '.join(PRECISIONS)}"
        )
    return name


def precisely():
    """Return a context in which JAX traces and compiles in the precision in use."""
    if get_precision() == "float32":
        return jax.default_matmul_precision("highest")
    return contextlib.nullcontext()  # as jax_default_matmul_precision says


def operands(*arrays):
    """Return the operands of a product, cast for the precision in use."""
    if get_precision() != "bfloat16":
        return arrays
    return tuple(a.astype(jnp.bfloat16) if a.dtype == np.float32 else a for a in arrays)
