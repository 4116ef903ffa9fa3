"""From an optimised Theano graph to a function that JAX can trace."""

import functools

from theano.graph.basic import Constant
from theano.graph.utils import get_variable_trace_string

from kfkd.xla.dispatch import (
    NotStatic,
    collected_checks,
    convert,
    evaluate,
    is_static,
    learning,
)
from kfkd.xla.host import Question
from kfkd.xla.layout import as_meant
from kfkd.xla.prefix import Prefix

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
        user's program that it comes from.
    """

    def __init__(self, fgraph, order):
        self.inputs = list(fgraph.inputs)
        self.outputs = list(fgraph.outputs)
        self.steps = [(node, self._convert(node)) for node in order]
        used = [v for node in order for v in node.inputs] + self.outputs
        self.constants = {v: v.data for v in used if isinstance(v, Constant)}

    @staticmethod
    def _convert(node):
        try:
            return convert(node.op, node)
        except NotImplementedError as error:
            raise NotImplementedError(
                f"Mode 'xla': {error}.\nIt is {where(node)}\n"
                "Theano's own, slow evaluation may know it: use mode='FAST_RUN'."
            ) from None

    def __call__(self, values, check, answer=None):
        """Compute the outputs of the graph.

        Parameters
        ----------
        values : dict
            The arrays of the inputs and, instead of those in the graph, of constants.
        check : callable
            Called with each condition that has to hold for the outputs to be right,
            a boolean array, and the error to raise if it does not.
        answer : callable, optional
            Called with each `Question` whose answer the program is to be made for;
            returns the answer.

        Returns
        -------
        list of arrays
            One for each output; NumPy's where it does not depend on an input, and a
            `Prefix` where its length depends on computed values.

        Raises
        ------
        NotStatic
            With the node that needs to know more than *answer* can tell, or takes no
            `Prefix` and would get one.
        """
        values = self.constants | values
        for node, function in self.steps:
            inputs = [values[v] for v in node.inputs]
            if not getattr(function, "keeps_layout", False):
                inputs = [as_meant(v) for v in inputs]
            of_prefix = any(isinstance(v, Prefix) for v in inputs)
            if of_prefix and not getattr(function, "takes_prefix", False):
                raise NotStatic(node)
            static = all(is_static(v) for v in inputs)
            try:
                if static and not getattr(function, "generates", False):
                    outputs = evaluate(node, inputs)
                else:
                    asked = functools.partial(_ask, answer, values, node, inputs)
                    with learning(answer and asked):
                        outputs = function(*inputs)
            except NotStatic as error:  # of a node within this one, maybe
                raise NotStatic(*(error.args or [node])) from None
            except (AssertionError, IndexError, TypeError, ValueError) as error:
                kind = ValueError if isinstance(error, TypeError) else type(error)
                raise kind(f"{error}\nIt is {where(node)}") from error
            finally:
                checks = collected_checks()
            for condition, error in checks:
                check(condition, type(error)(f"{error}\nIt is {where(node)}"))
            if not isinstance(outputs, tuple):
                outputs = (outputs,)
            values.update(zip(node.outputs, outputs, strict=True))
        return [as_meant(values[v]) for v in self.outputs]


def _ask(answer, values, node, inputs, function, operands):
    """Ask what *function* says of *operands*, some of them among *inputs* of *node*."""
    variables = {id(array): v for v, array in zip(node.inputs, inputs, strict=True)}
    try:
        operands = [o if is_static(o) else variables[id(o)] for o in operands]
    except KeyError:
        raise NotStatic from None
    known = {v: array for v, array in values.items() if is_static(array)}
    return answer(Question(function, operands, known))
