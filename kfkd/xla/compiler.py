"""XLA's compiler, with the options that suit the device."""

import functools
import os
import re

import jax

from kfkd.xla import formulations
from kfkd.xla.compilation_cache import compiling

__all__ = ["jit"]

# What XLA leaves to the library YNNPACK.
_KINDS = "xla_cpu_experimental_ynn_fusion_type"


def jit(function, *, donate_argnums=()):
    """Return ``jax.jit`` of a function, compiled with options for the device."""
    by_library = formulations.convolution_by_library()
    options = None if by_library else _without_library_convolutions()
    return jax.jit(function, donate_argnums=donate_argnums, compiler_options=options)


@functools.cache
def _without_library_convolutions():
    """Return options so that XLA computes convolutions by itself.

    None if this version of XLA does so anyway, as all before 0.10.2 do, or does not
    know the options, or if ``XLA_FLAGS`` has others.
    """
    version = tuple(map(int, re.findall(r"\d+", jax.lib.__version__)[:3]))
    if version < (0, 10, 2) or _KINDS in os.environ.get("XLA_FLAGS", ""):
        return None
    # The others that it leaves to the library by default.
    kinds = ("INDIVIDUAL_DOT", "REDUCE")
    options = {_KINDS: ",".join(f"LIBRARY_FUSION_TYPE_{kind}" for kind in kinds)}
    try:
        with compiling(), jax.default_device(jax.devices("cpu")[0]):
            jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:
        return None
    return options
