"""Recursive nets over trees, a child-sum LSTM and a tensor net: a scan over the nodes,
children first, writes their states into a matrix; each tree has a size of its own."""

from __future__ import print_function

import os
import pickle
import sys
import tempfile
from collections import OrderedDict

import numpy as np
import theano
import theano.tensor as T

theano.config.floatX = "float32"
N_WORDS, EMB, DIM, N_CLASSES, MAX_CHILDREN = 10, 6, 8, 3, 3
rng = np.random.RandomState(17)


def random_tree(n_leaves, degree):
    """Words of the leaves, children (-1: none) of inner nodes with their own numbers,
    and their classes: those of odd and of even sums of words."""
    words = rng.randint(0, N_WORDS, n_leaves)
    values, rows, labels, queue = list(words), [], [], list(range(n_leaves))
    while len(queue) > 1:
        k = min(len(queue), rng.randint(2, degree + 1))
        node, group, queue = len(values), queue[:k], queue[k:]
        values.append(sum(values[child] for child in group))
        rows.append(group + [-1] * (MAX_CHILDREN - k) + [node])
        labels.append(1 + values[-1] % 2)
        queue.insert(rng.randint(2) * len(queue) if degree > 2 else len(queue), node)
    return [np.array(a, dtype="int32") for a in (words, rows, labels)]


class TreeNet(object):
    def __init__(self, learning_rate=0.05, momentum=0.9):
        self.params = []
        self.words, self.tree = T.ivector("words"), T.imatrix("tree")
        self.y = T.ivector("y")
        embeddings = self.init((N_WORDS, EMB), "embeddings")
        states = self.compute_tree(embeddings[self.words])
        W, b = self.init((N_CLASSES, DIM), "W_out"), self.init((N_CLASSES,), "b_out")
        pred_y = T.nnet.softmax(T.dot(states[self.words.shape[0] :], W.T) + b)
        loss = T.nnet.categorical_crossentropy(pred_y, self.y).mean()
        reg = sum(T.sum(T.sqr(p)) for p in self.params)
        updates = self.gradient_descent(loss + 1e-4 * reg, learning_rate, momentum)
        self._train = theano.function(
            [self.words, self.tree, self.y], loss, updates=updates
        )
        self._predict = theano.function([self.words, self.tree], [pred_y, states[-1]])

    def init(self, shape, name, scale=0.3):
        values = rng.normal(scale=scale if len(shape) > 1 else 0.0001, size=shape)
        param = theano.shared(values.astype(theano.config.floatX), name=name)
        self.params.append(param)
        return param

    def gradient_descent(self, loss, learning_rate, momentum):
        grads = T.grad(loss, self.params)
        norm = T.sqrt(sum(T.sqr(grad).sum() for grad in grads))
        factor = T.switch(T.gt(norm, 5.0), 5.0 / norm, 1.0)
        updates = OrderedDict()
        for param, grad in zip(self.params, grads):
            velocity = theano.shared(param.get_value() * 0.0)
            delta = momentum * velocity - learning_rate * factor * grad
            updates[param], updates[velocity] = param + delta, delta
        return updates

    def train_step(self, words, tree, labels):
        assert tree.shape[1] == MAX_CHILDREN + 1
        assert tree[-1, -1] == len(words) + len(tree) - 1  # the root is last
        return float(self._train(words, tree, labels))

    def save(self, path):
        with open(path, "wb") as f:
            values = [p.get_value(borrow=True) for p in self.params]
            pickle.dump(values, f, protocol=pickle.HIGHEST_PROTOCOL)

    def load(self, path):
        with open(path, "rb") as f:
            for param, value in zip(self.params, pickle.load(f)):
                param.set_value(value, borrow=True)


class ChildSumLSTM(TreeNet):
    def compute_tree(self, leaves):
        W = OrderedDict((g, self.init((EMB, DIM), "W_" + g)) for g in "iou")
        U = OrderedDict((g, self.init((DIM, DIM), "U_" + g)) for g in "ioufx")
        b = OrderedDict((g, self.init((DIM,), "b_" + g)) for g in "iouf")

        def cell(x, h, fc):
            i = T.nnet.sigmoid(x[0] + T.dot(h, U["i"]) + b["i"])
            o = T.nnet.sigmoid(x[1] + T.dot(h, U["o"]) + b["o"])
            c = i * T.tanh(x[2] + T.dot(h, U["u"]) + b["u"]) + fc
            return o * T.tanh(c), c

        def recurrence(row, node_h, node_c):
            children, node = row[:-1], row[-1]
            exists = T.ge(children, 0).dimshuffle(0, "x")
            child_h = T.switch(exists, node_h[children], 0.0)
            child_c = T.switch(exists, node_c[children], np.float32(0))
            # what the mean of the others says opens or closes a child's gate
            n_others = T.cast(T.maximum(exists.sum() - 1, 1), theano.config.floatX)
            others = (child_h.sum(axis=0) - child_h) / n_others
            f = T.nnet.sigmoid(T.dot(child_h, U["f"]) + T.dot(others, U["x"]) + b["f"])
            h, c = cell([0.0] * 3, child_h.sum(axis=0), T.sum(f * child_c, axis=0))
            return T.set_subtensor(node_h[node], h), T.set_subtensor(node_c[node], c)

        n, zeros = leaves.shape[0], T.zeros((leaves.shape[0], DIM))
        h, c = cell([T.dot(leaves, W[g]) for g in "iou"], zeros, zeros)
        empty = T.zeros((n + self.tree.shape[0], DIM))
        (all_h, _), _ = theano.scan(
            fn=recurrence,
            sequences=self.tree,
            outputs_info=[T.set_subtensor(empty[:n], h), T.set_subtensor(empty[:n], c)],
        )
        return all_h[-1]


class TensorNet(TreeNet):
    """Of binary trees: the states that are still needed move up by one row a step."""

    def compute_tree(self, leaves):
        V = self.init((DIM, 2 * DIM, 2 * DIM), "V", 0.05)
        W, b = self.init((2 * DIM, DIM), "W"), self.init((DIM,), "b")
        leaf_h = T.tanh(T.dot(leaves, self.init((EMB, DIM), "W_leaf")))

        def recurrence(node_info, t, node_h, last_h):
            pair = node_h[node_info[:2] - t * T.ones_like(node_info[:2])].flatten()
            quadratic = T.tensordot(T.tensordot(V, pair, [[2], [0]]), pair, [[1], [0]])
            parent_h = T.tanh(quadratic + T.dot(pair, W) + b)
            node_h = T.concatenate([node_h, parent_h.reshape([1, DIM])])
            return node_h[1:], parent_h

        (_, parents), _ = theano.scan(
            fn=recurrence,
            outputs_info=[leaf_h, T.zeros((DIM,))],
            sequences=[self.tree[:, [0, 1, 3]], T.arange(self.tree.shape[0])],
            n_steps=self.tree.shape[0],
        )
        return T.concatenate([leaf_h, parents], axis=0)


results, path = {}, os.path.join(tempfile.mkdtemp(), "net.pkl")
for net_class, degree in [(ChildSumLSTM, 3), (TensorNet, 2)]:
    name, net = net_class.__name__, net_class()
    trees = [random_tree(n, degree) for n in [2, 3, 5, 7, 4, 9, 12, 6, 10, 8]]
    losses = [net.train_step(*tree) for epoch in range(8) for tree in trees]
    net.save(path)
    losses.append(net.train_step(*trees[0]))
    net.load(path)
    predictions = [net._predict(words, tree) for words, tree, _ in trees]
    right = [np.mean(p.argmax(1) == t[2]) for (p, _), t in zip(predictions, trees)]
    print(
        "%s: loss %.3f -> %.3f, %.2f of nodes are right"
        % (name, np.mean(losses[:10]), np.mean(losses[-11:-1]), np.mean(right))
    )
    results[name + "_losses"] = losses
    results[name + "_probabilities"] = np.concatenate([p for p, _ in predictions])
    results[name + "_roots"] = np.array([root for _, root in predictions])
    for param in net.params:
        results["%s_%s" % (name, param.name)] = param.get_value()
np.savez(sys.argv[1], **results)
