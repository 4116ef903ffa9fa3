"""Phoneme recognition: a bidirectional LSTM, CTC in the log domain, greedy decoding."""

from __future__ import print_function

import sys
from collections import OrderedDict

import lasagne
import numpy as np
import theano
import theano.tensor as T

N_FEATURES, N_PHONES, N_HIDDEN = 6, 5, 9
BLANK = N_PHONES
EPS = 1e-20
floatX = theano.config.floatX


def make_utterances(rng, n):
    """Each phone lasts some frames, and shows in a feature of its own, with noise."""
    patterns = rng.uniform(-1, 1, (N_PHONES, N_FEATURES))
    for _ in range(n):
        phones = rng.randint(N_PHONES, size=rng.randint(2, 7))
        frames = np.repeat(phones, rng.randint(2, 6, len(phones)))
        x = patterns[frames] + 0.3 * rng.normal(size=(len(frames), N_FEATURES))
        yield x.astype(floatX), phones.astype("int32")


def log_sum(a, b):
    largest = T.maximum(a, b)
    return largest + T.log1p(T.exp(-abs(a - b)))


def shift(alpha, n):
    """Move n places to the right; what comes in is the log of nearly zero."""
    return T.concatenate(
        [T.zeros((n,), floatX) + np.log(EPS).astype(floatX), alpha[:-n]]
    )


def ctc_cost(log_probs, phones):
    """Minus the log of the sum over all alignments of the phones, blanks between."""
    n_labels = 2 * phones.shape[0] + 1
    labels = T.set_subtensor(T.alloc(np.int32(BLANK), n_labels)[1::2], phones)
    # a label may follow the last but one, if this is neither a blank nor the same
    differs = T.concatenate([T.zeros((2,), "int8"), T.neq(labels[2:], labels[:-2])])
    skip = T.log(T.maximum(T.cast(differs, floatX) * T.neq(labels, BLANK), EPS))
    start = T.log(T.maximum(T.cast(T.lt(T.arange(n_labels), 2), floatX), EPS))

    def step(log_p, alpha, labels, skip):
        stay_or_next = log_sum(alpha, shift(alpha, 1))
        return log_p[labels] + log_sum(stay_or_next, shift(alpha, 2) + skip)

    first = start + log_probs[0, labels]
    alphas, _ = theano.scan(
        step,
        sequences=[log_probs[1:]],
        outputs_info=[first],
        non_sequences=[labels, skip],
        strict=True,
    )
    return -log_sum(alphas[-1, -1], alphas[-1, -2]), alphas


def build_network(x):
    """Each frame is given with how it changes: the next less the one before."""
    deltas, _ = theano.scan(
        lambda before, after: after - before, sequences=dict(input=x, taps=[-1, 1])
    )
    deltas = T.concatenate([T.zeros_like(x[:1]), deltas, T.zeros_like(x[:1])])
    x = T.concatenate([x, deltas], axis=1)
    l_in = lasagne.layers.InputLayer((1, None, 2 * N_FEATURES), x.dimshuffle("x", 0, 1))
    gate = dict(
        forgetgate=lasagne.layers.Gate(b=lasagne.init.Constant(1.0)),
        grad_clipping=10,
        nonlinearity=lasagne.nonlinearities.tanh,
    )
    l_forward = lasagne.layers.LSTMLayer(l_in, N_HIDDEN, **gate)
    l_backward = lasagne.layers.LSTMLayer(l_in, N_HIDDEN, backwards=True, **gate)
    l_both = lasagne.layers.ConcatLayer([l_forward, l_backward], axis=2)
    l_frames = lasagne.layers.ReshapeLayer(l_both, (-1, 2 * N_HIDDEN))
    return lasagne.layers.DenseLayer(l_frames, N_PHONES + 1, nonlinearity=None)


def main():
    lasagne.random.set_rng(np.random.RandomState(11))
    utterances = list(make_utterances(np.random.RandomState(12), 11))
    print("frames:", [len(x) for x, _ in utterances])

    x, y = T.matrix("features"), T.ivector("phones")
    network = build_network(x)
    scores = lasagne.layers.get_output(network)
    log_probs = (
        scores
        - T.log(T.sum(T.exp(scores - scores.max(1, keepdims=True)), 1, keepdims=True))
        - scores.max(1, keepdims=True)
    )
    cost, alphas = ctc_cost(log_probs, y)
    params = lasagne.layers.get_all_params(network, trainable=True)
    grads, norm = lasagne.updates.total_norm_constraint(
        T.grad(cost, params), 5.0, return_norm=True
    )
    updates = lasagne.updates.nesterov_momentum(grads, params, 0.02, 0.9)
    train = theano.function([x, y], [cost, norm], updates=updates)
    evaluate = theano.function([x, y], [cost, alphas], allow_input_downcast=True)

    # the best path: a label each frame, repeats count once, blanks do not count
    best = T.argmax(scores, axis=1)
    starts = T.concatenate([T.ones((1,), "int8"), T.neq(best[1:], best[:-1])])
    kept = best[(starts * T.neq(best, BLANK)).nonzero()]
    decode = theano.function([x], [best, kept])

    results = OrderedDict()
    results["costs"] = []
    results["norms"] = []
    for epoch in range(5):
        total = 0.0
        for features, phones in utterances:
            cost_value, norm_value = train(features, phones)
            results["costs"].append(cost_value)
            results["norms"].append(norm_value)
            total += float(cost_value)
        print("epoch {}: {:.3f}".format(epoch, total / len(utterances)))
    for n, (features, phones) in enumerate(utterances):
        results["cost_%d" % n], results["alphas_%d" % n] = evaluate(features, phones)
        results["best_%d" % n], results["kept_%d" % n] = decode(features)
    print("said: ", utterances[0][1], "heard:", results["kept_0"])
    for param, value in zip(params, lasagne.layers.get_all_param_values(network)):
        results["param_%d_%s" % (params.index(param), param.name)] = value
    np.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
