"""Patches of Theano's graphs: a change costs the same, however large the graph is."""

import contextlib
import sys
from collections.abc import Sequence, Set
from typing import NamedTuple

from kfkd.stack.sources import mend

__all__ = ["install"]


def install(theano):
    """Patch what looks at a whole graph, or at all that uses a variable, too often."""
    fg = theano.graph.fg
    fg.FunctionGraph.setup_var = _setup_var
    fg.io_toposort = _sort_new(fg.io_toposort)
    sys.modules["theano.scan.opt"].is_in_ancestors = _is_in_ancestors
    _patch_merging(theano)
    _patch_shapes(theano)
    _patch_loops(theano)


class _Clients(Sequence):
    """The uses of a variable, as pairs of node and place: a list, fast to remove from.

    Constants such as 0 are used at thousands of places.  No pair occurs twice.
    """

    def __init__(self):
        self._pairs = {}

    def append(self, pair):
        self._pairs[pair] = None

    def remove(self, pair):
        try:
            del self._pairs[pair]
        except KeyError:
            raise ValueError(f"{pair} is no client") from None

    def __len__(self):
        return len(self._pairs)

    def __iter__(self):
        return iter(self._pairs)

    def __contains__(self, pair):
        return pair in self._pairs

    def __getitem__(self, index):
        if index == 0 and self._pairs:
            return next(iter(self._pairs))
        return list(self._pairs)[index]

    def __add__(self, others):
        return [*self, *others]

    def __radd__(self, others):
        return [*others, *self]

    def __eq__(self, other):
        return isinstance(other, list | _Clients) and list(self) == list(other)

    __hash__ = None

    def __repr__(self):
        return repr(list(self))

    def __reduce__(self):
        """Return how to pickle it: as the list that Theano has."""
        return list, (list(self),)


def _setup_var(self, var):
    """Set up a variable so that it belongs to this graph."""
    if var not in self.clients:
        self.clients[var] = _Clients()


def _sort_new(io_toposort):
    """Return a sort that does not copy the variables of a graph to sort a new node.

    The order is Theano's.
    """

    def sort(inputs, outputs, orderings=None, clients=None):
        if orderings or clients is not None or not isinstance(inputs, set):
            return io_toposort(inputs, outputs, orderings, clients)
        new = set()
        order = []
        todo = [v.owner for v in reversed(outputs) if v.owner]
        while todo:
            node = todo[-1]
            if node.outputs[0] in inputs or node.outputs[0] in new:
                todo.pop()
                continue
            owned = [v for v in node.inputs if v.owner]
            if all(v in inputs or v in new for v in owned):
                todo.pop()
                new.update(node.outputs)
                order.append(node)
            else:
                todo += (v.owner for v in owned)
        return order

    return sort


def _is_in_ancestors(node, sought):
    """Return whether a node is computed from another, or is that one.

    Theano visits each node several times, and those that the other one needs besides.
    """
    seen = {node, *(v.owner for v in sought.inputs)}
    todo = [node]
    while todo:
        node = todo.pop()
        if node is sought:
            return True
        owners = {v.owner for v in node.inputs if v.owner} - seen
        seen |= owners
        todo += owners
    return False


class _Distinct(Set):
    """The nodes that differ from each other, found by their inputs."""

    def __init__(self):
        self._inputs = {}
        self._nodes = {}

    def add(self, node):
        inputs = tuple(node.inputs)
        self._inputs[node] = inputs
        self._nodes.setdefault(inputs, {})[node] = None

    def discard(self, node):
        inputs = self._inputs.pop(node, None)
        if inputs is None:
            return
        nodes = self._nodes[inputs]
        del nodes[node]
        if not nodes:
            del self._nodes[inputs]

    def with_inputs(self, inputs):
        """Return the nodes with these inputs."""
        return list(self._nodes.get(tuple(inputs), ()))

    def __contains__(self, node):
        return node in self._inputs

    def __iter__(self):
        return iter(self._inputs)

    def __len__(self):
        return len(self._inputs)


def _patch_merging(theano):
    """Look for a node's equals among the nodes with its inputs.

    Theano goes through all users of an input, which often is the constant 0 or 1.
    """
    MergeFeature = theano.graph.opt.MergeFeature
    MergeFeature.set_of_nodes = _Distinct
    change = "self.nodes_seen = set()", "self.nodes_seen = self.set_of_nodes()"
    mend(MergeFeature, "on_attach", change)
    mend(
        MergeFeature,
        "process_node",
        (
            "[c for c, i in clients if c in self.nodes_seen]",
            "self.nodes_seen.with_inputs(node.inputs)",
        ),
    )


def _patch_shapes(theano):
    """Look for shapes among the uses of an array alone, not among those of a number."""
    mend(
        theano.tensor.opt.ShapeFeature,
        "on_change_input",
        (
            "in fgraph.clients[r] + [(node, i)]:",
            'in (fgraph.clients[r] + [(node, i)] if getattr(r, "ndim", 1) else []):',
        ),
    )


def _patch_loops(theano):
    """Find out once what loops depend on, not anew for each pair of them.

    Theano walks over all of the graph for each two loops that it might merge.
    """
    ScanMerge = sys.modules["theano.scan.opt"].ScanMerge
    belongs_to_set = ScanMerge.belongs_to_set

    def apply(self, fgraph):
        """Merge loops of as many steps that do not depend on each other."""
        sets = []
        for loop in _loops(theano, fgraph):
            for others in sets:
                if all(map(loop.may_join, others)) and belongs_to_set(
                    self, loop.node, [others[0].node]
                ):
                    others.append(loop)
                    break
            else:
                sets.append([loop])
        for loops in sets:
            if len(loops) > 1:
                nodes = [loop.node for loop in loops]
                fgraph.replace_all_validate_remove(
                    self.merge(nodes), remove=nodes, reason="scanOp_merge"
                )

    ScanMerge.apply = apply


class _Loop(NamedTuple):
    """A loop, and what decides with which others it may be merged."""

    node: object
    steps: object  # a number, or a variable
    number: int
    needed: int  # the bits of the numbers of the loops that it depends on

    def may_join(self, earlier):
        """Return whether it could be one loop with an earlier one."""
        return self.steps == earlier.steps and not self.needed >> earlier.number & 1


def _loops(theano, fgraph):
    """Yield the loops of a graph, in topological order."""
    Scan = sys.modules["theano.scan.op"].Scan
    needed = {}
    number = 0
    for node in fgraph.toposort():
        bits = 0
        for variable in node.inputs:
            bits |= needed.get(variable.owner, 0)
        if isinstance(node.op, Scan):
            steps = node.inputs[0]
            with contextlib.suppress(theano.tensor.NotScalarConstantError):
                steps = int(theano.tensor.get_scalar_constant_value(steps))
            yield _Loop(node, steps, number, bits)
            bits |= 1 << number
            number += 1
        needed[node] = bits
