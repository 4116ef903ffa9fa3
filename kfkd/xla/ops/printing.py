"""Looking into a program while it runs: ``Print`` and ``PdbBreakpoint``.

Both act at each call, even on values that are known when the program is made.
"""

import jax
import numpy as np
from theano.breakpoint import PdbBreakpoint
from theano.printing import Print

from kfkd.xla.dispatch import convert
from kfkd.xla.host_callback import host_callback
from kfkd.xla.runtime_checks import calling_python


@convert.register(Print, no_constant_folding=True)
def convert_print(op, node, x):
    errors = calling_python()

    def show(value):
        try:
            op.global_fn(op, np.asarray(value))
        except BaseException as error:  # also one that ends a program, or a training
            errors.append(error)

    jax.debug.callback(show, x)
    return x


@convert.register(PdbBreakpoint, factory=True, no_constant_folding=True)
def convert_pdb_breakpoint(op, node):
    return host_callback(node)
