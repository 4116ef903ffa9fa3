"""Operations, rewrites and monitors of users, which are not given the graph."""

import functools
import inspect

__all__ = ["install"]


def _takes(function, n_arguments):
    """Return whether a function can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*range(n_arguments))
    except TypeError:
        return False
    return True


def _adapt_infer_shape(infer_shape, n_arguments):
    """Accept an ``infer_shape`` without the graph; *n_arguments* are those with it."""
    if _takes(infer_shape, n_arguments):
        return infer_shape

    @functools.wraps(infer_shape)
    def infer(*arguments):
        *of_method, _, node, shapes = arguments
        return infer_shape(*of_method, node, shapes)

    return infer


def _adapt_local_optimizer(local_optimizer):
    """Return the decorator that also accepts functions of the node alone."""

    @functools.wraps(local_optimizer)
    def lenient(*args, **kwargs):
        decorate = local_optimizer(*args, **kwargs)

        def decorate_either(function):
            if _takes(function, 2):
                return decorate(function)

            @functools.wraps(function)
            def of_node(fgraph, node):
                return function(node)

            del of_node.__wrapped__
            return decorate(of_node)

        return decorate_either

    return lenient


def _explain_c_code(theano):
    """Say what operations with C code alone lack, but where they are evaluated."""
    Op, ScalarOp = theano.graph.op.Op, theano.scalar.ScalarOp

    def explain(op, method):
        raise theano.graph.utils.MethodNotDefined(
            f"{type(op).__name__} cannot be evaluated: C code is not compiled here. "
            f"Give the class a method {method!r} in Python"
        )

    def perform(self, node, inputs, output_storage, params=None):
        explain(self, "perform")

    def impl(self, *inputs):
        explain(self, "impl")

    Op.perform, ScalarOp.impl = perform, impl
    Op.__abstractmethods__ -= {"perform"}


def _monitored(self, fgraph, i, node, fn):
    """Run a node as MonitorMode does, also for functions without the graph."""

    def call(function):
        if function is not None:
            graph = [fgraph] if _takes(function, 4) else []
            function(*graph, i, node, fn)

    call(self.pre_func)
    fn()
    call(self.post_func)


def install(theano):
    """Patch Theano to accept functions with and without the graph, and C code alone."""
    _explain_c_code(theano)
    Op = theano.graph.op.Op
    FromFunctionOp = theano.compile.ops.FromFunctionOp
    initialize = FromFunctionOp.__init__

    def __init_subclass__(cls, **options):
        super(Op, cls).__init_subclass__(**options)
        if inspect.isfunction(vars(cls).get("infer_shape")):
            cls.infer_shape = _adapt_infer_shape(cls.infer_shape, 4)

    @functools.wraps(initialize)
    def __init__(self, fn, itypes, otypes, infer_shape):
        infer_shape = infer_shape and _adapt_infer_shape(infer_shape, 3)
        initialize(self, fn, itypes, otypes, infer_shape)

    Op.__init_subclass__ = classmethod(__init_subclass__)
    FromFunctionOp.__init__ = __init__
    theano.compile.MonitorMode.eval = _monitored
    for module in (theano.gof, theano.gof.opt):
        module.local_optimizer = _adapt_local_optimizer(module.local_optimizer)
