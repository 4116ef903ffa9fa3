"""Specialization: the sizes and other values that a program is made for.

While a program is traced, conversions query what must be static.  Each `StaticQuery`
becomes a guard: it is evaluated before each later call, and the results of all guards
choose the program.
"""

import contextlib
from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
from theano.graph.basic import Constant, Variable, io_toposort

from kfkd.xla.dispatch import NotStatic, evaluation
from kfkd.xla.size_variables import (
    deciding_scalars,
    fits_host,
    is_array,
    sizes_of_inputs,
)

__all__ = [
    "ERRORS_ON_HOST",
    "MOST_EXACT",
    "Respecialize",
    "SizeAlong",
    "Specialization",
    "StaticQuery",
    "hashable",
]

MOST_EXACT = 2  # values of a length, or of a query, that get a program of their own

# What the host may raise as it computes with arguments.
ERRORS_ON_HOST = AssertionError, IndexError, TypeError, ValueError

_CHANGES = 1, 8, 64  # of a number, to see what follows from it

# So many results of a query are kept.  A batch number, say, comes again in each epoch.
_MAX_RESULTS = 4096


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
    places : sequence
        Those of the variables that tell where something is, and not how large it is.

    Attributes
    ----------
    inputs : list of variables
        The inputs of the graph that the result depends on, and sizes of such inputs.
    computed : list of variables
        Those between the inputs and the operands.
    on_host : bool
        Whether the host can evaluate the query, because all inputs are scalars or
        vectors of integers.  Otherwise it takes a program of its own, which can only
        return arrays.
    """

    def __init__(self, function, operands, known, places=()):
        self.function = function
        self.operands = operands
        variables = (v for v in operands if isinstance(v, Variable))
        self.variables = tuple(dict.fromkeys(variables))
        self.places = [v for v in places if isinstance(v, Variable)]
        sizes = sizes_of_inputs(self.variables, known)
        nodes = io_toposort([*known, *sizes], self.variables)
        inner = (v for node in nodes for v in node.inputs)
        used = dict.fromkeys([*self.variables, *inner])
        given = {v: v.data for v in used if isinstance(v, Constant)}
        given |= {v: known[v] for v in used if v in known}
        self.known = set(given)
        self.inputs = [
            v for v in used if (v.owner is None or v in sizes) and v not in given
        ]
        self.on_host = all(map(fits_host, self.inputs))
        self.computed = [v for n in nodes for v in n.outputs if v not in given]
        if not self.on_host:
            if not all(map(is_array, self.variables)):
                raise NotStatic
            return
        self.storage = {v: [given.get(v)] for v in (*used, *self.computed)}
        self.thunks = [evaluation(node, self.storage) for node in nodes]
        self.results = {}

    @property
    def deciding(self):
        """The whole numbers that decide sizes, and may be lengths."""
        places = deciding_scalars(self.places, self.known)
        scalars = deciding_scalars(self.variables, self.known)
        return [v for v in scalars if v not in places]

    def varying_with(self, read):
        """Return those of `deciding` of which other values give other results.

        The place where a slice begins does not, but for its end, of which both follow.
        """
        if not self.on_host:
            return self.deciding
        values = {
            v: StaticQuery(np.array, [v], {}).evaluate(read) for v in self.deciding
        }
        query = StaticQuery(self.function, self.operands, values)
        return [v for v, value in values.items() if query._varies_with(v, value, read)]

    def _varies_with(self, v, value, read):
        """Return whether both larger and smaller values give another result."""
        given = {v: read(v) for v in self.inputs}

        def result(change):
            self.storage[v][0] = np.array(int(value) + change).astype(value.dtype)
            with contextlib.suppress(*ERRORS_ON_HOST):
                return hashable(self._evaluate_on_host(given))

        changes = (0, *_CHANGES, *(-change for change in _CHANGES))
        results = dict(zip(changes, map(result, changes), strict=True))
        self.storage[v][0] = value
        return any(
            results[0] not in (results[change], results[-change]) for change in _CHANGES
        )

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
        with np.errstate(all="ignore"):  # as in the program, which warns of nothing
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
    observed : dict
        The first results of each query, by its key, to tell whether they vary.
    call : hashable
        What identifies the kind of call: shapes, dtypes and the like.
    read, compute : callable
        As for `StaticQuery.evaluate`.

    Attributes
    ----------
    key : tuple
        What identifies the call, and the results so far.
    """

    def __init__(self, guards, observed, call, read, compute):
        self.guards, self.observed = guards, observed
        self.read = read
        self.compute = compute
        self.key = (call,)
        self.results = {}  # by the key of the query
        self.queries = []

    def varying(self):
        """Return the numbers that decide results of which there have been many."""
        varying = [q for q in self.queries if len(self.observed[q.key]) > MOST_EXACT]
        return [v for query in varying for v in query.varying_with(self.read)]

    def evaluate_guards(self):
        """Evaluate the queries that calls with the same results so far have led to.

        An error of a query on the host is left to `resolve`: it is raised once more as
        the program is traced, which tells the node.
        """
        while self.key in self.guards:
            query = self.guards[self.key]
            try:
                self._evaluate(query)
            except ERRORS_ON_HOST:
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
        observed = self.observed.setdefault(query.key, set())
        if len(observed) <= MOST_EXACT:
            observed.add(hashable(result))
        self.key = *self.key, hashable(result)
