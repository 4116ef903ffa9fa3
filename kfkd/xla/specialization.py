"""What a program is made for, such as sizes, found out before each call."""

from collections.abc import Hashable

import numpy as np
from theano.graph.basic import Constant, Variable, io_toposort
from theano.scalar import Scalar
from theano.tensor import TensorType

from kfkd.xla.dispatch import NotStatic, dtype_of, evaluation

__all__ = ["Answers", "Question", "Unforeseen", "hashable", "is_array"]

# So many answers are remembered; a batch number, say, comes again in each epoch.
_MOST_ANSWERS = 4096


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


def _is_small(variable):
    """Tell whether the host shall compute with a variable's value before each call."""
    if not is_array(variable):
        return False
    most = 1 if dtype_of(variable).kind in "iub" else 0
    return variable.type.ndim <= most


def _is_variable(operand):
    return isinstance(operand, Variable)


class Question:
    """A function of variables of a graph.

    Parameters
    ----------
    function : callable
        As for `learn`.
    operands : list
        What it is called with: values, and variables, which stand for theirs.
    known : dict
        The values of the variables that are known while the program is made.

    Attributes
    ----------
    small : bool
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
        self.small = all(map(_is_small, self.inputs))
        if not self.small:
            if not all(map(is_array, self.wanted)):
                raise NotStatic
            return
        self.made = [v for n in nodes for v in n.outputs if v not in given]
        self.storage = {v: [given.get(v)] for v in (*used, *self.made)}
        self.thunks = [evaluation(node, self.storage) for node in nodes]
        self.answers = {}

    @property
    def key(self):
        """What is equal for the same question, within one making of a program."""
        return self.function, *map(hashable, self.operands)

    def answer(self, read, compute=None):
        """Return the answer.

        Parameters
        ----------
        read : callable
            Returns the value of an input.
        compute : callable, optional
            Returns the values of variables, if the question is not `small`.
        """
        if not self.small:
            return self._of(dict(zip(self.wanted, compute(self.wanted), strict=True)))
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
        return self._of({v: storage[v][0] for v in self.wanted})

    def _of(self, values):
        return self.function(
            *(values[v] if _is_variable(v) else v for v in self.operands)
        )


class Unforeseen(Exception):
    """A question has come up that `Answers.foresee` answers from now on."""


class Answers:
    """What one program is made for: the answers to what its making asks, in order.

    Parameters
    ----------
    questions : dict
        The next question, by what identifies the call and the answers so far; those
        that are asked are added.
    call : hashable
    read, compute : callable
        As for `Question.answer`.

    Attributes
    ----------
    key : tuple
        What identifies the call, and the answers so far.
    """

    def __init__(self, questions, call, read, compute):
        self.questions = questions
        self.read = read
        self.compute = compute
        self.key = (call,)
        self.given = {}

    def foresee(self):
        """Answer the questions that are known to come."""
        while self.key in self.questions:
            question = self.questions[self.key]
            try:
                self._add(question)
            except (AssertionError, IndexError, TypeError, ValueError):
                if not question.small:
                    raise
                break  # it comes again as the program is made, which tells where
        return self.key

    def __call__(self, question):
        """Return the answer to a `Question`, which may have been asked before.

        Raises
        ------
        Unforeseen
            If it takes a program, which cannot run while another is being made.
        """
        if question.key not in self.given:
            question = self.questions.setdefault(self.key, question)
            if not question.small:
                raise Unforeseen
            self._add(question)
        return self.given[question.key]

    def _add(self, question):
        answer = self.given[question.key] = question.answer(self.read, self.compute)
        self.key = *self.key, hashable(answer)
