"""Looking into a program while it runs: ``Print`` and ``PdbBreakpoint``.

Both act at each call, even on values that are known when the program is made.
"""

import jax
import numpy as np
from theano.breakpoint import PdbBreakpoint
from theano.printing import Print, _print_fn

from kfkd.xla.dispatch import convert
from kfkd.xla.host_callback import host_callback
from kfkd.xla.runtime_checks import calling_python


@convert.register(Print, no_constant_folding=True)
def convert_print(op, node, x):
    def show(value):
        op.global_fn(op, np.asarray(value))

    def show_or_fail(value):
        try:
            show(value)
        except BaseException as error:  # also one that ends a program, or a training
            errors.append(error)

    if op.global_fn is _print_fn and all(hasattr(np.ndarray, a) for a in op.attrs):
        jax.debug.callback(show, x)
    else:  # a function of a user's own, which may use the program's variables
        errors = calling_python()
        jax.debug.callback(show_or_fail, x)
    return x


@convert.register(PdbBreakpoint, factory=True, no_constant_folding=True)
def convert_pdb_breakpoint(op, node):
    return host_callback(node)
