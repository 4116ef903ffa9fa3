"""XLA back end for Theano: the compile mode ``"xla"``.

One optimised Theano graph becomes one program for XLA, through JAX.  It runs on the
first CUDA GPU, or on the CPU where there is none:

>>> import kfkd
>>> f = theano.function([x], y, mode="xla")

``theano.config.mode`` is ``"xla"`` unless the user says otherwise, so it is the default
of all functions.  Mode ``"xla_static"`` is the same without padding: it makes a program
for each shape, so that a result never depends, by rounding, on the calls before.

A function is made in these steps; none of these modules knows an operation:

- :mod:`.linker` is what Theano calls with a graph.
- :mod:`.lowering` makes the graph a function that JAX can trace.
- :mod:`.thunk` runs a program on what is in storage.
- :mod:`.programs` finds the program for a call, or makes it.
- :mod:`.specialization` evaluates the sizes that a program is made for.
- :mod:`.lengths` finds lengths that vary between calls, and classes of them, in which
  sizes are :mod:`.symbolic`.
- :mod:`.loop` calls a function for all batches within one program.

Operations are converted here:

- :mod:`.dispatch` is the registry of conversions, and what they share.
- :mod:`.ops` holds the conversions, one module for each family.
- :mod:`.layout` and :mod:`.padded` have arrays that are not stored as the graph says,
  :mod:`.counts` sizes that are computed.
- :mod:`.formulations` chooses between ways to compute an operation.
- :mod:`.host_callback` evaluates operations without a conversion, on request.

The device and its state:

- :mod:`.device` chooses the device, and :mod:`.precision` the precision.
- :mod:`.shared_variables` keeps shared variables on the device.
- :mod:`.compilation_cache` keeps compiled programs on disk.
"""

from theano.compile.mode import Mode, register_linker, register_mode
from theano.graph.optdb import Query

from kfkd.errors import DeviceError, PrecisionError
from kfkd.xla import ops  # noqa: F401  (registers the conversions)
from kfkd.xla.compilation_cache import enable_compilation_cache
from kfkd.xla.device import describe_device, get_device, set_device
from kfkd.xla.host_callback import allow_python_ops
from kfkd.xla.linker import XLALinker
from kfkd.xla.precision import PRECISIONS, get_precision, set_precision

__all__ = [
    "PRECISIONS",
    "DeviceError",
    "PrecisionError",
    "XLALinker",
    "allow_python_ops",
    "describe_device",
    "get_device",
    "get_precision",
    "set_device",
    "set_precision",
]

# Rewrites that serve only Theano's own evaluation: operations in C, in place, or fused
# (XLA fuses by itself), and convolutions lowered to loops or to BLAS.
_EXCLUDED = (
    "AbstractConvCheck",
    "BlasOpt",
    "conv_opts",
    "cxx_only",
    "fusion",
    "inplace",
    "scan_make_inplace",
    # With local_subtensor_lift, it puts a cycle into the gradient through a padding,
    # and Theano then sorts it for ever.
    "local_subtensor_inc_subtensor",
    # They square an integer in its own dtype where the power has a wider one.
    "local_pow_specialize",
    "local_pow_specialize_device",
)

enable_compilation_cache()
_REWRITES = Query(include=["fast_run", "xla"], exclude=_EXCLUDED)
for _name, _linker in (
    ("xla", XLALinker()),
    ("xla_static", XLALinker(static_shapes=True)),
):
    register_linker(_name, _linker)
    register_mode(_name, Mode(_name, _REWRITES))
