"""Inlining of operations made of graphs, ``OpFromGraph``."""

import theano
from theano.compile.builders import OpFromGraph
from theano.compile.mode import optdb
from theano.graph.opt import in2out, local_optimizer


@local_optimizer([OpFromGraph])
def inline_op_from_graph(fgraph, node):
    """Replace an operation by its graph, as Theano does on request."""
    if not isinstance(node.op, OpFromGraph):
        return False
    graph = zip(node.op.local_inputs, node.inputs, strict=True)
    return theano.clone(node.op.local_outputs, dict(graph))


# Before all other rewrites, which then see one graph.
optdb.register("inline_op_from_graph", in2out(inline_op_from_graph), -0.02, "xla")
