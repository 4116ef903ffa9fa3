"""Word vectors by skip-gram with negative sampling: only the rows of words that occur in
a batch are updated, by gradient descent or by AdaGrad with a history for each row."""

from __future__ import print_function

import sys
from collections import OrderedDict

import numpy as np
import theano
import theano.tensor as T

N_TOPICS, PER_TOPIC, DIM, WINDOW, N_NEGATIVE = 4, 8, 12, 2, 5
N_WORDS = N_TOPICS * PER_TOPIC
rng = np.random.RandomState(1)


def sentences(count):
    """Words of one topic each, from 3 to 14 of them."""
    for _ in range(count):
        topic = rng.randint(N_TOPICS)
        words = rng.randint(0, PER_TOPIC, rng.randint(3, 15))
        yield (topic * PER_TOPIC + words).astype("int32")


def pairs(sentence):
    centers, contexts = [], []
    for i, word in enumerate(sentence):
        for j in range(max(0, i - WINDOW), min(len(sentence), i + WINDOW + 1)):
            if j != i:
                centers.append(word)
                contexts.append(sentence[j])
    return np.array(centers, "int32"), np.array(contexts, "int32")


class LookupTable(object):
    def __init__(self, n_words, dim, scale, name):
        values = rng.uniform(-scale, scale, (n_words, dim))
        self.W = theano.shared(
            values.astype(theano.config.floatX), name=name, borrow=True
        )
        self.history = theano.shared(
            np.zeros_like(self.W.get_value(borrow=True)), name="history_" + name
        )

    def rows(self, indices):
        self.indices = indices
        self.subset = self.W[indices.flatten()]
        shape = T.concatenate([indices.shape, [self.W.shape[1]]])
        return self.subset.reshape(shape, ndim=indices.ndim + 1)


def sgd_rows(cost, tables, lr):
    grads = T.grad(cost, wrt=[table.subset for table in tables])
    return [
        (table.W, T.inc_subtensor(table.subset, -lr * grad))
        for table, grad in zip(tables, grads)
    ]


def adagrad_rows(cost, tables, lr):
    updates = OrderedDict()
    for table in tables:
        grad = T.grad(cost, table.subset)
        # a word can be there many times: its gradients are summed up before
        dense = T.inc_subtensor(T.zeros_like(table.W)[table.indices.flatten()], grad)
        unique = T.extra_ops.Unique()(table.indices.flatten())
        row_grads = dense[unique]
        history = table.history[unique] + T.sqr(row_grads)
        updates[table.history] = T.set_subtensor(table.history[unique], history)
        step = -lr * row_grads / T.sqrt(history + 1e-6)
        updates[table.W] = T.inc_subtensor(table.W[unique], step)
    return updates


def build(update, learning_rate):
    center, context = T.ivectors("center", "context")
    negatives = T.imatrix("negatives")
    words = LookupTable(N_WORDS, DIM, 0.5 / DIM, "words")
    contexts = LookupTable(N_WORDS, DIM, 0.5 / DIM, "contexts")
    v = words.rows(center)  # (pairs, dim)
    targets = T.concatenate([context.dimshuffle(0, "x"), negatives], axis=1)
    u = contexts.rows(targets)  # (pairs, 1 + negatives, dim)
    scores = T.batched_dot(u, v.dimshuffle(0, 1, "x")).flatten(ndim=2)
    sign = T.ones_like(scores)
    sign = T.set_subtensor(sign[:, 1:], -1)
    cost = T.nnet.softplus(-sign * scores).sum(axis=1).sum()
    lr = theano.shared(np.asarray(learning_rate, theano.config.floatX), name="lr")
    train = theano.function(
        inputs=[center, context, negatives],
        outputs=cost / center.shape[0],
        updates=update(cost, [words, contexts], lr),
        allow_input_downcast=True,
    )
    return train, words, contexts, lr


corpus = list(sentences(60))
counts = np.bincount(np.concatenate(corpus), minlength=N_WORDS) ** 0.75
probabilities = counts / counts.sum()
results = {}
for name, update, rate in [("sgd", sgd_rows, 0.1), ("adagrad", adagrad_rows, 0.2)]:
    train, words, contexts, lr = build(update, rate)
    losses = []
    for epoch in range(2):
        for sentence in corpus:
            center, context = pairs(sentence)
            drawn = rng.multinomial(N_NEGATIVE, probabilities, len(center))
            drawn = np.array([np.repeat(np.arange(N_WORDS), row) for row in drawn])
            losses.append(float(train(center, context, drawn)))
        lr.set_value(np.float32(lr.get_value() * 0.5))
    print("%s: loss %.3f -> %.3f" % (name, losses[0], np.mean(losses[-10:])))

    # neighbours by cosine, and a is to b as c is to what
    queries, k = T.ivector("queries"), T.iscalar("k")
    norm = T.sqrt(T.sum(words.W**2, axis=1, keepdims=True))
    unit = words.W / T.maximum(norm, 1e-8)
    similarity = T.dot(unit[queries], unit.T)
    order = T.argsort(similarity, axis=1)[:, ::-1]
    nearest = theano.function([queries, k], [order[:, 1 : k + 1], similarity])
    a, b, c = T.iscalars("a", "b", "c")
    answer = T.dot(unit, unit[b] - unit[a] + unit[c])
    answer = T.set_subtensor(answer[T.stack([a, b, c])], -np.inf)
    analogy = theano.function([a, b, c], [T.argmax(answer), T.max(answer)])
    neighbours, cosines = nearest(np.arange(0, N_WORDS, 5, dtype="int32"), 3)
    topics = np.arange(0, N_WORDS, 5)[:, np.newaxis] // PER_TOPIC
    print("neighbours of the same topic:", np.mean(neighbours // PER_TOPIC == topics))
    results.update({name + "_losses": losses, name + "_cosines": cosines})
    results.update({name + "_W": words.W.get_value(), name + "_near": neighbours})
    results[name + "_history"] = contexts.history.get_value()
    results[name + "_analogy"] = np.array([analogy(i, i + 1, i + 2) for i in range(9)])
np.savez(sys.argv[1], **results)
