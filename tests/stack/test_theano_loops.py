"""Loops of Theano: their gradients are right, in its own evaluation and in XLA."""

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.helpers.cases import parametrize

MODES = ("FAST_RUN", "FAST_COMPILE")


@parametrize("mode", MODES, fast=["FAST_COMPILE"])
def test_truncated_gradients_of_products(mode):
    rng = np.random.default_rng(0)
    x, w, start = T.dtensor3(), T.dmatrix(), T.dmatrix()
    states, _ = theano.scan(
        lambda x, s, w: T.tanh(T.dot(s, w) + x), x, start, w, truncate_gradient=2
    )
    values = (
        rng.standard_normal((5, 3, 4)),
        rng.standard_normal((4, 4)),
        rng.standard_normal((3, 4)),
    )
    gradient = T.grad(states[-1].sum(), w)
    found = theano.function([x, w, start], gradient, mode=mode)(*values)
    (rows, w, s), before = values, []
    for row in rows:
        before.append(s)
        s = np.tanh(s @ w + row)
    last = 1 - s**2
    earlier = (last @ w.T) * (1 - before[-1] ** 2)
    expected = before[-1].T @ last + before[-2].T @ earlier
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("mode", ["FAST_RUN", "xla"])
def test_gradients_of_loops_that_start_from_zeros(mode):
    x = T.dmatrix()
    states, _ = theano.scan(
        lambda a, before, last: a + 0.5 * last - 0.25 * before,
        sequences=x,
        outputs_info={"initial": T.zeros((2, 4), "float64"), "taps": [-2, -1]},
    )
    cost = (states**2).sum()
    f = theano.function([x], [states, T.grad(cost, x)], mode=mode)
    values = np.random.default_rng(0).normal(size=(5, 4))
    # States are linear in the rows: row i counts in state j with this weight.
    weights = np.eye(5)
    for j in range(1, 5):
        weights[j] += 0.5 * weights[j - 1] - 0.25 * (weights[j - 2] if j > 1 else 0)
    expected = weights @ values
    found, gradient = f(values)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, 2 * weights.T @ expected, rtol=1e-12)


def until(x, w, lags):
    """Return the sum of the states of a loop that ends early, computed by NumPy."""
    states = [0.0] * lags
    for row in x:
        states.append(np.tanh(row + w * sum(states[-lags:])))
        if states[-1] > 0.5:
            break
    return sum(value**2 for value in states)


@pytest.mark.parametrize("lags", [1, 2])
@pytest.mark.parametrize("mode", [*MODES, "xla"])
def test_gradients_of_loops_that_end_early(mode, lags):
    x, w = T.dvector(), T.dscalar()

    def step(row, *args):
        *states, w = args
        state = T.tanh(row + w * sum(states))
        return state, theano.scan_module.until(state > 0.5)

    initial = T.zeros((lags,) if lags > 1 else (), "float64")
    states, _ = theano.scan(
        step,
        sequences=x,
        outputs_info={"initial": initial, "taps": [*range(-lags, 0)]},
        non_sequences=w,
    )
    gradient = theano.function([x, w], T.grad((states**2).sum(), [x, w]), mode=mode)
    # It ends at the third step, at the last, or is not ended.
    for rows in ([0.1, 0.2, 0.9, 0.3, 0.4], [0.1, 0.2, 0.1, 0.9], [0.1, -0.2, 0.1]):
        found = gradient(rows, 0.3)
        rows, eps = np.array(rows), 1e-6
        for i, step in enumerate(eps * np.eye(len(rows))):
            change = until(rows + step, 0.3, lags) - until(rows - step, 0.3, lags)
            np.testing.assert_allclose(found[0][i], change / 2 / eps, atol=1e-8)
        change = until(rows, 0.3 + eps, lags) - until(rows, 0.3 - eps, lags)
        np.testing.assert_allclose(found[1], change / 2 / eps, atol=1e-8)


@pytest.mark.parametrize("mode", MODES)
def test_products_with_matrices_that_differ_in_size_from_step_to_step(mode):
    x, w, lengths = T.dmatrix(), T.dmatrix(), T.lvector()
    found, _ = theano.map(
        lambda n, x, w: T.tanh(T.dot(x[:n], w)).sum(), lengths, [x, w]
    )
    gradient = theano.function([x, w, lengths], T.grad(found.sum(), w), mode=mode)
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 4, 4))
    expected = sum(x[:n].T @ (1 - np.tanh(x[:n] @ w) ** 2) for n in (3, 1, 4))
    np.testing.assert_allclose(gradient(x, w, [3, 1, 4]), expected, rtol=1e-12)


@pytest.mark.parametrize("mode", [*MODES, "xla"])
def test_gradients_of_loops_with_a_constant_state(mode):
    x, one = T.dvector(), T.constant(1.0, dtype="float64")

    def step(row, state, factor):
        inner, _ = theano.scan(
            lambda w, s: w * s + factor, sequences=[x], outputs_info=[state * row]
        )
        return inner[-1], T.constant(0.5, dtype="float64")

    (states, _), _ = theano.scan(step, sequences=x, outputs_info=[one, one])
    cost = (states**2).sum()
    f = theano.function([x], [cost, T.grad(cost, x)], mode=mode)

    def cost_of(values):
        state, factor, total = 1.0, 1.0, 0.0
        for row in values:
            state *= row
            for w in values:
                state = w * state + factor
            factor = 0.5
            total += state**2
        return total

    values, h = np.random.default_rng(1).normal(size=4), 1e-5
    found, gradient = f(values)
    np.testing.assert_allclose(found, cost_of(values), rtol=1e-12)
    expected = [
        (cost_of(values + shift) - cost_of(values - shift)) / (2 * h)
        for shift in h * np.eye(4)
    ]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6)
