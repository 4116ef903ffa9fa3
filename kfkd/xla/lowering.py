"""From an optimised Theano graph to a function that JAX can trace."""

import copy
import functools

from theano.graph.basic import Constant, graph_inputs, io_toposort
from theano.graph.utils import get_variable_trace_string

from kfkd.xla.dispatch import (
    NotStatic,
    TheanosTypeError,
    collect_runtime_asserts,
    convert,
    evaluate,
    is_static,
    specializing_with,
)
from kfkd.xla.host_callback import host_callback, python_ops_allowed
from kfkd.xla.layout import to_logical
from kfkd.xla.padded import PaddedArray
from kfkd.xla.specialization import StaticQuery, is_array

__all__ = ["Program", "where"]


def where(node):
    """Say what *node* is and which line of the user's program it comes from."""
    inputs = ", ".join(str(v.type) for v in node.inputs)
    trace = get_variable_trace_string(node.outputs[0])
    return f"{node.op} of {inputs}\n{trace}".rstrip()


class Program:
    """The computation of a graph as a function that JAX can trace.

    Parameters
    ----------
    fgraph : theano.graph.fg.FunctionGraph
        The optimised graph.
    order : list of theano.graph.basic.Apply
        Its nodes in an order in which they can be computed.

    Raises
    ------
    NotImplementedError
        If an operation has no conversion; the message names it and the line of the
        user's program that it comes from.  Or if an output is no array.
    """

    def __init__(self, fgraph, order):
        self.inputs = list(fgraph.inputs)
        self.outputs = list(fgraph.outputs)
        self.steps = [(node, self._convert(node)) for node in order]
        for v in self.outputs:
            if not is_array(v):
                raise NotImplementedError(
                    f"Mode 'xla': {v} cannot be returned, as it is no array but a "
                    f"{v.type}. Use mode='FAST_RUN'."
                )
        self._find_constants()

    def _find_constants(self):
        used = [v for node, _ in self.steps for v in node.inputs] + self.outputs
        self.constants = {v: v.data for v in used if isinstance(v, Constant)}

    def part(self, outputs):
        """Return the program of *outputs*, variables of the same graph, alone."""
        inputs = set(graph_inputs(outputs))
        nodes = set(io_toposort(self.inputs, outputs))
        part = copy.copy(self)
        part.inputs = [v for v in self.inputs if v in inputs]
        part.outputs = list(outputs)
        part.steps = [step for step in self.steps if step[0] in nodes]
        part._find_constants()
        return part

    @staticmethod
    def _convert(node):
        try:
            try:
                return convert(node.op, node)
            except NotImplementedError:
                if not python_ops_allowed():
                    raise
            return host_callback(node)
        except NotImplementedError as error:
            alone = (
                "set the environment variable KFKD_ALLOW_PYTHON_OPS=1 for such "
                "operations alone, or "
            )
            of_arrays = all(map(is_array, node.inputs + node.outputs))
            if python_ops_allowed() or not of_arrays:
                alone = ""
            raise NotImplementedError(
                f"Mode 'xla': {error}.\nIt is {where(node)}\n"
                f"Theano's own, slow evaluation may know it: {alone}use "
                "mode='FAST_RUN'."
            ) from None

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
            Called with each `StaticQuery` whose result the program is to be made for;
            returns the result.

        Returns
        -------
        list of arrays
            One for each output; NumPy's where it does not depend on an input, and a
            `PaddedArray` where its length depends on computed values.

        Raises
        ------
        NotStatic
            With the node that needs to know more than *resolve* can tell.
        """
        values = self.constants | values
        lengths = {}  # what the program is made for
        for node, function in self.steps:
            try:
                outputs = _compute(node, function, values, lengths, resolve)
            except NotStatic as error:  # of a node within this one, maybe
                raise NotStatic(*(error.args or [node])) from None
            except (AssertionError, IndexError, TypeError, ValueError) as error:
                kind = type(error)
                if isinstance(error, TypeError) and kind is not TheanosTypeError:
                    kind = ValueError
                raise kind(f"{error}\nIt is {where(node)}") from error
            finally:
                checks = collect_runtime_asserts()
            for condition, error in checks:
                check(condition, type(error)(f"{error}\nIt is {where(node)}"))
            if not isinstance(outputs, tuple):
                outputs = (outputs,)
            values.update(zip(node.outputs, outputs, strict=True))
        return [to_logical(values[v]) for v in self.outputs]


def _compute(node, function, values, lengths, resolve):
    """Return the outputs of a node.

    A node that has to know the length of a `PaddedArray` queries it.  *lengths* are
    those that are known by then, by the identity of the `PaddedArray`'s count.
    """
    inputs = [_cut(values[v], lengths) for v in node.inputs]
    if not getattr(function, "keeps_layout", False):
        inputs = [to_logical(v) for v in inputs]
    if not getattr(function, "takes_none", False):
        for v, value in zip(node.inputs, inputs, strict=True):
            if value is None and is_array(v):
                raise ValueError(f"The value of {v} is None")
    if all(map(is_static, inputs)) and not getattr(
        function, "no_constant_folding", False
    ):
        return evaluate(node, inputs)
    padded = any(isinstance(v, PaddedArray) for v in inputs)
    try:
        if padded and not getattr(function, "takes_padded", False):
            raise NotStatic
        specializer = functools.partial(_specialize, resolve, values, node, inputs)
        with specializing_with(resolve and specializer):
            return function(*inputs)
    except NotStatic:
        if not padded or resolve is None:
            raise
    for v, array in zip(node.inputs, inputs, strict=True):
        if isinstance(array, PaddedArray) and id(array.count) not in lengths:
            lengths[id(array.count)] = resolve(StaticQuery(len, [v], _known(values)))
    return _compute(node, function, values, lengths, resolve)


def _cut(value, lengths):
    if isinstance(value, PaddedArray) and id(value.count) in lengths:
        return value.array[: lengths[id(value.count)]]
    return value


def _known(values):
    return {v: value for v, value in values.items() if is_static(value)}


def _specialize(resolve, values, node, inputs, function, operands, host_only):
    """Specialize on *function* of *operands*, which are known or inputs of *node*."""
    variables = {id(array): v for v, array in zip(node.inputs, inputs, strict=True)}
    try:
        operands = [o if is_static(o) else variables[id(o)] for o in operands]
    except KeyError:
        raise NotStatic from None
    query = StaticQuery(function, operands, _known(values))
    if host_only and not query.on_host:
        raise NotStatic
    return resolve(query)
