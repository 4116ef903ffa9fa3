"""Results where lengths vary: Theano's own, with one program for a class of lengths."""

import random

import numpy as np
import theano
import theano.tensor as T
from theano.ifelse import ifelse

from kfkd.xla import lengths as module
from tests.helpers.cases import parametrize, some
from tests.helpers.theano_oracle import same

OWN = theano.compile.mode.get_mode("FAST_RUN")  # Theano's own evaluation
W = np.random.default_rng(0).normal(size=(4, 4)) / 2
TABLE = np.random.default_rng(1).normal(size=(7, 4))
# Of two arguments, in more than one class, and in both orders.
LENGTHS = [(5, 4), (9, 3), (3, 12), (12, 16), (20, 2), (16, 17), (2, 20), (17, 30)]


def matrix(rng, n, width=4):
    return rng.normal(size=(n, width))


def looped(step, sequence, *others, **options):
    """Return the states of a loop over the rows of an array."""
    return theano.scan(
        step,
        sequences=[sequence],
        outputs_info=[T.zeros((4,), "float64")],
        non_sequences=others,
        **options,
    )[0]


def recurrent(x, w, **options):
    return looped(lambda row, h, u: T.tanh(row + T.dot(h, u)), x, w, **options)


def attending(x, y, w):
    def step(row, h, memory, u):
        weights = T.nnet.softmax(T.dot(memory, h).dimshuffle("x", 0))[0]
        return T.tanh(row + T.dot(h, u) + T.dot(weights, memory))

    return looped(step, y, x, w)


def nested(x, y, w):
    def step(row, h, other, u):
        inner = theano.scan(
            lambda b, s, r: T.tanh(b * r + s),
            sequences=[other],
            outputs_info=[h],
            non_sequences=[row],
        )[0]
        return T.dot(inner[-1], u)

    return looped(step, x, y, w)


def masked(x, mask, w):
    def step(row, m, h, u):
        new = T.tanh(row + T.dot(h, u))
        return m[:, None] * new + (1 - m[:, None]) * h

    return theano.scan(
        step,
        sequences=[T.dot(x, w), mask],
        outputs_info=[T.zeros((x.shape[1], 4), "float64")],
        non_sequences=[w],
    )[0]


def states_of_any_length(x):
    """Return the states of a loop whose length follows from an argument."""
    first = T.concatenate(
        [T.ones((1,), "float64"), T.zeros((x.shape[1] - 1,), "float64")]
    )

    def step(row, h):
        return (h + T.concatenate([T.zeros((1,), "float64"), h[:-1]])) * row

    return theano.scan(step, sequences=[x], outputs_info=[first])[0]


def with_gradient(cost, *variables):
    return [cost, *T.grad(cost, variables)]


def one(rng, n, m):
    return [matrix(rng, n)]


def alike(rng, n, m):
    return [matrix(rng, n), matrix(rng, n)]


def two(rng, n, m):
    return [matrix(rng, n), matrix(rng, m)]


def cube(rng, n, m):
    return [rng.normal(size=(n, m, 4))]


def words(rng, n, m):
    return [rng.integers(0, 7, n), matrix(rng, n)]


def classified(rng, n, m):
    return [matrix(rng, n), rng.integers(0, 4, n)]


def batch(rng, n, m):
    return [rng.normal(size=(n, m, 4)), (rng.uniform(size=(n, m)) < 0.8) * 1.0]


def long_enough(rng, n, m):
    return [matrix(rng, max(n, 3)), matrix(rng, max(n, 3))]


def chosen(rng, n, m):
    return [matrix(rng, n), rng.integers(0, n, m), rng.integers(0, 4, m)]


PROGRAMS = {
    "reductions": (
        one,
        lambda x: [
            *(x.sum(a) for a in (None, 0, 1)),
            *(x.mean(0), x.var(1), x.std(), x.prod(0)),
            *(x.max(0), x.min(), x.argmax(0), x.max(axis=1), T.cumsum(x, 0)),
            *((x > 0).any(0), (x > -9).all()),
        ],
    ),
    "elements": (
        alike,
        lambda x, y: [
            T.exp(x) * y + 1,
            T.switch(x > y, x, y),
            x / x.shape[0],
            x - x.mean(0, keepdims=True),
            ifelse(x.shape[0] > 5, x.sum(), y.sum()),
            T.zeros_like(x) + x.shape[0] // 2,
            T.clip(x, 0, 1),
            T.ones((x.shape[0], 3)),
            T.arange(x.shape[0]) * x[:, 0],
        ],
    ),
    "products": (
        alike,
        lambda x, y: [T.dot(x, y.T), T.dot(x.T, y), T.dot(x, W), T.outer(x[0], y[0])],
    ),
    "products of two lengths": (
        two,
        lambda x, y: [
            T.dot(x, y.T).sum(0),
            T.nnet.softmax(T.dot(x, y.T)),
            T.nnet.softmax(T.dot(y, x.T)).dot(x),
            T.nnet.logsoftmax(T.dot(x, y.T)).max(1),
            T.dot(x, y.T)[::-1, 1:],
            T.dot(x, y.T).flatten(),
            T.dot(x, y.T).argmax(1),
            T.grad(T.nnet.softmax(T.dot(x, y.T))[:, 0].sum(), y),
            T.le(x.shape[0], y.shape[0]),
        ],
    ),
    "parts": (
        long_enough,
        lambda x, y: [
            *(x[::-1], x[1:], x[:-1], x[-1], x[0], x[::2], x[1:-1], x[::-2]),
            *(x[:, 1], x[:, ::-1], x[-1:], x[:1], x[::-1][1:], x[-2], x[1:, 1:3]),
            T.set_subtensor(x[1:], y[:-1]),
            T.inc_subtensor(x[::-1], y),
            T.set_subtensor(x[:, 1], 0),
            T.set_subtensor(x[-1], 1.0),
            T.inc_subtensor(x[::2], 1.0),
            T.set_subtensor(x[1:-1, 1:3], y[2:, :2]),
            T.inc_subtensor(x[-2], y[0]),
        ],
    ),
    "embedding": (
        words,
        lambda i, x: [
            (table := theano.shared(TABLE))[i],
            table[i[::-1]].sum(0),
            *with_gradient((table[i] * x).sum(), table),
            table[T.stack([i, i[::-1]], 1)],
        ],
    ),
    "joined": (
        two,
        lambda x, y: [
            T.concatenate([x, y], 0),
            T.concatenate([x, y, x], 0)[::-1],
            T.concatenate([x, x], 1),
            *with_gradient((T.concatenate([x, y * 2, x], 0) ** 2).sum(), x, y),
        ],
    ),
    "reshaped": (
        cube,
        lambda x: [
            x.reshape((x.shape[0] * x.shape[1], x.shape[2])),
            x.reshape((-1, 4)),
            x.flatten(),
            x.reshape((x.shape[0], -1)),
            x.dimshuffle(1, 0, 2).reshape((x.shape[1], -1)),
            x.dimshuffle(1, 0, 2).flatten(2),
            x.reshape((x.shape[1], x.shape[0], 4)),
            x.sum((0, 1)),
            x.argmax(axis=0),
            T.dot(x, W),
            T.tensordot(x, W, [[2], [0]]),
            T.batched_dot(x, x.dimshuffle(0, 2, 1)),
            T.grad((T.dot(x, W).reshape((-1, 4)) ** 3).sum(), x),
        ],
    ),
    "cross-entropy": (
        classified,
        lambda x, y: [
            T.nnet.categorical_crossentropy(T.nnet.softmax(x), y).mean(),
            T.nnet.softmax(x)[T.arange(y.shape[0]), y],
            T.neq(T.argmax(x, 1), y).mean(),
            T.grad(T.nnet.categorical_crossentropy(T.nnet.softmax(x), y).sum(), x),
            T.grad(T.log(T.nnet.softmax(x))[T.arange(y.shape[0]), y].mean(), x),
        ],
    ),
    "indices": (
        chosen,
        lambda x, i, j: [
            x[i, j],
            x[i],
            x[i][:, 1:3],
            T.set_subtensor(x[i, j], 5.0),
            T.inc_subtensor(x[i], 1.0),
            T.grad((x[i] ** 2).sum(), x),
            x[(x[:, 0] > 0).nonzero()].sum(0),
        ],
    ),
    "loop": (
        one,
        lambda x: [
            recurrent(x, W),
            recurrent(x, W, go_backwards=True)[::-1],
            *with_gradient(recurrent(x, W)[-1].sum(), x),
        ],
    ),
    "gradients of loops": (
        one,
        lambda x: with_gradient(
            (
                T.concatenate([recurrent(x, w := theano.shared(W)), x], 1).sum(1) ** 2
            ).mean()
            + recurrent(recurrent(x[::-1], w), w)[-1].sum(),
            w,
        ),
    ),
    "masked loop": (
        batch,
        lambda x, m: with_gradient(
            (masked(x, m, w := theano.shared(W))[-1] ** 2).sum(), w
        ),
    ),
    "attention": (
        two,
        lambda x, y: with_gradient(
            (attending(x, y, w := theano.shared(W)) ** 2).sum(), w, x
        ),
    ),
    "loop in a loop": (
        two,
        lambda x, y: with_gradient(
            (nested(x, y, w := theano.shared(W)) ** 2).sum(), w, y
        ),
    ),
    "states of any length": (
        lambda rng, n, m: [rng.uniform(size=(n, m))],
        lambda x: [
            states_of_any_length(x),
            *with_gradient(states_of_any_length(x)[-1].sum(), x),
        ],
    ),
    "loop that ends early": (
        one,
        lambda x: [
            states := theano.scan(
                lambda row, h: (h + row, theano.scan_module.until((h + row)[0] > 1)),
                sequences=[x],
                outputs_info=[T.zeros((4,), "float64")],
            )[0],
            states[-1],
            states.sum(0),
        ],
    ),
}
FAST = ["reductions", "elements", "products", "parts", "embedding", "joined"]

SLOW = ["products of two lengths", "cross-entropy", "masked loop", "attention"]


def classes(pairs):
    return {tuple(module._class(n) for n in pair) for pair in pairs}


@parametrize("name", some(PROGRAMS, *FAST, *SLOW), fast=FAST)
def test_results_are_theanos_own_with_a_program_for_each_class(name):
    make, build = PROGRAMS[name]
    rng = np.random.default_rng(random.randrange(2**31))
    calls = [make(rng, n, m) for n, m in LENGTHS]
    inputs = [T.TensorType(v.dtype, [False] * v.ndim)() for v in calls[0]]
    outputs = build(*inputs)
    f, g = (theano.function(inputs, outputs, mode=mode) for mode in ("xla", OWN))
    for values in calls:
        for actual, desired in zip(f(*values), g(*values), strict=True):
            same(actual, desired, tolerance=1e-8)
    assert not f.fn.programs.varying.exact
    # The first two lengths have programs of their own.
    assert len(f.fn.jitted) <= 2 + len(classes(LENGTHS[2:]))
    known = len(f.fn.jitted)
    for values in calls:
        f(*values)
    assert len(f.fn.jitted) == known
