"""Random numbers: ``theano.tensor.shared_randomstreams``.

Simple distributions come from the generator of :mod:`kfkd.xla.ops.random`, the others
from JAX's, keyed by the same state.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from theano.tensor.shared_randomstreams import RandomFunction

from kfkd.xla.dispatch import (
    NotStatic,
    convert,
    dtype_of,
    is_static,
    sizes,
    static_value,
)
from kfkd.xla.ops.random import advance, make_keys, uniform_numbers
from kfkd.xla.padded import PaddedArray, array_of, padded, refuse_varying
from kfkd.xla.runtime_checks import runtime_assert
from kfkd.xla.sizes import largest
from kfkd.xla.symbolic import Symbolic


def _jax_key(keys):
    return jax.random.wrap_key_data(jnp.stack(keys), impl="threefry2x32")


def _is_one(n):
    return is_static(n) and (np.asarray(n) == 1).all()


def _broadcast(shape, *parameters, dtype=None):
    rooms = list(map(largest, shape))
    return [jnp.broadcast_to(jnp.asarray(p, dtype), rooms) for p in parameters]


def _uniform(keys, shape, dtype, low, high):
    low, high = _broadcast(shape, low, high, dtype=dtype)
    return array_of(uniform_numbers(keys, shape, dtype)) * (high - low) + low


def _normal(keys, shape, dtype, avg, std):
    runtime_assert(~(std < 0), ValueError("the standard deviation is negative"))
    avg, std = _broadcast(shape, avg, std, dtype=dtype)
    # The transform of Box and Muller.
    radius, angle = array_of(uniform_numbers(keys, (2, *shape), dtype))
    angle = angle * dtype.type(2 * np.pi)
    return jnp.sqrt(-2 * jnp.log(radius)) * jnp.cos(angle) * std + avg


def _binomial(keys, shape, dtype, n, p):
    runtime_assert(
        (p >= 0) & (p <= 1), ValueError("p is below 0, above 1, or not a number")
    )
    runtime_assert(n >= 0, ValueError("n is negative"))
    if _is_one(n):
        n, p = _broadcast(shape, n, p)
        exact = np.promote_types(p.dtype, "float32")
        return array_of(uniform_numbers(keys, shape, exact)) < p
    refuse_varying(*shape)
    return jax.random.binomial(_jax_key(keys), n, p.astype("float64"), shape, "float64")


def _poisson(keys, shape, dtype, lam):
    runtime_assert(lam >= 0, ValueError("lam is negative, or not a number"))
    return jax.random.poisson(_jax_key(keys), *_broadcast(shape, lam), shape, "int64")


def _random_integers(keys, shape, dtype, low, high):
    runtime_assert(low <= high, ValueError("low is above high"))
    low, high = _broadcast(shape, low, high, dtype="int64")
    return jax.random.randint(_jax_key(keys), shape, low, high + 1, "int64")


def _choice(keys, shape, dtype, a, replace, p):
    replace, key = bool(static_value(replace)), _jax_key(keys)
    population = a
    if np.ndim(a) == 0:
        (population,) = sizes(a)
    if len(p) == 0:
        return jax.random.choice(key, population, shape, replace)
    epsilon = math.sqrt(np.finfo(np.promote_types(p.dtype, "float16")).eps)
    sums_to_one = abs(p.sum() - 1) <= epsilon
    runtime_assert((p >= 0).all() & sums_to_one, ValueError("p are not probabilities"))
    if not replace:
        enough = (p > 0).sum() >= math.prod(shape)
        runtime_assert(enough, ValueError("p has too few that are not 0 for the size"))
    return jax.random.choice(key, population, shape, replace, p.astype("float64"))


def _permutation(keys, shape, dtype, n):
    return jnp.argsort(uniform_numbers(keys, (*shape, *sizes(n)), np.dtype("float64")))


def _multinomial(keys, shape, dtype, n, pvals):
    pvals = pvals.astype("float64")
    sums = pvals.sum(axis=-1)
    probable = (pvals >= 0).all() & (sums <= 1 + 1e-5).all()
    runtime_assert(
        probable, ValueError("pvals must not be negative, nor their sum above 1")
    )
    runtime_assert(n >= 0, ValueError("n is negative"))
    n_outcomes = pvals.shape[-1]
    if _is_one(n):
        below = jnp.cumsum(jnp.broadcast_to(pvals, (*shape, n_outcomes)), axis=-1)
        reached = uniform_numbers(keys, (*shape, 1), pvals.dtype) >= below[..., :-1]
        return jax.nn.one_hot(reached.sum(axis=-1), n_outcomes, dtype=dtype)
    # The last outcome has what is missing to 1.
    pvals = jnp.asarray(pvals).at[..., -1].add(jnp.maximum(1 - sums, 0))
    n = jnp.broadcast_to(n, shape)
    pvals = jnp.broadcast_to(pvals, (*shape, n_outcomes))
    return jax.random.multinomial(_jax_key(keys), n, pvals)


_DRAWS = {
    "binomial": _binomial,
    "choice": _choice,
    "multinomial": _multinomial,
    "normal": _normal,
    "permutation": _permutation,
    "poisson": _poisson,
    "random_integers": _random_integers,
    "uniform": _uniform,
}

_OF_VARYING_SIZE = "binomial", "normal", "uniform"


@convert.register(RandomFunction, takes_padded=True)
def convert_random_function(op, node, state, size, *parameters):
    draw, dtype = _DRAWS[op.distribution], dtype_of(node.outputs[1])
    refuse_varying(*parameters)
    if any(isinstance(p, PaddedArray) for p in parameters):
        raise NotStatic
    if isinstance(size, Symbolic) and op.distribution in _OF_VARYING_SIZE:
        shape = [size[i] for i in range(len(size))]
    else:
        refuse_varying(size)
        shape = sizes(size)
    following = advance(state)
    op.check_size(shape)
    drawn = draw(make_keys(following), shape, dtype, *parameters)
    return following, padded(drawn.astype(dtype), shape)
