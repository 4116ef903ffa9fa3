"""Gradients next to operations that return places or take sizes."""

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.ifelse import ifelse

ROWS = {
    "nonzero": lambda places: T.nonzero(places)[0],
    "any": lambda places: T.nonzero(T.eq(places[:, None], T.arange(4)).any(axis=0))[0],
    "argsort": lambda places: T.argsort(places),
    "eye": lambda places: T.nonzero(T.eye(places[0] + 1)[0])[0],
    "tri": lambda places: T.nonzero(T.tri(places[0] + 1)[0])[0],
}


@pytest.mark.parametrize("mode", ["FAST_COMPILE", "FAST_RUN", "xla"])
@pytest.mark.parametrize("name", ROWS)
def test_rows_that_numbers_of_a_loop_choose(name, mode):
    x, w, table = T.dmatrix(), T.dmatrix(), T.dmatrix()

    def step(row, w):
        product = T.dot(row, w)
        place = T.argmax(product)
        return product, ifelse(T.gt(row[0], 0), place, place + 1)

    (products, places), _ = theano.scan(step, sequences=x, non_sequences=w)
    rows = ROWS[name](places)
    loss = (products**2).sum() + (table[rows] ** 2).sum() + (rows * 1.0).sum()
    outputs = [*T.grad(loss, [x, w, table]), places, rows]
    f = theano.function([x, w, table], outputs, mode=mode)
    rng = np.random.default_rng(3)
    x, w, table = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), np.ones((5, 2))
    *gradients, places, rows = f(x, w, table)
    np.testing.assert_array_equal(places, (x @ w).argmax(1) + (x[:, 0] <= 0))
    expected = np.zeros((5, 2))
    np.add.at(expected, rows, 2)
    for found, other in zip(
        gradients, [2 * x @ w @ w.T, 2 * x.T @ x @ w, expected], strict=True
    ):
        np.testing.assert_allclose(found, other, rtol=1e-12, atol=1e-12)


def test_gradients_of_entries_that_are_chosen_by_two_numbers():
    x = T.dmatrix()
    i, j = (x > 0).nonzero()
    loss = (x[i, j] * (1.0 * i + 10.0 * j)).sum()
    f = theano.function([x], T.grad(loss, x))
    values = np.random.default_rng(4).normal(size=(3, 4))
    expected = (values > 0) * (np.arange(3.0)[:, None] + 10 * np.arange(4.0))
    np.testing.assert_allclose(f(values), expected, rtol=1e-12)


def test_gradients_of_places_alone_are_refused():
    x = T.dvector()
    with pytest.raises(theano.gradient.DisconnectedInputError):
        T.grad(T.nonzero(x)[0].sum().astype("float64"), x)
    zeros = T.grad(T.argsort(x).sum().astype("float64"), x)
    np.testing.assert_array_equal(zeros.eval({x: [3.0, 1.0]}), [0, 0])
