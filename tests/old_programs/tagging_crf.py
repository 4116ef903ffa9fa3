"""Sequence tagging with a linear chain CRF on features of a bidirectional LSTM or of
windows of words: sentences come one by one, each of its own length."""

from __future__ import print_function

import sys
from collections import OrderedDict

import numpy as np
import theano
import theano.tensor as T

floatX = theano.config.floatX
N_WORDS, N_TAGS, DIM, N_HIDDEN, WIDTH, SMALL = 20, 4, 8, 6, 3, -1000.0
BOUNDARY = N_WORDS  # a word before the first and behind the last
rng = np.random.RandomState(7)


def weights(*shape):
    bound = np.sqrt(6.0 / sum(shape[-2:]))
    return theano.shared(rng.uniform(-bound, bound, shape).astype(floatX))


def lstm(x, W, U, b, go_backwards):
    def part(z, i):
        return z[i * N_HIDDEN : (i + 1) * N_HIDDEN]

    def step(x_t, h_tm1, c_tm1, U):
        z = x_t + T.dot(h_tm1, U)
        i, f, o = [T.nnet.sigmoid(part(z, j)) for j in range(3)]
        c = f * c_tm1 + i * T.tanh(part(z, 3))
        return o * T.tanh(c), c

    zeros = T.alloc(np.asarray(0.0, dtype=floatX), N_HIDDEN)
    (h, _), _ = theano.scan(
        step,
        sequences=T.dot(x, W) + b,
        outputs_info=[zeros, zeros],
        non_sequences=[U],
        go_backwards=go_backwards,
        strict=True,
    )
    return h[::-1] if go_backwards else h


def lstm_features(x):
    both, params = [], []
    for go_backwards in (False, True):
        b = np.zeros(4 * N_HIDDEN, dtype=floatX)
        b[N_HIDDEN : 2 * N_HIDDEN] = 1  # nothing is forgotten, at first
        W, U = weights(DIM, 4 * N_HIDDEN), weights(N_HIDDEN, 4 * N_HIDDEN)
        params += [W, U, theano.shared(b)]
        both.append(lstm(x, *(params[-3:] + [go_backwards])))
    return T.concatenate(both, axis=1)[1:-1], params


def window_features(x):
    """Of a word and its neighbours, in a maxout layer."""
    starts = T.arange(x.shape[0] - WIDTH + 1)
    windows = x[starts[:, None] + T.arange(WIDTH)[None, :]]
    W, b = weights(4 * N_HIDDEN, WIDTH * DIM), weights(4 * N_HIDDEN)
    out = T.dot(windows.flatten(2), W.T) + b
    return out.reshape((out.shape[0], 2 * N_HIDDEN, 2)).max(axis=2), [W, b]


def log_sum_exp(x, axis=None):
    x_max = x.max(axis=axis, keepdims=True)
    return x_max.max(axis=axis) + T.log(T.exp(x - x_max).sum(axis=axis))


def forward(scores, transitions, backwards=False):
    def step(obs, previous, transitions):
        previous = previous.dimshuffle(0, "x")
        return log_sum_exp(previous + transitions + obs.dimshuffle("x", 0), axis=0)

    alpha, _ = theano.scan(
        fn=step,
        outputs_info=scores[-1] if backwards else scores[0],
        sequences=[scores[:-1] if backwards else scores[1:]],
        non_sequences=transitions.T if backwards else transitions,
        go_backwards=backwards,
    )
    return alpha


def viterbi(scores, transitions):
    def step(obs, previous, transitions):
        total = previous.dimshuffle(0, "x") + transitions + obs.dimshuffle("x", 0)
        return total.max(axis=0), T.cast(total.argmax(axis=0), "int32")

    (alpha, pointers), _ = theano.scan(
        step,
        sequences=scores[1:],
        outputs_info=[scores[0], None],
        non_sequences=transitions,
    )
    best = T.cast(T.argmax(alpha[-1]), "int32")
    path, _ = theano.scan(
        lambda pointer, tag: pointer[tag],
        sequences=pointers,
        outputs_info=best,
        go_backwards=True,
    )
    return T.concatenate([path[::-1], [best]]), alpha[-1].max()


def build(features):
    words, tags = T.ivector("words"), T.ivector("tags")
    E = weights(N_WORDS + 1, DIM)
    hidden, params = features(E[words])
    W, b = weights(2 * N_HIDDEN, N_TAGS), weights(1, N_TAGS)
    transitions = weights(N_TAGS + 2, N_TAGS + 2)  # with a begin and an end
    n = words.shape[0] - WIDTH + 1
    scores = T.dot(hidden, W) + T.addbroadcast(b, 0)
    scores = T.concatenate([scores, SMALL * T.ones((n, 2))], axis=1)
    begin = np.array([[SMALL] * N_TAGS + [0, SMALL]], dtype=floatX)
    end = np.array([[SMALL] * N_TAGS + [SMALL, 0]], dtype=floatX)
    padded = T.concatenate([begin, scores, end], axis=0)
    real = scores[T.arange(n), tags].sum()
    path = T.concatenate([[N_TAGS], tags, [N_TAGS + 1]]).astype("int32")
    real += transitions[path[:-1], path[1:]].sum()
    alpha, beta = forward(padded, transitions), forward(padded, transitions, True)
    log_z = log_sum_exp(alpha[-1])
    cost = log_z - real
    params = params + [W, b, transitions, E]
    updates = OrderedDict()
    for p, grad in zip(params, T.grad(cost, params)):
        updates[p] = p - 0.1 * T.clip(grad, -1, 1)
    # only the rows of these words
    step = 0.1 * T.clip(T.grad(cost, E)[words], -1, 1)
    updates[E] = T.set_subtensor(E[words], E[words] - step)
    marginals = T.exp(alpha[:-1] + beta[-2::-1] - padded[1:-1] - log_z)[:, :N_TAGS]
    ordered = T.sort(marginals, axis=1)
    sure = ordered[:, -1] - ordered[:, -2]
    train = theano.function([words, tags], cost / n, updates=updates)
    best, score = viterbi(padded, transitions)
    tag = theano.function([words], [best[1:-1], score - log_z, marginals, sure])
    return train, tag, params


def sentence(length):
    """Tags depend on the word and, for every other word, on that before."""
    words = rng.randint(0, N_WORDS, length)
    before = np.concatenate([[0], words[:-1]])
    tags = np.where(words % 2, words, words + before) // 5 % N_TAGS
    words = np.concatenate([[BOUNDARY], words, [BOUNDARY]])
    return words.astype("int32"), tags.astype("int32")


LENGTHS = [3, 5, 9, 12, 4, 7, 17, 6, 1, 10]
data, results = [sentence(length) for length in LENGTHS * 2], {}
for name, features in [("lstm", lstm_features), ("window", window_features)]:
    train, tag, params = build(features)
    losses = [float(train(*pair)) for epoch in range(3) for pair in data]
    paths, certainty, test = [], [], data[: len(LENGTHS)]
    for words, tags in test:
        path, log_p, marginals, sure = tag(words)
        assert np.allclose(marginals.sum(axis=1), 1, atol=1e-3)
        paths.extend(path)
        certainty.append([log_p, sure.min(), sure.mean()])
    right = np.mean(paths == np.concatenate([tags for _, tags in test]))
    print(
        "%s: loss %.3f -> %.3f, %.0f%% of tags are right"
        % (name, np.mean(losses[:8]), np.mean(losses[-8:]), 100 * right)
    )
    results.update({name + "_losses": losses, name + "_paths": paths})
    results[name + "_certainty"] = np.array(certainty)
    for i, p in enumerate(params):
        results["%s_param_%d" % (name, i)] = p.get_value()
np.savez(sys.argv[1], **results)
