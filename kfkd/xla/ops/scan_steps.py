"""The steps of a scan, compiled as a function of their own."""

import theano
from theano.tensor.opt import ShapeFeature, ShapeOptimizer
from theano.tensor.subtensor import Subtensor

__all__ = ["compile_steps"]


class _ShapesOfSlices(ShapeFeature):
    """Theano's knowledge of shapes, but that of a computed slice is its own.

    Theano describes the size of ``row[:n]`` by `n`.  A program knows more of the slice:
    that it has no more entries than the row, and that what is computed from it has as
    many.
    """

    def get_node_infer_shape(self, node):
        """Return the shapes of a node's outputs."""
        bounds = node.inputs[1:]
        if isinstance(node.op, Subtensor) and not all(
            isinstance(v, theano.Constant) for v in bounds
        ):
            return self.default_infer_shape(self.fgraph, node, None)
        return super().get_node_infer_shape(node)


class _AttachShapes(ShapeOptimizer):
    def add_requirements(self, fgraph):
        fgraph.attach_feature(_ShapesOfSlices())


theano.compile.optdb.register("ShapesOfSlices", _AttachShapes(), 0.1)


def compile_steps(op):
    """Return the program of one step of a `Scan`, from its inputs to its outputs."""
    mode = theano.compile.mode.get_mode("xla")
    step = theano.function(
        op.inputs,
        op.outputs,
        mode=mode.excluding("ShapeOpt").including("ShapesOfSlices"),
        on_unused_input="ignore",
        profile=False,
    )
    return step.fn.program
