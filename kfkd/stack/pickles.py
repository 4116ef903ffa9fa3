"""Patches of pickling: pickles load where kfkd has not been imported."""

import copyreg

__all__ = ["patch_pickles"]


def patch_pickles(theano, lasagne, nolearn, rebuild):
    """Make pickles import kfkd before the three packages, by a call of *rebuild*.

    NeuralNet is not among the classes: :mod:`.nolearn_net` patches it.
    """
    basic = theano.graph.basic
    for cls in (
        basic.Variable,
        basic.Apply,
        theano.graph.fg.FunctionGraph,
        lasagne.layers.Layer,
        lasagne.init.Initializer,
        nolearn.lasagne.BatchIterator,
        nolearn.lasagne.TrainSplit,
    ):
        cls.__reduce_ex__ = _first_through(rebuild, cls.__reduce_ex__)
    Function = theano.compile.function.types.Function
    reduce = copyreg.dispatch_table[Function]
    copyreg.pickle(Function, _first_through(rebuild, reduce))


def _first_through(rebuild, reduce):
    """Return *reduce* with its result built through *rebuild*."""

    def reduce_first_through(*args):
        function, arguments, *more = reduce(*args)
        return rebuild, (function, arguments), *more

    return reduce_first_through
