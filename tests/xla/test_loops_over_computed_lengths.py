"""Loops whose steps have another length each: few programs, with Theano's results."""

import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.helpers.cases import parametrize, some

RNG = np.random.default_rng(0)
EMBEDDING, W = RNG.normal(size=(9, 4)), RNG.normal(size=(4, 4)) / 2


def recurrent(rows, w, **options):
    """Return the states of a simple recurrent net."""
    states, _ = theano.scan(
        lambda row, state, w: T.tanh(row + T.dot(state, w)),
        sequences=rows,
        outputs_info=T.zeros((4,), "float64"),
        non_sequences=[w],
        **options,
    )
    return states


def sentences(words, lengths, w, **options):
    """Return the loss of a net over sentences, each a net over words."""
    embedding = theano.shared(EMBEDDING)

    def sentence(row, n, state):
        states = recurrent(embedding[row[:n]], w, **options)
        return T.tanh(states[-1] + states.mean(axis=0) + T.dot(state, w))

    states, _ = theano.scan(
        sentence,
        sequences=[words, lengths],
        outputs_info=T.zeros((4,), "float64"),
        **options,
    )
    return (states[-1] ** 2).sum()


def reversed_rows(rows, lengths, w):
    """Return the loss of a net over rows, of which the first few are reversed."""
    found, _ = theano.map(
        lambda row, n: T.concatenate([row[:n][::-1], row[n:]]), [rows, lengths]
    )
    states = T.tanh(T.dot(found.dimshuffle(1, 0, 2), w))
    return (states * T.arange(states.shape[0])[:, None, None]).sum()


def products(rows, lengths, w):
    """Return the loss of products with the first few rows of one matrix."""
    found, _ = theano.map(
        lambda n, x, w: T.tanh(T.dot(x[:n], w)).sum(axis=0), lengths, [rows[0], w]
    )
    return (found**2).sum()


def attention(rows, lengths, w):
    """Return the loss of weighted sums of the first few rows."""

    def step(row, n, w):
        part = row[:n]
        weights = T.nnet.softmax(T.dot(T.tanh(T.dot(part, w)), w[0]).dimshuffle("x", 0))
        return T.dot(weights[0], part)

    found, _ = theano.map(step, [rows, lengths], [w])
    return (found**2).sum()


def until(rows, lengths, w):
    """Return the loss of a loop that ends early, at a step that the rows decide."""

    def step(row, state, w):
        state = T.tanh(row + T.dot(state, w))
        return state, theano.scan_module.until(state[0] > 0.8)

    states, _ = theano.scan(
        step,
        sequences=rows[0],
        outputs_info=T.zeros((4,), "float64"),
        non_sequences=[w],
    )
    return (states[-1] ** 2).sum() + states.mean() + 0 * lengths.sum()


def adaptive(rows, lengths, w):
    """Return the loss of steps that think until they are sure, but not too long."""

    def think(k, state, total, w):
        state = T.tanh(T.dot(state, w) + 0.1 * k)
        weight = T.nnet.sigmoid(state.sum())
        return [state, total + weight, weight], theano.scan_module.until(total > 0.3)

    def step(row, state, most, w):
        (states, _, weights), _ = theano.scan(
            think,
            sequences=T.arange(most),
            outputs_info=[state + row, T.zeros((), "float64"), None],
            non_sequences=[w],
        )
        return T.dot(weights, states)

    states, _ = theano.scan(
        step,
        sequences=rows[0],
        outputs_info=T.zeros((4,), "float64"),
        non_sequences=[lengths.max(), w],
    )
    return (states[-1] ** 2).sum() + states.mean()


def memory(rows, lengths, w):
    """Return the loss of steps that read the same rows, which a mask chooses."""
    chosen = T.concatenate([w, rows[0][(rows[0, :, 0] > 0).nonzero()]])
    states, _ = theano.scan(
        lambda state, keys: T.tanh(T.dot(keys, state).sum() + state),
        outputs_info=w[0],
        non_sequences=T.stack([chosen, chosen**2]),
        n_steps=3,
    )
    return states[-1].sum() + 0 * lengths.sum()


def longest(rows, lengths, w):
    """Return the loss of softmaxes of products of rows, up to the longest length."""
    n, most = lengths.shape[0], lengths.max()
    part = T.dot(rows[:, :most], w)[:, :, 0]
    products = part[:, :, None] * part[:, None, :]
    weights = T.nnet.softmax(products.reshape((n * most, most)))
    return (weights.reshape((n, most, most)) * T.arange(most)).std()


def numbers(rows, lengths, w):
    """Return the loss of rows with the numbers of the first few."""
    found, _ = theano.map(
        lambda row, n: (row[:n] * T.arange(n)[:, None] ** 2).sum(axis=0),
        [rows, lengths],
    )
    return T.dot(found, w).std()


LOSSES = {
    "sentences": sentences,
    "some sentences": lambda words, lengths, w: sentences(
        words[: lengths[0]], lengths[: lengths[0]], w
    ),
    "truncated sentences": lambda words, lengths, w: sentences(
        words, lengths, w, truncate_gradient=3
    ),
    "reversed": reversed_rows,
    "products": products,
    "attention": attention,
    "memory": memory,
    "longest": longest,
    "numbers": numbers,
    "until": until,
    "adaptive": adaptive,
}


ON_REQUEST = "sentences", "truncated sentences", "attention", "adaptive"


@parametrize(
    "name",
    some(LOSSES, *(name for name in LOSSES if name not in ON_REQUEST)),
    fast=["memory", "numbers", "products"],
)
def test_losses_and_their_gradients(name):
    rng = np.random.default_rng(1)
    words = "sentences" in name
    rows, lengths = T.lmatrix() if words else T.dtensor3(), T.lvector()
    w = theano.shared(W)
    loss = LOSSES[name](rows, lengths, w)
    outputs = [loss, *T.grad(loss, [w] if words else [w, rows])]
    f, expected = (
        theano.function([rows, lengths], outputs, mode=mode)
        for mode in ("xla", "FAST_RUN")
    )
    for _ in range(6):
        n, most = rng.integers(3, 9, size=2)
        given = (
            rng.integers(9, size=(n, most)) if words else rng.normal(size=(n, most, 4))
        )
        given = given, rng.integers(1, min(n, most) + 1, size=n)
        for found, other in zip(f(*given), expected(*given), strict=True):
            np.testing.assert_allclose(found, other, rtol=1e-8, atol=1e-11)
    # Two lengths of an axis have programs of their own, and the others one.
    assert len(f.fn.jitted) <= 5


def test_steps_whose_results_differ_in_length_are_an_error():
    x, lengths = T.dvector(), T.lvector()
    found, _ = theano.map(lambda n, x: 2 * x[:n], lengths, [x])
    f = theano.function([x, lengths], found, mode="xla")
    np.testing.assert_array_equal(f([1, 2, 3], [2, 2]), [[2, 4]] * 2)
    assert f([1, 2, 3], [0, 0, 0]).shape == (3, 0)
    with pytest.raises(ValueError, match="as long as what the others return"):
        f([1, 2, 3], [2, 1])
