"""Looking into a program while it runs: ``Print`` and ``PdbBreakpoint``."""

import jax
import numpy as np
from theano.breakpoint import PdbBreakpoint
from theano.printing import Print

from kfkd.xla.dispatch import convert, no_constant_folding
from kfkd.xla.host_callback import host_callback


@convert.register(Print)
def convert_print(op, node):
    def show(x):
        op.global_fn(op, np.asarray(x))

    @no_constant_folding  # what is known is printed at each call, too
    def print_and_pass(x):
        jax.debug.callback(show, x)
        return x

    return print_and_pass


@convert.register(PdbBreakpoint)
def convert_pdb_breakpoint(op, node):
    return no_constant_folding(host_callback(node))  # at each call, whatever is known
