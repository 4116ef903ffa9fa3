"""The values of variables while a graph is traced, and what is asked of them."""

import contextlib
import functools
import math

from theano.graph.basic import Variable

from kfkd.xla.counts import bounds_of, bounds_of_result, in_program, number_of
from kfkd.xla.dispatch import NotStatic, evaluate, is_static, specializing_with
from kfkd.xla.layout import to_logical
from kfkd.xla.lengths import room_below, room_for
from kfkd.xla.padded import PaddedArray, lengths_of, padded, refuse_varying
from kfkd.xla.size_variables import is_array, is_whole_number
from kfkd.xla.sizes import is_computed
from kfkd.xla.specialization import SizeAlong, StaticQuery
from kfkd.xla.symbolic import NotPaddable, Symbolic
from kfkd.xla.tables import evaluate_tables

__all__ = ["Trace"]


class Trace:
    """The values of variables while a graph is traced, node by node."""

    def __init__(self, values, resolve):
        self.values = values
        self.resolve = resolve  # as for `Program`
        self.lengths = {}  # those known of padded arrays, by the identity of the count

    def compute(self, node, conversion):
        """Compute the outputs of *node*, but for those that are given."""
        if all(v in self.values for v in node.outputs):
            return
        outputs = self._outputs(node, conversion)
        if not isinstance(outputs, tuple):
            outputs = (outputs,)
        for v, value in zip(node.outputs, outputs, strict=True):
            self.values.setdefault(v, value)

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

    def _specialize(
        self, node, inputs, function, operands, host_only, for_all_lengths, places
    ):
        """Specialize on *function* of *operands*, each known or an input of *node*."""
        variables = {}
        for v, value in zip(node.inputs, inputs, strict=True):
            variables[id(value)] = v
            if is_computed(value):
                variables[id(value.number)] = v
        try:
            named, places = (
                [o if is_static(o) else variables[id(o)] for o in values]
                for values in (operands, places)
            )
        except KeyError:
            refuse_varying(*operands)
            raise NotStatic from None
        if for_all_lengths:  # none has to be a length, then
            places = named
        query = StaticQuery(function, named, self._known(), places)
        if not for_all_lengths:
            used = map(self.values.get, [*query.inputs, *query.computed])
            refuse_varying(*operands, *used, also=self._not_yet_lengths(query))
        if host_only and not query.on_host:
            raise NotStatic
        try:
            return self.resolve(query)
        except NotStatic:
            if function is room_for and isinstance(named[0], Variable):
                return self._largest(named[0])
            raise

    def _largest(self, number):
        """Return the largest that a number of a step can be, from what it follows from.

        It follows from what the program computes, and from what the host can.
        """
        _, largest = self._bounds(number, {})
        if largest == math.inf:
            raise NotStatic
        return max(largest, 0)

    def _bounds(self, v, found):
        """Return the bounds of a variable; *found* holds those of others."""
        if v not in found:
            found[v] = bounds_of(self.values.get(v))
            if found[v][1] == math.inf and is_whole_number(v):
                found[v] = self._bounds_on_host(v) or found[v]
            if found[v][1] == math.inf and v.owner:
                bounds = [self._bounds(u, found) for u in v.owner.inputs]
                found[v] = bounds_of_result(v.owner, bounds)
        return found[v]

    def _bounds_on_host(self, v):
        query, below = (
            StaticQuery(function, [v], self._known(), [v])
            for function in (room_for, room_below)
        )
        if query.on_host:
            with contextlib.suppress(NotStatic, NotPaddable):
                return -self.resolve(below), self.resolve(query)
        return None

    def _not_yet_lengths(self, query):
        """Return the inputs that decide a size, and are no lengths in this program."""
        lengths = {v for v, n in self.values.items() if isinstance(n, Symbolic)}
        return [v for v in query.deciding if v not in lengths]

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
