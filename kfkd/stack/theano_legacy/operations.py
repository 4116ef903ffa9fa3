"""Operations of users whose ``infer_shape`` does not take the graph."""

import functools
import inspect

__all__ = ["install"]


def _with_graph(infer_shape, n_arguments):
    """Return a function that ignores the graph if the one given has *n_arguments*."""
    parameters = inspect.signature(infer_shape).parameters.values()
    if len(parameters) != n_arguments or any(
        p.kind == p.VAR_POSITIONAL for p in parameters
    ):
        return infer_shape

    @functools.wraps(infer_shape)
    def infer(*arguments):
        *of_method, _, node, shapes = arguments
        return infer_shape(*of_method, node, shapes)

    return infer


def install(theano):
    """Accept methods ``infer_shape`` that take the node and shapes alone."""
    Op = theano.graph.op.Op
    FromFunctionOp = theano.compile.ops.FromFunctionOp
    initialize = FromFunctionOp.__init__

    def __init_subclass__(cls, **options):
        super(Op, cls).__init_subclass__(**options)
        if inspect.isfunction(vars(cls).get("infer_shape")):
            cls.infer_shape = _with_graph(cls.infer_shape, 3)

    @functools.wraps(initialize)
    def __init__(self, fn, itypes, otypes, infer_shape):
        infer_shape = infer_shape and _with_graph(infer_shape, 2)
        initialize(self, fn, itypes, otypes, infer_shape)

    Op.__init_subclass__ = classmethod(__init_subclass__)
    FromFunctionOp.__init__ = __init__
