"""An end-to-end memory network of several hops in Lasagne: position encoding, tied
weights, a linear start; its stories have a varying number of sentences."""

from __future__ import print_function, division

import sys

import lasagne
import numpy as np
import theano
import theano.tensor as T
from theano.ifelse import ifelse

np.random.seed(5)
lasagne.random.set_rng(np.random.RandomState(5))
PEOPLE, PLACES, FILL = 4, 5, ["went", "to", "is", "where"]
N_WORDS, MAX_WORDS, DIM, HOPS, MAX_STORY = 1 + PEOPLE + PLACES + 4, 4, 10, 3, 20
WENT, TO, WHERE, IS = range(N_WORDS - 4, N_WORDS)
floatX = theano.config.floatX


def story(length):
    """Somebody went somewhere, `length` times; the question is where somebody is."""
    who = np.random.randint(1, PEOPLE + 1, length)
    where = np.random.randint(PEOPLE + 1, PEOPLE + PLACES + 1, length)
    sentences = np.array([[a, WENT, TO, b] for a, b in zip(who, where)])
    asked = np.random.choice(who)
    answer = where[np.where(who == asked)[0][-1]]
    question = np.array([WHERE, IS, asked, 0])
    return sentences.astype("int32"), question.astype("int32"), np.int32(answer)


def position_encoding():
    j, d = np.arange(1, MAX_WORDS + 1)[:, None], np.arange(1, DIM + 1)[None]
    weights = (1 - j / MAX_WORDS) - (d / DIM) * (1 - 2 * j / MAX_WORDS)
    return weights.astype(floatX)


class EncodeLayer(lasagne.layers.MergeLayer):
    """Sums of words weighted by their position, and what tells the time, if any."""

    def __init__(self, incoming, W, time=None, **kwargs):
        super(EncodeLayer, self).__init__([incoming], **kwargs)
        self.W = self.add_param(W, (N_WORDS, DIM), name="W")
        self.T = None
        if time is not None:
            self.T = self.add_param(
                time, (MAX_STORY, DIM), name="T", regularizable=False
            )
        self.weights = T.constant(position_encoding())

    def get_output_shape_for(self, input_shapes):
        return tuple(input_shapes[0][:-1]) + (DIM,)

    def get_output_for(self, inputs, **kwargs):
        words = inputs[0]
        # word 0 is none: its vector is kept at zero
        W = T.set_subtensor(self.W[0, :], 0.0)
        m = T.sum(W[words] * self.weights, axis=words.ndim - 1)
        if self.T is not None:  # the last sentence is the first in time
            n = m.shape[0]
            m = m + self.T[:n][::-1]
        return m


class AttentionLayer(lasagne.layers.MergeLayer):
    """The memory read by inner products, in a softmax unless `linear` is set."""

    def __init__(self, u, m, c, linear, **kwargs):
        super(AttentionLayer, self).__init__([u, m, c], **kwargs)
        self.linear = linear

    def get_output_shape_for(self, input_shapes):
        return input_shapes[0]

    def get_output_for(self, inputs, **kwargs):
        u, m, c = inputs
        scores = T.dot(m, u)
        probs = T.nnet.softmax(scores.dimshuffle("x", 0)).flatten()
        self.p = ifelse(T.eq(self.linear, 1), scores, probs)
        return T.tensordot(self.p, c, axes=[[0], [0]])


class TransposedDenseLayer(lasagne.layers.Layer):
    def __init__(self, incoming, W, **kwargs):
        super(TransposedDenseLayer, self).__init__(incoming, **kwargs)
        self.W = self.add_param(W, (N_WORDS, DIM), name="W")

    def get_output_shape_for(self, input_shape):
        return (N_WORDS,)

    def get_output_for(self, input, **kwargs):
        return T.dot(input, self.W.T)


def build(sentences, question, linear):
    """Adjacent weights are tied: C of a hop is A of the next, the last is W of the net."""
    l_story = lasagne.layers.InputLayer((None, MAX_WORDS), sentences)
    l_question = lasagne.layers.InputLayer((MAX_WORDS,), question)
    init = lasagne.init.Normal(std=0.1)
    memory = EncodeLayer(l_story, init, init)
    u, hops = EncodeLayer(l_question, memory.W), []
    for hop in range(HOPS):
        out = EncodeLayer(l_story, init, init)
        hops.append(AttentionLayer(u, memory, out, linear))
        u = lasagne.layers.ElemwiseSumLayer([u, hops[-1]])
        memory = out
    return TransposedDenseLayer(u, memory.W), hops


sentences, question, answer = T.imatrix("s"), T.ivector("q"), T.iscalar("a")
linear = theano.shared(np.int8(1), name="linear")
network, hops = build(sentences, question, linear)
scores = lasagne.layers.get_output(network)
probabilities = T.nnet.softmax(scores.dimshuffle("x", 0))
loss = -T.log(T.clip(probabilities[0, answer], 1e-7, 1.0))
params = lasagne.layers.get_all_params(network, trainable=True)
decay = lasagne.regularization.regularize_network_params(
    network, lasagne.regularization.l2
)
grads = lasagne.updates.total_norm_constraint(T.grad(loss + 1e-4 * decay, params), 1.0)
lr = T.scalar("lr")
updates = lasagne.updates.nesterov_momentum(grads, params, lr, momentum=0.5)
train = theano.function([sentences, question, answer, lr], loss, updates=updates)
answer_of = theano.function(
    [sentences, question],
    [probabilities.argmax(axis=-1)[0], probabilities[0], hops[0].p, hops[-1].p],
)
stories = [story(1 + i % 12) for i in range(60)]
results = {"n_params": lasagne.layers.count_params(network, trainable=True)}
losses = []
for epoch in range(6):
    if epoch == 2:
        linear.set_value(np.int8(0))
    rate = np.float32(0.05 * 0.8**epoch)
    losses.append([float(train(s, q, a, rate)) for s, q, a in stories])
    print("epoch %d: loss %.3f" % (epoch, np.mean(losses[-1])))
outputs = [answer_of(s, q) for s, q, _ in stories[:12]]
print("attention sums up to", np.mean([o[2].sum() for o in outputs]))
results["losses"] = losses
results["answers"] = [int(o[0]) for o in outputs]
results["probabilities"] = np.array([o[1] for o in outputs])
results["first_hop"] = np.concatenate([o[2] for o in outputs])
results["last_hop"] = np.concatenate([o[3] for o in outputs])
for i, value in enumerate(lasagne.layers.get_all_param_values(network)):
    results["param_%d" % i] = value
np.savez(sys.argv[1], **results)
