"""What a program is made for, such as sizes, found out before each call."""

from collections.abc import Hashable

import numpy as np
from theano.graph.basic import Constant, Variable, io_toposort
from theano.scalar import Scalar
from theano.tensor import TensorType

from kfkd.xla.dispatch import NotStatic, dtype_of, evaluation

__all__ = ["Respecialize", "Specialization", "StaticQuery", "hashable", "is_array"]

# So many results are remembered; a batch number, say, comes again in each epoch.
_MAX_RESULTS = 4096


def is_array(variable):
    """Tell whether a variable stands for an array or a scalar."""
    return isinstance(variable.type, (TensorType, Scalar))


def hashable(value):
    """Return something hashable that stands for *value*.

    Raises
    ------
    TypeError
        If there is nothing.
    """
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype, value.tobytes()
    if isinstance(value, slice):  # hashable from Python 3.12 on
        return slice, value.start, value.stop, value.step
    if not isinstance(value, Hashable):
        raise TypeError(
            "Mode 'xla': a program is made for each value of an argument that is no "
            f"array, which cannot be a {type(value).__name__}"
        )
    return value


def _fits_host(variable):
    """Tell whether the host shall compute with a variable's value before each call."""
    if not is_array(variable):
        return False
    most = 1 if dtype_of(variable).kind in "iub" else 0
    return variable.type.ndim <= most


def _is_variable(operand):
    return isinstance(operand, Variable)


class StaticQuery:
    """A function of variables of a graph.

    Parameters
    ----------
    function : callable
        As for `specialize_on`.
    operands : list
        What it is called with: values, and variables, which stand for theirs.
    known : dict
        The values of the variables that are known while the program is made.

    Attributes
    ----------
    on_host : bool
        Whether the host can tell: there is no more behind it than inputs that are
        scalars or vectors of integers.  Otherwise it takes a program of its own.

    Raises
    ------
    NotStatic
        If a variable is none that a program returns.
    """

    def __init__(self, function, operands, known):
        self.function = function
        self.operands = operands
        self.wanted = tuple(dict.fromkeys(v for v in operands if _is_variable(v)))
        nodes = io_toposort(list(known), self.wanted)
        behind = (v for node in nodes for v in node.inputs)
        used = dict.fromkeys([*self.wanted, *behind])
        given = {v: v.data for v in used if isinstance(v, Constant)}
        given |= {v: known[v] for v in used if v in known}
        self.inputs = [v for v in used if v.owner is None and v not in given]
        self.on_host = all(map(_fits_host, self.inputs))
        if not self.on_host:
            if not all(map(is_array, self.wanted)):
                raise NotStatic
            return
        self.made = [v for n in nodes for v in n.outputs if v not in given]
        self.storage = {v: [given.get(v)] for v in (*used, *self.made)}
        self.thunks = [evaluation(node, self.storage) for node in nodes]
        self.results = {}

    @property
    def key(self):
        """What is equal for the same query, within one making of a program."""
        return self.function, *map(hashable, self.operands)

    def evaluate(self, read, compute=None):
        """Return the result.

        Parameters
        ----------
        read : callable
            Returns the value of an input.
        compute : callable, optional
            Returns the values of variables, if the query is not `on_host`.
        """
        if not self.on_host:
            return self._of(dict(zip(self.wanted, compute(self.wanted), strict=True)))
        given = {v: read(v) for v in self.inputs}
        key = tuple(map(hashable, given.values()))
        if key not in self.results:
            if len(self.results) >= _MAX_RESULTS:
                self.results.clear()
            self.results[key] = self._compute(given)
        return self.results[key]

    def _compute(self, given):
        storage = self.storage
        for v in self.made:
            storage[v][0] = None  # or the old value might be written over
        for v, value in given.items():
            storage[v][0] = value
        for thunk in self.thunks:
            thunk()
        return self._of({v: storage[v][0] for v in self.wanted})

    def _of(self, values):
        return self.function(
            *(values[v] if _is_variable(v) else v for v in self.operands)
        )


class Respecialize(Exception):
    """A static query has come up that is a guard from now on."""


class Specialization:
    """What one program is made for: the results of its static queries, in order.

    Parameters
    ----------
    guards : dict
        The next query, by what identifies the call and the results so far.  Queries
        that come up are added.
    call : hashable
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
        self.resolved = {}

    def evaluate_guards(self):
        """Evaluate the queries that are known to come."""
        while self.key in self.guards:
            query = self.guards[self.key]
            try:
                self._add(query)
            except (AssertionError, IndexError, TypeError, ValueError):
                if not query.on_host:
                    raise
                break  # it comes again as the program is made, which tells where
        return self.key

    def __call__(self, query):
        """Return the result of a `StaticQuery`, which may have come up before.

        Raises
        ------
        Respecialize
            If it takes a program, which cannot run while another is being made.
        """
        if query.key not in self.resolved:
            query = self.guards.setdefault(self.key, query)
            if not query.on_host:
                raise Respecialize
            self._add(query)
        return self.resolved[query.key]

    def _add(self, query):
        result = self.resolved[query.key] = query.evaluate(self.read, self.compute)
        self.key = *self.key, hashable(result)
