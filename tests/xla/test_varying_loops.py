"""Results of loops where lengths vary: Theano's own, with a program for a class."""

import theano
import theano.tensor as T

from tests.helpers.cases import parametrize, some
from tests.helpers.varying_lengths import (
    W,
    check_program,
    one,
    two,
    with_gradient,
)


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


def looking_back(x, w):
    """Return states, each of which attends to all that came before."""

    def step(i, row, states, u):
        before = states[: i + 1]
        weights = T.nnet.softmax(T.dot(before, row).dimshuffle("x", 0))
        context = T.dot(weights, before)[0] + before.mean(0) + states[i:].sum(0)
        return T.set_subtensor(states[i + 1], T.tanh(row + T.dot(context, u)))

    return theano.scan(
        step,
        sequences=[T.arange(x.shape[0]), x],
        outputs_info=[T.zeros((x.shape[0] + 1, 4), "float64")],
        non_sequences=[w],
    )[0][-1]


def batch(rng, n, m):
    return [rng.normal(size=(n, m, 4)), (rng.uniform(size=(n, m)) < 0.8) * 1.0]


PROGRAMS = {
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
    "what came before": (
        one,
        lambda x: with_gradient(looking_back(x, w := theano.shared(W))[-1].sum(), x, w),
    ),
}
FAST = ["loop"]
SLOW = ["masked loop", "attention"]


@parametrize("name", some(PROGRAMS, *FAST, *SLOW), fast=FAST)
def test_results_are_theanos_own_with_a_program_for_each_class(name):
    check_program(*PROGRAMS[name])
