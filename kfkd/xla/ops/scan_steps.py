"""The steps of a scan: a program of their own, and what is the same at all."""

import itertools

import numpy as np
import theano
from theano.tensor.opt import ShapeFeature, ShapeOptimizer
from theano.tensor.subtensor import Subtensor

from kfkd.xla.specialization import hashable

__all__ = ["AtAllSteps", "compile_steps"]


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


class AtAllSteps:
    """The function that evaluates a query of the steps from the inputs of the loop.

    It returns None if the result is not the same at each step.  Where the number of
    steps is None, it returns the largest result of all rows.
    """

    def __init__(self, query, sequential):
        self.query = query
        self.sequential = sequential  # whether each input takes one row for each step

    def __eq__(self, other):
        return isinstance(other, AtAllSteps) and self.query.key == other.query.key

    def __hash__(self):
        return hash(self.query.key)

    def __call__(self, n_steps, *values):
        """Return the result for inputs of the loop, or None."""
        results = {}
        if not any(self.sequential):
            n = 1
        elif n_steps is None:
            n = min(map(len, itertools.compress(values, self.sequential)))
        else:
            n = n_steps
        for i in range(n):
            given = {
                v: np.asarray(value[i] if sequential else value)
                for v, value, sequential in zip(
                    self.query.inputs, values, self.sequential, strict=True
                )
            }
            result = self.query.evaluate(given.__getitem__)
            results[hashable(result)] = result
        if n_steps is None:
            return max(results.values())
        return result if len(results) == 1 else None
