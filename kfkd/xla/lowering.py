"""Lowering: from an optimised Theano graph to a function that JAX can trace."""

from theano.graph.basic import Constant, graph_inputs, io_toposort
from theano.graph.utils import get_variable_trace_string
from theano.scan.op import Scan

from kfkd.xla.counts import in_program, number_of
from kfkd.xla.dispatch import (
    Conversion,
    NotStatic,
    TheanosTypeError,
    convert,
)
from kfkd.xla.host_callback import (
    host_callback,
    lacking_method,
    python_ops_allowed,
)
from kfkd.xla.layout import to_logical
from kfkd.xla.runtime_checks import collecting_asserts
from kfkd.xla.size_variables import is_array
from kfkd.xla.symbolic import NotPaddable
from kfkd.xla.trace import Trace

__all__ = ["Program", "where"]


def where(node):
    """Return what *node* is and which line of the user's program it comes from."""
    if isinstance(node.op, Scan):
        described = _name_of_loop(node.op)
    else:
        inputs = ", ".join(str(v.type) for v in node.inputs)
        described = f"{node.op} of {inputs}"
    trace = get_variable_trace_string(node.outputs[0])
    return f"{described}\n{trace}".rstrip()


def _name_of_loop(op):
    """Return the name of a loop; it has too many inputs to list."""
    name = op.name or ""
    of = name.removeprefix("grad_of_")
    own = "" if of in ("", "scan_fn") else f" {of!r}"
    loop = f"a loop of theano.scan{own}"
    return loop if of == name else f"the gradient of {loop}"


class Program:
    """The computation of a graph as a function that JAX can trace.

    Parameters
    ----------
    inputs, outputs : sequence of variables
        Those of the graph.
    steps : list of tuple
        Its nodes in an order in which they can be computed, with their conversions.
    """

    def __init__(self, inputs, outputs, steps):
        self.inputs, self.outputs, self.steps = list(inputs), list(outputs), steps
        used = [v for node, _ in self.steps for v in node.inputs] + self.outputs
        self.constants = {v: v.data for v in used if isinstance(v, Constant)}

    @classmethod
    def of_graph(cls, fgraph, order):
        """Return the program of an optimised graph, whose nodes are in *order*.

        Raises
        ------
        NotImplementedError
            If an operation has no conversion; the message names it and the line of the
            user's program that it comes from.  Or if an output is not an array.
        """
        steps = [(node, _convert(node)) for node in order]
        for v in fgraph.outputs:
            if not is_array(v):
                raise NotImplementedError(
                    f"Mode 'xla': {v} cannot be returned, as it is not an array but a "
                    f"{v.type}. Use mode='FAST_RUN'."
                )
        return cls(fgraph.inputs, fgraph.outputs, steps)

    def part(self, outputs):
        """Return the program of *outputs*, variables of the same graph, alone."""
        inputs = set(graph_inputs(outputs))
        nodes = set(io_toposort(self.inputs, outputs))
        return Program(
            [v for v in self.inputs if v in inputs],
            outputs,
            [step for step in self.steps if step[0] in nodes],
        )

    def __call__(self, values, check, resolve=None):
        """Compute the outputs of the graph.

        Parameters
        ----------
        values : dict
            The arrays of the inputs and, instead of those in the graph, of constants.
        check : callable
            Called with each condition that has to hold for the outputs to be right,
            a boolean array, and the error to raise if it does not.
        resolve : callable, optional
            Called with each `StaticQuery` on whose result the program is specialized.
            Returns the result.

        Returns
        -------
        list of arrays
            One for each output; NumPy's where it does not depend on an input, and a
            `PaddedArray` where its length is computed or varies between calls.

        Raises
        ------
        NotStatic
            With the node that needs to know more than *resolve* can tell.
        NotPaddable
            If a node needs to know exactly a length that varies.
        """
        trace = Trace(self.constants | values, resolve)
        for node, conversion in self.steps:
            try:
                with collecting_asserts() as asserts:
                    trace.compute(node, conversion)
            except NotStatic as error:  # of a node within this one, maybe
                raise NotStatic(*(error.args or [node])) from None
            except NotPaddable as error:
                error.node = error.node or node
                raise
            except (AssertionError, IndexError, TypeError, ValueError) as error:
                kind = type(error)
                if isinstance(error, TypeError) and kind is not TheanosTypeError:
                    kind = ValueError
                raise kind(f"{error}\nIt is {where(node)}") from error
            for condition, error in asserts:
                check(condition, type(error)(f"{error}\nIt is {where(node)}"))
        outputs = (number_of(trace.values[v]) for v in self.outputs)
        return [in_program(to_logical(value)) for value in outputs]


def _convert(node):
    """Return the `Conversion` of a node, or Theano's evaluation where it is allowed."""
    try:
        try:
            return convert(node.op, node)
        except NotImplementedError:
            if not python_ops_allowed():
                raise
        return Conversion(host_callback(node))
    except NotImplementedError as error:
        alone = (
            "set the environment variable KFKD_ALLOW_PYTHON_OPS=1 for such "
            "operations alone, or "
        )
        of_arrays = all(map(is_array, node.inputs + node.outputs))
        if python_ops_allowed() or not of_arrays:
            alone = ""
        advice = "Theano's own, slow evaluation may know it:"
        if method := lacking_method(node.op):
            kind = type(getattr(node.op, "scalar_op", node.op)).__name__
            advice = (
                f"It has C code alone, which is not compiled here: give {kind} a "
                f"method {method!r} in Python, and"
            )
        raise NotImplementedError(
            f"Mode 'xla': {error}.\nIt is {where(node)}\n"
            f"{advice} {alone}use mode='FAST_RUN'."
        ) from None
