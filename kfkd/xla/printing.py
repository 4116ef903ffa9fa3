"""Printing while a program runs: ``theano.printing.Print``."""

import jax
import numpy as np
from theano.printing import Print

from kfkd.xla.dispatch import convert, generates


@convert.register(Print)
def _(op, node):
    def show(x):
        op.global_fn(op, np.asarray(x))

    @generates  # what is known is printed at each call, too
    def print_and_pass(x):
        jax.debug.callback(show, x)
        return x

    return print_and_pass
