"""Lengths that vary from call to call, such as those of sentences.

A program is made for the shapes of its arguments.  Where a length has had three values,
further programs are made for classes of lengths: to 16, from 17 to 32, and so on.
Arguments are then padded to the largest, and the length is passed to the program.
Results are the same, up to rounding, as those of a program for the length alone.

Where something in a function has to know a length exactly, it has a program for each
after all.  So has a call with which something fails, which gives the error its sizes.
"""

import contextlib

import numpy as np

from kfkd.xla.counts import Count
from kfkd.xla.dispatch import NotStatic, dtype_of, sizes, specialize_on
from kfkd.xla.padded import padded
from kfkd.xla.specialization import ERRORS_ON_HOST, MOST_EXACT, StaticQuery
from kfkd.xla.symbolic import LengthClass, NotPaddable, Symbolic, compute

__all__ = ["VaryingLengths", "room_below", "room_for", "size_of"]

_SHORT = 16  # lengths up to this one are one class
_MEDIUM = 64  # to here the lengths of classes double, from here they grow by half
_LONGEST = 2**17  # from here each has a program


def _class(length):
    """Return the range of lengths of the class of *length*.

    Short ones share a class: a loop runs to the true length, and little is computed
    besides.  None at all is a class of its own, and whole numbers can be negative.
    """
    if length < 0:
        opposite = _class(-length)
        return range(-opposite[-1], 1 - opposite[0])
    if length == 0:
        return range(1)
    if length <= _SHORT:
        return range(1, _SHORT + 1)
    room = 1 << (length - 1).bit_length()
    middle = room // 4 * 3
    if room <= _MEDIUM:
        return range(room // 2 + 1, room + 1)
    return (
        range(room // 2 + 1, middle + 1)
        if length <= middle
        else range(middle + 1, room + 1)
    )


def room_for(length):
    """Return the largest length of the class of *length*, or of short ones for none."""
    return _class(max(int(length), 1))[-1]


def room_below(number):
    """Return how far below zero numbers of the class of *number* can be."""
    return room_for(-number) if number < 0 else 0


def size_of(value):
    """Return a scalar as a size: an int, a `Symbolic` or a `Count`.

    Raises
    ------
    NotStatic
        If there is no telling how much room it takes.
    """
    if isinstance(value, (Count, Symbolic)):
        return value
    try:
        return sizes(value)[0]
    except (NotPaddable, NotStatic) as error:
        try:  # of a step of a loop, maybe, that is known before the loop is
            room = specialize_on(room_for, value, for_all_lengths=True)
            return Count(value, room)
        except (NotPaddable, NotStatic):
            raise error from None


class VaryingLengths:
    """Which lengths of a function's arguments vary, as its calls show.

    A length belongs to an argument and an axis.  A whole number that sizes follow from
    is a length as well, be it an argument, shared, or computed before the call; its
    axis is None.

    Parameters
    ----------
    arguments : list of variables
        The arguments that are arrays.
    """

    def __init__(self, arguments):
        self.arguments = arguments
        self.seen = {
            (v, axis): set()
            for v in arguments
            for axis in range(v.type.ndim)
            if not v.type.broadcastable[axis]
        }
        self.computed = {}  # the `StaticQuery` of a number that is no argument
        self.partners = {}  # lengths that have been equal in all calls, by length
        self.exact = set()  # those that have to be known exactly
        self.reason = None  # for that, an error

    def add_sizes(self, variables):
        """Take the values of whole numbers, maybe shared or computed, for lengths.

        Return whether there are new ones.
        """
        before = len(self.seen)
        for v in variables:
            if v not in self.arguments:
                self.computed.setdefault(v, StaticQuery(np.array, [v], {}))
            self.seen.setdefault((v, None), {*range(MOST_EXACT + 1)})
        return len(self.seen) > before

    def sizes(self, given, read, compute):
        """Return the values of whole numbers that are lengths in a call, by variable.

        Parameters
        ----------
        given : dict
            The arguments, by variable.
        read, compute : callable
            As for `StaticQuery.evaluate`.
        """
        found = {}
        for v, axis in self.seen:
            if axis is None and (v, axis) not in self.exact:
                if v in self.computed:
                    with contextlib.suppress(*ERRORS_ON_HOST):  # told by the program
                        found[v] = int(self.computed[v].evaluate(read, compute))
                elif v in given:
                    found[v] = int(given[v])
        return found

    def _observe(self, lengths):
        for axis, n in lengths.items():
            others = {other for other, m in lengths.items() if m == n}
            self.partners[axis] = self.partners.get(axis, others) & others
            if len(self.seen[axis]) <= MOST_EXACT:
                self.seen[axis].add(n)

    def classify(self, given, sizes):
        """Take note of the lengths of a call; return its `CallLengths`.

        Return None if it gets a program of its own.

        Parameters
        ----------
        given, sizes : dict
            The arguments, and what `sizes` returns for them.
        """
        lengths = {(v, None): n for v, n in sizes.items()}
        for v, axis in self.seen:
            if axis is not None and v in given:
                lengths[v, axis] = given[v].shape[axis]
        self._observe(lengths)
        groups, found = {}, []
        for axis, n in lengths.items():
            if len(self.seen[axis]) <= MOST_EXACT or axis in self.exact:
                continue
            if abs(n) > _LONGEST:
                return None
            partners = self.partners[axis] - self.exact
            place = next((groups[p] for p in partners if p in groups), len(found))
            if place == len(found):
                found.append(n)
            groups[axis] = place
        return CallLengths(groups, tuple(found)) if groups else None

    def give_up(self, call, places, reason):
        """Know lengths exactly from now on.

        Parameters
        ----------
        call : CallLengths
        places : list of int or None
            Which of them; None for all.
        reason : Exception or None
        """
        self.reason = reason
        self.exact |= {
            axis
            for axis, place in call.groups.items()
            if places is None or place in places
        }


class CallLengths:
    """The lengths of a call that vary between calls.

    Parameters
    ----------
    groups : dict
        The place of its length by argument and axis.  Axes that have been as long as
        each other in all calls share a place.
    lengths : tuple of int
    """

    def __init__(self, groups, lengths):
        self.groups, self.lengths = groups, lengths
        self.ranges = tuple(map(_class, lengths))

    @property
    def key(self):
        """What is equal for calls of the same class."""
        return tuple(self.groups.items()), self.ranges

    def outcomes(self, conditions):
        """Return which conditions, each a `Symbolic`, hold in this call."""
        return tuple(bool(condition.at(self.lengths)) for condition in conditions)

    def pad(self, v, value):
        """Return an argument with room for the lengths of the class."""
        widths = [(0, 0)] * value.ndim
        for axis in range(value.ndim):
            if (v, axis) in self.groups:
                room = self.ranges[self.groups[v, axis]][-1]
                widths[axis] = (0, room - value.shape[axis])
        return np.pad(value, widths) if any(map(any, widths)) else value

    def new_class(self):
        """Return a new `LengthClass` for a program."""
        return LengthClass(self.ranges, self.lengths)

    def as_padded(self, of, values):
        """Return traced arguments, by variable, as arrays that are padded."""
        found = dict(values)
        lengths = {}
        for (v, axis), place in self.groups.items():
            n = of.length(place)
            if axis is None:
                found[v] = compute(lambda n, v=v: n.astype(dtype_of(v)), n)
            else:
                lengths.setdefault(v, {})[axis] = n
        return found | {v: padded(found[v], n) for v, n in lengths.items()}
