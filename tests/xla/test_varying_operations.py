"""Results of operations where lengths vary: Theano's own, of a program per class."""

import numpy as np
import theano
import theano.tensor as T
from theano.ifelse import ifelse
from theano.tensor.signal.pool import pool_2d

from tests.helpers.cases import parametrize, some
from tests.helpers.varying_lengths import (
    TABLE,
    W,
    alike,
    check_program,
    chosen,
    classified,
    cube,
    long_enough,
    one,
    two,
    with_gradient,
    words,
)

FILTERS = np.random.default_rng(2).normal(size=(3, 2, 3, 3))

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
            T.set_subtensor(x[1:, j], 5.0),
            T.inc_subtensor(x[i, 1:], x[i, :-1]),
            T.grad((x[1:, j] ** 2).sum(), x),
            T.grad((x[i] ** 2).sum(), x),
            x[(x[:, 0] > 0).nonzero()].sum(0),
        ],
    ),
    "more cross-entropy": (
        classified,
        lambda x, y: with_gradient(
            T.nnet.categorical_crossentropy(abs(x) / abs(x).sum(1)[:, None], y).sum(), x
        ),
    ),
    "classes that vary": (
        lambda rng, n, m: [*two(rng, n, m), rng.integers(0, m, n), rng.normal(size=m)],
        lambda x, z, y, b: with_gradient(
            T.nnet.categorical_crossentropy(
                T.nnet.softmax(T.dot(x, z.T) + b), y
            ).mean(),
            z,
            b,
        ),
    ),
    "places and products": (
        two,
        lambda x, y: [
            (pairs := T.dot(x, y.T)).max(),
            *T.max_and_argmax(pairs, axis=(0, 1)),
            T.argmin(pairs),
            *(T.grad(pairs.max(), x), T.grad(x.prod(0).sum(), x)),
            *(T.cumsum(x), T.cumprod(x[:, 0]), T.extra_ops.diff(x, 2, axis=0)),
        ],
    ),
    "windows": (
        long_enough,
        lambda x, y: with_gradient(
            (
                (windows := T.concatenate([x[:-2], x[1:-1], x[2:]], 1))
                .reshape((x.shape[0] - 2, 3, 4))
                .dimshuffle(1, 0, 2)
                .reshape((3 * (x.shape[0] - 2), -1))
                ** 2
            ).sum()
            + windows.reshape((x.shape[0] - 2, 12)).sum(0).max()
            + y.sum(),
            x,
        ),
    ),
    "order": (
        one,
        lambda x: [
            *(T.sort(x, 0), T.argsort(x, 0), T.sort(x, 1), T.argsort(x, 1)),
            *(T.sort(x, None), x[T.argsort(x[:, 0])][-1]),
            T.grad((T.sort(x, 0) * x).sum(), x),
        ],
    ),
    "choices": (
        lambda rng, n, m: [*alike(rng, n, m), *one(rng, m, n)],
        lambda x, y, z: [
            *(ifelse(x[0, 0] > 0, x, y), ifelse(x[0, 0] > 0, x, x[::-1] * 2)),
            *(ifelse(x.shape[0] > 16, x, z), ifelse(x.shape[0] > 8, y.sum(), z.sum())),
            T.grad(ifelse(x[0, 0] > 0, x * 2, y).sum(), x),
        ],
    ),
    "triangles and diagonals": (
        two,
        lambda x, y: [
            *(T.eye(x.shape[0]), T.eye(x.shape[0], 3), T.tri(x.shape[0], 4, -1)),
            *(T.eye(x.shape[0], y.shape[0], 1), T.identity_like(T.dot(x, x.T))),
            *(T.tril(T.dot(x, y.T)), T.triu(T.dot(x, x.T), 1)),
            *(T.diag(T.dot(x, y.T)), T.diag(x[:, 0]), T.nlinalg.trace(T.dot(x, x.T))),
            T.grad((T.diag(T.dot(x, x.T)) ** 2).sum(), x),
        ],
    ),
    "masks": (
        alike,
        lambda x, y: [
            *(x[x > 0].sum(), x[x[:, 0] > 0], x[(y > 0).nonzero()]),
            *(T.set_subtensor(x[y > 0], 1.0), T.inc_subtensor(x[x[:, 0] > 0], 1.0)),
            *(T.grad((x[m] ** 2).sum(), x) for m in (y > 0, (y[:, 0] > 0).nonzero())),
        ],
    ),
    "indices of several axes": (
        chosen,
        lambda x, i, j: [
            *(x[i, 0], x[i, -1], x[0, j], x[:, j], x[1:, j], x.T[:, i], x.T[j, i]),
            *(x[i[:, None], j[None, :]], x[i[:, None], T.arange(4)[None, :]]),
            *(T.set_subtensor(x[i, 0], 1.0), T.inc_subtensor(x[:, j], 2.0)),
            T.grad((x[i[:, None], j] ** 2).sum(), x),
            T.grad((x[:, j] ** 2).sum(), x),
        ],
    ),
    "one row for all": (
        long_enough,
        lambda x, y: [
            T.inc_subtensor(x[1:], y[:1]),
            T.set_subtensor(x[:, 1:], y[:, :1]),
            T.arange(0.0, x.shape[0], 0.3),
            T.arange(T.cast(x.shape[0], "float32")) / x.shape[0],
        ],
    ),
    "images": (
        lambda rng, n, m: [rng.normal(size=(n, 2, 9, 8))],
        lambda x: [
            features := T.nnet.conv2d(x, w := theano.shared(FILTERS)),
            T.nnet.conv2d(x, w, border_mode="half", subsample=(2, 2)),
            pool_2d(x, (3, 3), stride=(2, 2), ignore_border=False),
            pool_2d(x, (2, 2), ignore_border=True, mode="average_exc_pad"),
            *T.grad((pool_2d(features, (2, 2), ignore_border=True) ** 2).sum(), [w, x]),
        ],
    ),
}
FAST = ["reductions", "elements", "products", "parts", "embedding", "joined"]
SLOW = ["products of two lengths", "cross-entropy", "classes that vary", "masks"]


@parametrize("name", some(PROGRAMS, *FAST, *SLOW), fast=FAST)
def test_results_are_theanos_own_with_a_program_for_each_class(name):
    check_program(*PROGRAMS[name])
