"""Looking into a program while it runs: ``Print`` and ``PdbBreakpoint``.

Both act at each call, even on values that are known when the program is made.
"""

import jax
import numpy as np
from theano.breakpoint import PdbBreakpoint
from theano.printing import Print

from kfkd.xla.dispatch import convert
from kfkd.xla.host_callback import host_callback
from kfkd.xla.runtime_checks import note_python_call


@convert.register(Print, no_constant_folding=True)
def convert_print(op, node, x):
    note_python_call()
    jax.debug.callback(lambda value: op.global_fn(op, np.asarray(value)), x)
    return x


@convert.register(PdbBreakpoint, factory=True, no_constant_folding=True)
def convert_pdb_breakpoint(op, node):
    return host_callback(node)
