"""Small numbers that a program is made for, computed on the host before each call."""

import contextlib

import numpy as np
from theano.graph.basic import Constant, Variable, io_toposort
from theano.scalar import Scalar
from theano.tensor import TensorType

from kfkd.xla.dispatch import NotStatic, dtype_of, evaluation

__all__ = ["Answers", "Question", "hashable", "is_array"]

# So many answers are remembered; a batch number, say, comes again in each epoch.
_MOST_ANSWERS = 4096


def is_array(variable):
    """Tell whether a variable stands for an array or a scalar."""
    return isinstance(variable.type, (TensorType, Scalar))


def hashable(value):
    """Return something hashable that stands for *value*."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype, value.tobytes()
    if isinstance(value, slice):  # hashable from Python 3.12 on
        return slice, value.start, value.stop, value.step
    return value


def _is_small(variable):
    return (
        is_array(variable)
        and dtype_of(variable).kind in "iub"
        and variable.type.ndim <= 1
    )


class Question:
    """A function of variables of a graph that follow from small inputs.

    Parameters
    ----------
    function : callable
        As for `learn`.
    operands : list
        What it is called with: values, and variables, which stand for theirs.
    known : dict
        The values of the variables that are known while the program is made.

    Raises
    ------
    NotStatic
        If there is more behind it than inputs that are integers or vectors of them.
    """

    def __init__(self, function, operands, known):
        self.function = function
        self.operands = operands
        wanted = [v for v in operands if isinstance(v, Variable)]
        nodes = io_toposort(list(known), wanted)
        used = dict.fromkeys([*wanted, *(v for node in nodes for v in node.inputs)])
        given = {v: v.data for v in used if isinstance(v, Constant)}
        given |= {v: known[v] for v in used if v in known}
        self.inputs = [v for v in used if v.owner is None and v not in given]
        if not all(map(_is_small, self.inputs)):
            raise NotStatic
        self.made = [v for n in nodes for v in n.outputs if v not in given]
        self.storage = {v: [given.get(v)] for v in (*used, *self.made)}
        self.thunks = [evaluation(node, self.storage) for node in nodes]
        self.answers = {}

    @property
    def key(self):
        """What is equal for the same question, within one making of a program."""
        return self.function, *map(hashable, self.operands)

    def answer(self, read):
        """Return the answer.

        Parameters
        ----------
        read : callable
            Returns the value of an input.
        """
        given = {v: read(v) for v in self.inputs}
        key = tuple(map(hashable, given.values()))
        if key not in self.answers:
            if len(self.answers) >= _MOST_ANSWERS:
                self.answers.clear()
            self.answers[key] = self._compute(given)
        return self.answers[key]

    def _compute(self, given):
        storage = self.storage
        for v in self.made:
            storage[v][0] = None  # or the old value might be written over
        for v, value in given.items():
            storage[v][0] = value
        for thunk in self.thunks:
            thunk()
        values = [
            storage[v][0] if isinstance(v, Variable) else v for v in self.operands
        ]
        return self.function(*values)


class Answers:
    """What one program is made for: the answers to what its making asks, in order.

    Parameters
    ----------
    questions : dict
        The next question, by what identifies the call and the answers so far; those
        that are asked are added.
    call : hashable
    read : callable
        Returns the value of an input.

    Attributes
    ----------
    key : tuple
        What identifies the call, and the answers so far.
    """

    def __init__(self, questions, call, read):
        self.questions = questions
        self.read = read
        self.key = (call,)
        self.given = {}

    def foresee(self):
        """Answer the questions that are known to come."""
        # An error comes again as the program is made, which tells of what node it is.
        with contextlib.suppress(AssertionError, IndexError, TypeError, ValueError):
            while self.key in self.questions:
                self._add(self.questions[self.key])
        return self.key

    def __call__(self, question):
        """Return the answer to a `Question`, which may have been asked before."""
        if question.key not in self.given:
            self._add(self.questions.setdefault(self.key, question))
        return self.given[question.key]

    def _add(self, question):
        answer = self.given[question.key] = question.answer(self.read)
        self.key = *self.key, hashable(answer)
