"""Special functions of real numbers, computed in float64 as by SciPy."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy import special
from theano.scalar import basic_scipy as tss

from kfkd.xla.runtime_checks import runtime_assert

__all__ = ["SPECIAL"]

# The number of steps grows with the order.
_LARGEST_ORDER = 10_000


def _erfcx(x):
    """Return ``exp(x ** 2) * erfc(x)``, also where the second factor is zero."""
    near = jnp.clip(x, -30, 7)  # below, it is infinite
    # The square of these bits is exact; of all of them, exp would feel the rounding.
    bits = near.astype("float32").astype(x.dtype)
    product = jnp.exp(bits**2) * jnp.exp((near - bits) * (near + bits))
    far = jnp.maximum(x, 7)
    term = total = 1 / (far * np.sqrt(np.pi))
    for k in range(1, 24):
        term = term * (0.5 - k) / far**2
        total = total + term
    return jnp.where(x > 7, total, product * special.erfc(near))


def _bessel_j(v, x):
    """Return the Bessel function of the first kind and order *v*."""
    found = _bessel(v, x, _hankel_j, _miller_j)
    return jnp.where((v == jnp.floor(v)) & (v < 0), _parity(v) * found, found)


def _bessel_i(v, x):
    """Return the modified Bessel function of the first kind and order *v*."""
    return _bessel(v, x, _hankel_i, _series_i)


def _parity(v):
    return jnp.where(v / 2 == jnp.floor(v / 2), 1, -1)


def _bessel(v, x, function_far, function_near):
    """Return the values of one function far from zero, and of the other near it.

    A negative integer is taken as its absolute value: the functions of these two orders
    are the same, but for the sign of the first kind's if the order is odd.
    """
    error = ValueError(f"the order of a Bessel function is above {_LARGEST_ORDER}")
    runtime_assert((abs(v) <= _LARGEST_ORDER) | (v != v), error)
    v, x = jnp.broadcast_arrays(jnp.where(v == jnp.floor(v), jnp.abs(v), v), x)
    z = jnp.abs(x)
    far = z > jnp.maximum(25, v**2 / 2)
    unknown = jnp.isnan(v + x) | (abs(v) > _LARGEST_ORDER)
    v_near, z_near = (jnp.where(far | unknown, 1, a) for a in (v, z))
    found = jnp.where(far, function_far(v, z), function_near(v_near, z_near))
    # On the negative side it is real for integers only: even, or odd as the order is.
    sign = jnp.where(v == jnp.floor(v), _parity(v), jnp.nan)
    return jnp.where(unknown, jnp.nan, jnp.where(x < 0, sign * found, found))


def _hankel_terms(v, z):
    """Return the first terms of Hankel's expansion; the others are negligible."""
    terms = [jnp.ones_like(z)]
    for k in range(1, 32):
        terms.append(terms[-1] * (4 * v**2 - (2 * k - 1) ** 2) / (8 * k * z))
    return terms


def _hankel_j(v, z):
    terms = _hankel_terms(v, z)
    p = sum(terms[0::4]) - sum(terms[2::4])
    q = sum(terms[1::4]) - sum(terms[3::4])
    phase = (v % 4 / 2 + 0.25) * np.pi
    cosine = jnp.cos(z) * jnp.cos(phase) + jnp.sin(z) * jnp.sin(phase)
    sine = jnp.sin(z) * jnp.cos(phase) - jnp.cos(z) * jnp.sin(phase)
    return jnp.sqrt(2 / (np.pi * z)) * (p * cosine - q * sine)


def _hankel_i(v, z):
    terms = _hankel_terms(v, z)
    root = jnp.exp(z / 2)  # of what may be too large before it is divided
    largest = root * (root / jnp.sqrt(2 * np.pi * z))
    return largest * (sum(terms[::2]) - sum(terms[1::2]))


def _first_term(v, z):
    """Return ``(z / 2) ** v / gamma(v + 1)``."""
    return special.gammasgn(v + 1) * jnp.exp(
        special.xlogy(v, z / 2) - special.gammaln(v + 1)
    )


def _series_i(v, z):
    """Return the sum of the power series; its late terms have one sign."""

    def goes_on(state):
        k, term, total = state
        counts = jnp.abs(term) > 1e-17 * jnp.abs(total)
        return jnp.any(jnp.isfinite(total) & (counts | (k < -v)))

    def step(state):
        k, term, total = state
        term = term * (z / 2) ** 2 / (k * (v + k))
        return k + 1, term, total + term

    one = jnp.ones_like(z)
    return lax.while_loop(goes_on, step, (1.0, one, one))[2] * _first_term(v, z)


def _miller_j(v, z):
    """Return the result of Miller's recurrence, from large orders down to *v*.

    With the fraction f of the order, the functions of order f + k for k = 0, 2, 4, ...,
    each times ``(f + k) * gamma(f + k / 2) / gamma(k / 2 + 1)``, sum up to
    ``(z / 2) ** f``.
    """
    small = z < 1e-5
    series = _first_term(v, z) * (1 - (z / 2) ** 2 / (v + 1))
    z = jnp.where(small, 1, z)
    order = jnp.floor(v)
    f = v - order
    most = jnp.max(jnp.maximum(jnp.abs(order), z), initial=0)
    start = 2 * jnp.ceil((most + 12 * jnp.cbrt(most)) / 2 + 10)
    last = jnp.min(order, initial=0)

    def step(state):
        k, value, above, weight, total, found = state
        found = jnp.where(k == order, value, found)
        j = k / 2
        even = (k >= 0) & (j == jnp.floor(j))
        total = total + jnp.where(even, weight * jnp.where(k > 0, f + k, 1) * value, 0)
        # It is the one for zero, too, in which the factor above is part of gamma.
        weight = jnp.where(even & (k > 2), weight * j / (f + j - 1), weight)
        below = 2 * (f + k) / z * value - above
        scale = jnp.where(jnp.abs(below) > 1e100, 1e-100, 1.0)
        return k - 1, below * scale, value * scale, weight, total * scale, found * scale

    zero, one = jnp.zeros_like(z), jnp.ones_like(z)
    # The last weight is known, and tells what the first one should have been.
    state = start, 1e-100 * one, zero, one, zero, zero
    state = lax.while_loop(lambda state: state[0] >= last, step, state)
    *_, weight, total, found = state
    total = total / weight * special.gamma(f + 1)
    return jnp.where(small, series, found * (z / 2) ** f / total)


# By the type of the operation.
SPECIAL = {
    tss.Chi2SF: lambda x, k: special.gammaincc(k / 2, jnp.maximum(x, 0) / 2),
    tss.Erfcinv: lambda x: -special.ndtri(x / 2) * np.sqrt(0.5),
    tss.Erfcx: _erfcx,
    tss.Gamma: special.gamma,
    tss.GammaInc: special.gammainc,
    tss.GammaIncC: special.gammaincc,
    tss.GammaL: lambda k, x: special.gammainc(k, x) * special.gamma(k),
    tss.GammaLn: special.gammaln,
    tss.GammaU: lambda k, x: special.gammaincc(k, x) * special.gamma(k),
    tss.I0: special.i0,
    tss.I1: special.i1,
    tss.Iv: _bessel_i,
    tss.J0: lambda x: _bessel_j(0.0, x),
    tss.J1: lambda x: _bessel_j(1.0, x),
    tss.Jv: _bessel_j,
    tss.Psi: special.digamma,
    tss.TriGamma: lambda x: special.polygamma(1, x),
}
