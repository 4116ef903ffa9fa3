"""Specialization: the sizes and other values that a program is made for.

While a program is traced, conversions query what must be static.  Each `StaticQuery`
becomes a guard: it is evaluated before each later call, and the results of all guards
choose the program.
"""

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
from theano.compile.ops import Shape_i
from theano.graph.basic import Constant, Variable, ancestors, io_toposort
from theano.scalar import Scalar
from theano.tensor import TensorType

from kfkd.xla.dispatch import NotStatic, dtype_of, evaluation

__all__ = [
    "Respecialize",
    "SizeAlong",
    "Specialization",
    "StaticQuery",
    "hashable",
    "is_array",
]

# So many results of a query are kept.  A batch number, say, comes again in each epoch.
_MAX_RESULTS = 4096


def is_array(variable):
    """Return whether a variable stands for an array or a scalar."""
    return isinstance(variable.type, (TensorType, Scalar))


def hashable(value):
    """Return something hashable that stands for *value*, or raise a TypeError."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype, value.tobytes()
    if isinstance(value, slice):  # hashable from Python 3.12 on
        return slice, value.start, value.stop, value.step
    if not isinstance(value, Hashable):
        raise TypeError(
            "Mode 'xla': a program is made for each value of an argument that is not "
            f"an array, which cannot be a {type(value).__name__}"
        )
    return value


def _fits_host(variable):
    """Return whether the host may read and compute with a variable before each call."""
    if not is_array(variable):
        return False
    most = 1 if dtype_of(variable).kind in "iub" else 0
    return variable.type.ndim <= most


def _sizes_of_inputs(variables, known):
    """Return the ancestors that are sizes of inputs, up to those that are known."""
    return {
        v
        for v in ancestors(variables, known)
        if v.owner and isinstance(v.owner.op, Shape_i) and not v.owner.inputs[0].owner
    }


class StaticQuery:
    """A function of variables of a graph, whose result has to be static.

    Parameters
    ----------
    function : callable
        As for `specialize_on`.
    operands : list
        The arguments of *function*: values, and variables, which stand for theirs.
    known : dict
        The values of the variables that are known while the program is made.

    Attributes
    ----------
    inputs : list of variables
        The inputs of the graph that the result depends on, and sizes of such inputs.
    on_host : bool
        Whether the host can evaluate the query, because all inputs are scalars or
        vectors of integers.  Otherwise it takes a program of its own, which can only
        return arrays.
    """

    def __init__(self, function, operands, known):
        self.function = function
        self.operands = operands
        variables = (v for v in operands if isinstance(v, Variable))
        self.variables = tuple(dict.fromkeys(variables))
        sizes = _sizes_of_inputs(self.variables, known)
        nodes = io_toposort([*known, *sizes], self.variables)
        inner = (v for node in nodes for v in node.inputs)
        used = dict.fromkeys([*self.variables, *inner])
        given = {v: v.data for v in used if isinstance(v, Constant)}
        given |= {v: known[v] for v in used if v in known}
        self.inputs = [
            v for v in used if (v.owner is None or v in sizes) and v not in given
        ]
        self.on_host = all(map(_fits_host, self.inputs))
        if not self.on_host:
            if not all(map(is_array, self.variables)):
                raise NotStatic
            return
        self.computed = [v for n in nodes for v in n.outputs if v not in given]
        self.storage = {v: [given.get(v)] for v in (*used, *self.computed)}
        self.thunks = [evaluation(node, self.storage) for node in nodes]
        self.results = {}

    @property
    def deciding(self):
        """The inputs that decide a size, and may be lengths themselves.

        The length of a slice is no such size: it does not tell where the slice is.
        """
        return self.inputs if self.function is np.array else []

    @property
    def key(self):
        """What is equal for the same query, within one tracing of a program."""
        return self.function, *map(hashable, self.operands)

    def evaluate(self, read, compute=None):
        """Return the result, from a function that reads the value of an input.

        If the query is not `on_host`, from one that computes the values of variables.
        """
        if not self.on_host:
            values = compute(self.variables)
            return self._apply(dict(zip(self.variables, values, strict=True)))
        given = {v: read(v) for v in self.inputs}
        key = tuple(map(hashable, given.values()))
        if key not in self.results:
            if len(self.results) >= _MAX_RESULTS:
                self.results.clear()
            self.results[key] = self._evaluate_on_host(given)
        return self.results[key]

    def _evaluate_on_host(self, given):
        for v in self.computed:
            self.storage[v][0] = None  # or the old value might be written over
        for v, value in given.items():
            self.storage[v][0] = value
        for thunk in self.thunks:
            thunk()
        return self._apply({v: self.storage[v][0] for v in self.variables})

    def _apply(self, values):
        return self.function(
            *(values[o] if isinstance(o, Variable) else o for o in self.operands)
        )


class SizeAlong(NamedTuple):
    """The function of a `StaticQuery` that takes an array and returns a size of it."""

    axis: int

    def __call__(self, array):
        """Return the size of an axis."""
        return np.shape(array)[self.axis]


class Respecialize(Exception):
    """Tracing has met a query that takes a program; it is a guard of the next try."""


class Specialization:
    """The results of static queries that one call leads to, in order.

    Before the call, `evaluate_guards` evaluates the queries that are known to come.
    The `key` then names the program.  If there is none yet it is traced, which calls
    `resolve` with its queries, and the new ones make the key longer.

    Parameters
    ----------
    guards : dict
        The next query for each `key`.  New queries are added.
    call : hashable
        What identifies the kind of call: shapes, dtypes and the like.
    read, compute : callable
        As for `StaticQuery.evaluate`.

    Attributes
    ----------
    key : tuple
        What identifies the call, and the results so far.
    """

    def __init__(self, guards, call, read, compute):
        self.guards = guards
        self.read = read
        self.compute = compute
        self.key = (call,)
        self.results = {}  # by the key of the query
        self.queries = []

    def deciding(self):
        """Return the inputs that decide sizes that have had more than two values."""
        return [
            v
            for query in self.queries
            if query.on_host and len(set(map(hashable, query.results.values()))) > 2
            for v in query.deciding
        ]

    def evaluate_guards(self):
        """Evaluate the queries that calls with the same results so far have led to.

        An error of a query on the host is left to `resolve`: it is raised once more as
        the program is traced, which tells the node.
        """
        while self.key in self.guards:
            query = self.guards[self.key]
            try:
                self._evaluate(query)
            except (AssertionError, IndexError, TypeError, ValueError):
                if not query.on_host:
                    raise
                return

    def resolve(self, query):
        """Return the result of a `StaticQuery` that comes up while tracing.

        Raises
        ------
        Respecialize
            If it takes a program, which cannot run while another is being traced.
        """
        if query.key not in self.results:
            query = self.guards.setdefault(self.key, query)
            if not query.on_host:
                raise Respecialize
            self._evaluate(query)
        return self.results[query.key]

    def _evaluate(self, query):
        self.queries.append(query)
        result = query.evaluate(self.read, self.compute)
        self.results[query.key] = result
        self.key = *self.key, hashable(result)
