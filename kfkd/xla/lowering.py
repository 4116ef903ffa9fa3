"""Lowering: from an optimised Theano graph to a function that JAX can trace."""

import contextlib
import functools

from theano.graph.basic import Constant, graph_inputs, io_toposort
from theano.graph.utils import get_variable_trace_string
from theano.scan.op import Scan

from kfkd.xla.counts import in_program, number_of
from kfkd.xla.dispatch import (
    Conversion,
    NotStatic,
    TheanosTypeError,
    convert,
    evaluate,
    is_static,
    specializing_with,
)
from kfkd.xla.host_callback import (
    host_callback,
    lacking_method,
    python_ops_allowed,
)
from kfkd.xla.layout import to_logical
from kfkd.xla.padded import PaddedArray, lengths_of, padded, refuse_varying
from kfkd.xla.runtime_checks import collecting_asserts
from kfkd.xla.sizes import is_computed
from kfkd.xla.specialization import SizeAlong, StaticQuery, is_array
from kfkd.xla.symbolic import NotPaddable, Symbolic
from kfkd.xla.tables import evaluate_tables

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
        trace = _Trace(self.constants | values, resolve)
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


class _Trace:
    """The values of variables while a graph is traced, node by node."""

    def __init__(self, values, resolve):
        self.values = values
        self.resolve = resolve  # as for `Program`
        self.lengths = {}  # those known of padded arrays, by the identity of the count

    def compute(self, node, conversion):
        """Compute the outputs of *node*."""
        outputs = self._outputs(node, conversion)
        if not isinstance(outputs, tuple):
            outputs = (outputs,)
        self.values.update(zip(node.outputs, outputs, strict=True))

    def _outputs(self, node, conversion):
        if not conversion.no_constant_folding:
            outputs = self._known_outputs(node)
            if outputs is not None:
                return outputs
        inputs = self._inputs(node, conversion)
        if not any(isinstance(value, PaddedArray) for value in inputs):
            return self._call(node, conversion, inputs)
        if conversion.takes_padded:
            with contextlib.suppress(NotStatic):
                return self._call(node, conversion, inputs)
        refuse_varying(*inputs)
        self._specialize_on_lengths(node, inputs)
        return self._call(node, conversion, self._inputs(node, conversion))

    def _known_outputs(self, node):
        """Return the outputs of a node if the host can compute them, or None."""
        inputs = [self.values[v] for v in node.inputs]
        if any(value is None for value in inputs):
            return None
        if all(map(is_static, inputs)):
            return evaluate(node, inputs)
        if all(is_static(v) or isinstance(v, Symbolic) for v in inputs):
            return evaluate_tables(node, inputs, evaluate)
        return None

    def _inputs(self, node, conversion):
        """Return the values of a node's inputs in a form that the conversion takes."""
        inputs = [self._unpadded(self.values[v]) for v in node.inputs]
        if not conversion.takes_counts:
            inputs = list(map(number_of, inputs))
        if not conversion.takes_padded:
            inputs = [v if is_computed(v) else in_program(v) for v in inputs]
        if not conversion.keeps_layout:
            inputs = [to_logical(value) for value in inputs]
        if not conversion.takes_none:
            for v, value in zip(node.inputs, inputs, strict=True):
                if value is None and is_array(v):
                    raise ValueError(f"The value of {v} is None")
        return inputs

    def _unpadded(self, value):
        if not isinstance(value, PaddedArray):
            return value
        lengths = {
            axis: self.lengths.get(id(in_program(n)), n) if is_computed(n) else n
            for axis, n in value.lengths.items()
        }
        return padded(value.array, lengths)

    def _call(self, node, conversion, inputs):
        specializer = None
        if self.resolve is not None:
            specializer = functools.partial(self._specialize, node, inputs)
        with specializing_with(specializer):
            return conversion.function(*inputs)

    def _specialize(self, node, inputs, function, operands, host_only, for_all_lengths):
        """Specialize on *function* of *operands*, each known or an input of *node*."""
        variables = {}
        for v, value in zip(node.inputs, inputs, strict=True):
            variables[id(value)] = v
            if is_computed(value):
                variables[id(value.number)] = v
        try:
            named = [o if is_static(o) else variables[id(o)] for o in operands]
        except KeyError:
            refuse_varying(*operands)
            raise NotStatic from None
        query = StaticQuery(function, named, self._known())
        if not (for_all_lengths and query.on_host):
            used = map(self.values.get, [*query.variables, *query.inputs])
            refuse_varying(*operands, *used, also=self._not_yet_lengths(query))
        if host_only and not query.on_host:
            raise NotStatic
        return self.resolve(query)

    def _not_yet_lengths(self, query):
        """Return the inputs that decide a size, and are no lengths in this program."""
        scalars = [v for v in query.deciding if v.owner is None and v.type.ndim == 0]
        return [v for v in scalars if not isinstance(self.values.get(v), Symbolic)]

    def _specialize_on_lengths(self, node, inputs):
        if self.resolve is None:
            raise NotStatic
        for v, value in zip(node.inputs, inputs, strict=True):
            for axis, count in lengths_of(value).items():
                number = id(in_program(count))
                if number not in self.lengths:
                    query = StaticQuery(SizeAlong(axis), [v], self._known())
                    self.lengths[number] = self.resolve(query)

    def _known(self):
        return {v: value for v, value in self.values.items() if is_static(value)}
