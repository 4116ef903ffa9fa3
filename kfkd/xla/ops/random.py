"""Random numbers: ``theano.sandbox.rng_mrg``, on which Lasagne's noise layers draw.

The state stays that of Theano's generator, MRG31k3p.  Every call advances it by one
step, so that a saved state continues with the same numbers.  The numbers themselves are
a hash of a counter, keyed by the state: MRG31k3p would draw the millions of numbers of
a dropout layer in hundreds of dependent steps.  They are therefore other numbers than
Theano's own evaluation draws, from the same distribution.

References
----------
P. L'Ecuyer and R. Touzin, "Fast combined multiple recursive generators with
multipliers of the form a = +-2^q +-2^r", WSC 2000.
J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, on
counters as generators.  The mixing function is C. Wellons's "lowbias32".
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from theano.sandbox import rng_mrg
from theano.sandbox.multinomial import ChoiceFromUniform, MultinomialFromUniform

from kfkd.xla import formulations
from kfkd.xla.counts import in_program
from kfkd.xla.dispatch import convert, dtype_of, sizes
from kfkd.xla.layout import ChannelsLast
from kfkd.xla.padded import (
    array_of,
    lengths_of,
    logical_shape,
    padded,
    refuse_computed,
    refuse_padded,
    with_zeros,
)
from kfkd.xla.sizes import largest, same_length
from kfkd.xla.symbolic import Symbolic, compute

__all__ = ["advance", "make_keys", "uniform_numbers"]

_M1, _M2 = int(rng_mrg.M1), int(rng_mrg.M2)


def advance(state):
    """Advance each row, a state of MRG31k3p, by one step."""
    x1, x2 = (state[:, :3].astype("int64"), state[:, 3:].astype("int64"))
    first = (2**22 * x1[:, 1] + (2**7 + 1) * x1[:, 2]) % _M1
    second = (2**15 * x2[:, 0] + (2**15 + 1) * x2[:, 2]) % _M2
    columns = (first, x1[:, 0], x1[:, 1], second, x2[:, 0], x2[:, 1])
    return jnp.stack(columns, axis=1).astype(state.dtype)


def _mix(x):
    """Return 32 bits each of which depends on each bit of *x*."""
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def make_keys(state):
    """Return two 32-bit keys that depend on all six numbers of the first stream."""
    salts = np.array([0x9E3779B9, 0x85EBCA6B], "uint32")
    keys = salts
    for number in lax.bitcast_convert_type(state[0], jnp.uint32):
        keys = _mix(keys ^ number) + salts
    return keys


def _bits(keys, shape, stream=0):
    """Return 32 random bits for each element of *shape*, of which some are symbolic.

    They are the same whatever there is room for.
    """
    rooms = list(map(largest, shape))
    counter = jnp.zeros(rooms, jnp.uint32)
    stride = np.asarray(1)
    for axis in reversed(range(len(shape))):
        place = lax.broadcasted_iota(jnp.uint32, rooms, axis)
        step = in_program(compute(np.mod, stride, 2**32))
        counter = counter + place * step.astype("uint32")
        stride = compute(np.multiply, stride, shape[axis])
    salt = np.uint32(stream * 0xC2B2AE35 % 2**32)
    return _mix(_mix(counter ^ keys[0]) + (keys[1] ^ salt))


def uniform_numbers(keys, shape, dtype):
    """Return numbers of (0, 1), both ends excluded, as Theano's are.

    Parameters
    ----------
    keys : array
        As from `make_keys`.
    shape : sequence of int or Symbolic
    dtype : dtype

    Returns
    -------
    array or PaddedArray
    """
    numbers = _uniform_numbers(keys, shape, dtype)
    return padded(numbers, list(shape))


def _uniform_numbers(keys, shape, dtype):
    if dtype == np.float64:
        high = _bits(keys, shape).astype(dtype)
        low = (_bits(keys, shape, 1) >> 12).astype(dtype)
        return (high * 2.0**20 + low + 0.5) * 2.0**-52
    digits = 11 if dtype == np.float16 else 24
    bits = (_bits(keys, shape) >> (32 - digits + 1)).astype(dtype)
    return (bits + dtype.type(0.5)) * dtype.type(2.0 ** (1 - digits))


@convert.register(rng_mrg.mrg_uniform, takes_padded=True)
def convert_mrg_uniform(op, node, state, size):
    varies = isinstance(size, Symbolic)
    shape = [size[i] for i in range(len(size))] if varies else sizes(size)
    new_state = advance(state)
    keys, dtype = make_keys(new_state), dtype_of(node.outputs[1])
    if len(shape) != op.output_type.ndim:
        raise ValueError(f"ndim is {op.output_type.ndim}, but the size is {shape}")
    if len(shape) == 4 and formulations.images_channels_last():
        n, c, h, w = shape
        numbers = uniform_numbers(keys, (n, h, w, c), dtype)
        if not varies:
            return new_state, ChannelsLast(numbers)
        array = jnp.transpose(array_of(numbers), (0, 3, 1, 2))
        return new_state, padded(array, [n, c, h, w])
    return new_state, uniform_numbers(keys, shape, dtype)


def _columns(uniform, n, p):
    """Return *n* columns of uniform numbers, each with one for each row of *p*."""
    rows, (given,) = logical_shape(p)[0], logical_shape(uniform)
    wanted = compute(lambda rows: rows * n, rows)
    if not same_length(given, wanted):
        raise ValueError(
            f"{n} draws from {rows} distributions take {wanted} uniform "
            f"numbers, not {given}"
        )
    place = jnp.arange(n)[:, None] * in_program(rows) + jnp.arange(largest(rows))
    return jnp.take(array_of(uniform), place, mode="clip")[..., None]


@convert.register(MultinomialFromUniform, takes_padded=True)
def convert_multinomial_from_uniform(op, node, p, uniform, n):
    refuse_computed(logical_shape(p)[0])
    columns = _columns(uniform, *sizes(n), p)
    (p,), lengths = with_zeros([p], range(2))
    reached = jnp.cumsum(p, axis=1) > columns
    before = jnp.pad(reached, ((0, 0), (0, 0), (1, 0)))[..., :-1]
    drawn = jnp.sum(reached & ~before, axis=0).astype(dtype_of(node.outputs[0]))
    return padded(drawn, lengths)


@convert.register(ChoiceFromUniform, takes_padded=True)
def convert_choice_from_uniform(op, node, p, uniform, n):
    refuse_computed(logical_shape(p)[0])
    refuse_padded(p, 1)
    (n,) = sizes(n)
    columns = _columns(uniform, n, p)
    p, lengths = array_of(p), lengths_of(p)
    if n > p.shape[1]:
        raise ValueError(f"{n} different of {p.shape[1]} outcomes cannot be drawn")
    left, drawn = p, []
    for u in columns:
        reached = jnp.cumsum(left, axis=1) > u
        # By rounding, the sum may end just below the number.
        last = p.shape[1] - 1 - jnp.argmax(left[:, ::-1] > 0, axis=1)
        found = jnp.where(reached[:, -1], jnp.argmax(reached, axis=1), last)
        drawn.append(found)
        if not op.replace:
            left = jnp.where(jnp.arange(p.shape[1]) == found[:, None], 0, left)
            left = left / jnp.sum(left, axis=1, keepdims=True)
    chosen = jnp.stack(drawn, axis=1).astype(dtype_of(node.outputs[0]))
    return padded(chosen, lengths)
