"""A net's functions, each compiled when it is first needed.

A net that is loaded to predict, to be looked at or to start another one from needs
some of its three functions, or none; to compile all takes a second or two.
"""

import theano

from kfkd import stack
from kfkd.process.forks import fork_safe_rlock
from kfkd.stack.nolearn_functions import FunctionMaker

__all__ = [
    "LazyFunction",
    "compile_lazily",
    "trained_variables",
    "without_debug_checks",
]


def without_debug_checks():
    """Switch off, within a block, checks of graphs that stop every net.

    A user may have them in .theanorc, for graphs of his own: the inputs of a net have
    no test values.
    """
    return theano.config.change_flags(
        check_stack_trace="off", compute_test_value="off", compute_test_value_opt="off"
    )


class _Maker(FunctionMaker):
    def mode(self):
        """Return xla_static, unless the program sets another mode.

        Batches have few sizes, and results are to be the same to the last bit.

        That of THEANO_FLAGS or .theanorc is for programs that are plain Theano:
        FAST_RUN, which many have there, would take hours for an epoch.
        """
        return "xla_static" if theano.config.mode == stack.DEFAULT_MODE else None


class LazyFunction:
    """The function that `make` returns, made when it is first called or looked into."""

    def __init__(self, make):
        self._make, self._function = make, None
        self._lock = fork_safe_rlock()

    def _made(self):
        if self._function is None:
            # One thread at a time: two would train with velocities of their own.
            with self._lock, without_debug_checks():
                if self._function is None:
                    self._function = self._make()
        return self._function

    def __call__(self, *args, **kwargs):
        """Call the function."""
        return self._made()(*args, **kwargs)

    def __getattr__(self, name):
        if name.startswith("__"):  # which asks what this object is
            raise AttributeError(name)
        return getattr(self._made(), name)


def compile_lazily(net, *args):
    """Return functions that train, evaluate and predict, compiled when first called.

    The arguments are those of nolearn's ``_create_iter_funcs``.  If parameters change
    that the functions depend on, ``initialize`` asks for new ones.
    """
    maker = _Maker(net, *args)
    return tuple(map(LazyFunction, (maker.train, maker.evaluate, maker.predict)))


def trained_variables(net):
    """Return the shared variables that training a net reads or changes.

    These are weights, velocities, the learning rate, and random states of noise layers.
    """
    found = {}
    for function in (net.train_iter_, net.eval_iter_):
        # A function of a user's own need not be Theano's.
        found |= dict.fromkeys(getattr(function, "get_shared", list)())
    return list(found | dict.fromkeys(net.get_all_params()))
