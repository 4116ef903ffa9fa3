"""Sizes of arrays: each is an int, a `Symbolic` or a `Count`."""

import functools
import math

import jax.numpy as jnp
import numpy as np

from kfkd.xla.counts import Count, in_program
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.symbolic import Symbolic, always, compute, same

__all__ = [
    "are_identical",
    "is_computed",
    "is_known",
    "is_one",
    "largest",
    "product_of_sizes",
    "same_length",
    "size_less",
    "sum_of_sizes",
]


def is_computed(size):
    """Return whether a size is computed by the program."""
    return isinstance(size, Count)


def is_known(size):
    """Return whether a size is the same in all calls of a program."""
    return not isinstance(size, (Count, Symbolic))


def is_one(size):
    """Return whether a size is known to be one."""
    return isinstance(size, int) and size == 1


def largest(size):
    """Return the largest value of a size."""
    if is_computed(size):
        return max(size.room, 0)
    return int(size.table.max()) if isinstance(size, Symbolic) else int(size)


def are_identical(first, second):
    """Return whether it is known that two sizes are equal, whatever they are."""
    if is_computed(first) and is_computed(second):
        return first.is_same(second)
    if is_computed(first) or is_computed(second):
        return False
    return always(compute(np.equal, first, second))


def same_length(first, second):
    """Return whether two sizes are equal; make the program for such calls alone.

    If one is computed, it is taken for granted now, and checked after the call.
    """
    if is_computed(first) or is_computed(second):
        if not are_identical(first, second):
            error = ValueError("sizes that have to be equal differ")
            runtime_assert(jnp.equal(in_program(first), in_program(second)), error)
        return True
    return same(first, second)


def sum_of_sizes(first, second):
    """Return the sum of two sizes."""
    if is_computed(first) or is_computed(second):
        number = in_program(first) + in_program(second)
        return Count(number, largest(first) + largest(second))
    return compute(np.add, first, second)


def size_less(size, k):
    """Return a size that is smaller by *k*, or zero."""
    if is_computed(size):
        return Count(jnp.maximum(size.number - k, 0), max(largest(size) - k, 0))
    return compute(lambda n: np.maximum(n - k, 0), size)


def product_of_sizes(sizes):
    """Return the product of sizes."""
    known = math.prod(int(n) for n in sizes if is_known(n))
    unknown = [n for n in sizes if not is_known(n)]
    factors = [*unknown, known] if known != 1 or not unknown else unknown
    if len(factors) == 1:
        return factors[0]
    if any(map(is_computed, factors)):
        number = math.prod(map(in_program, factors))
        return Count(number, math.prod(map(largest, factors)))
    return functools.reduce(functools.partial(compute, np.multiply), factors)
