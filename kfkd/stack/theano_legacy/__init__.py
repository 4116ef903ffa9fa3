"""Names of Theano 0.6 to 1.0 that Theano-PyMC 1.1.2 has renamed, moved or dropped.

Names with a counterpart are aliases of it.  The others, most of them of Theano's own
GPU back end, raise an ImportError that says what to use.
"""

from kfkd.stack.theano_legacy import cuda, modules, names, operations

__all__ = ["install"]


def install(theano):
    """Set the names on the modules of Theano."""
    from kfkd.stack.theano_legacy import random_streams  # which imports Theano

    modules.install(theano)
    names.install(theano)
    operations.install(theano)
    random_streams.install()
    cuda.install(theano)
