"""Siamese convolutional nets with a contrastive loss, on the hardest pairs."""

from __future__ import print_function

import pickle
import sys
import tempfile

import numpy as np
import theano
import theano.tensor as T
from theano.tensor.nnet import conv
from theano.tensor.signal import downsample

N_CLASSES, SIZE, BATCH, MARGIN = 4, 14, 12, 1.0
floatX = theano.config.floatX


class ConvPoolLayer(object):
    """Convolution, pooling and tanh, with parameters of another layer, if given."""

    def __init__(
        self, rng, input, filter_shape, image_shape, poolsize=(2, 2), W=None, b=None
    ):
        if W is None:
            fan_in = np.prod(filter_shape[1:])
            fan_out = filter_shape[0] * np.prod(filter_shape[2:]) / np.prod(poolsize)
            bound = np.sqrt(6.0 / (fan_in + fan_out))
            W = theano.shared(
                np.asarray(rng.uniform(-bound, bound, filter_shape), dtype=floatX),
                name="W",
                borrow=True,
            )
        if b is None:
            b = theano.shared(np.zeros((filter_shape[0],), floatX), "b", borrow=True)
        self.W, self.b = W, b
        conv_out = conv.conv2d(
            input=input, filters=W, filter_shape=filter_shape, image_shape=image_shape
        )
        pooled = downsample.max_pool_2d(conv_out, ds=poolsize, ignore_border=True)
        self.output = T.tanh(pooled + b.dimshuffle("x", 0, "x", "x"))
        self.params = [W, b]


class Tower(object):
    """Images to embeddings of unit length."""

    def __init__(self, rng, input, twin=None):
        shared = (
            (lambda n: {})
            if twin is None
            else (lambda n: dict(zip(("W", "b"), twin.layers[n].params)))
        )
        images = input.reshape((-1, 1, SIZE, SIZE))
        layer0 = ConvPoolLayer(
            rng, images, (6, 1, 3, 3), (None, 1, SIZE, SIZE), **shared(0)
        )
        layer1 = ConvPoolLayer(
            rng, layer0.output, (8, 6, 3, 3), (None, 6, 6, 6), **shared(1)
        )
        self.layers = [layer0, layer1]
        if twin is None:
            self.W = theano.shared(
                rng.normal(0, 0.3, (8 * 2 * 2, 5)).astype(floatX), "W_out", borrow=True
            )
        else:
            self.W = twin.W
        code = T.dot(layer1.output.flatten(2), self.W)
        self.output = code / T.sqrt(T.sqr(code).sum(1, keepdims=True) + 1e-8)
        self.params = layer1.params + layer0.params + [self.W]


def distances(a, b):
    return T.sqrt(T.maximum(T.sum((a - b) ** 2, axis=1), 1e-7))


def hardest_pairs(codes, labels):
    """For each of a batch the farthest of its class, and the nearest of another."""
    between = T.sqr(codes[:, None, :] - codes[None, :, :]).sum(axis=2)
    same = T.eq(labels.dimshuffle(0, "x"), labels.dimshuffle("x", 0))
    positive = T.argmax(T.switch(same, between, -1.0), axis=1)
    negative = T.argmin(between + 1e6 * same, axis=1)
    return positive, negative


def main():
    rng = np.random.RandomState(1234)
    strokes = rng.normal(size=(N_CLASSES, SIZE * SIZE))
    y_data = np.arange(60) % N_CLASSES
    x_data = strokes[y_data] + 1.2 * rng.normal(size=(60, SIZE * SIZE))
    images = theano.shared(np.asarray(x_data, dtype=floatX), borrow=True)
    labels = theano.shared(np.asarray(y_data, dtype=floatX), borrow=True)
    labels = T.cast(labels, "int32")  # a GPU kept floats only

    index, left, right = T.lscalar("index"), T.lvector("left"), T.lvector("right")
    x1, x2, y = T.matrix("x1"), T.matrix("x2"), T.ivector("y")
    tower1 = Tower(rng, x1)
    tower2 = Tower(rng, x2, twin=tower1)
    d = distances(tower1.output, tower2.output)
    cost = T.mean(T.switch(y, 0.5 * d**2, 0.5 * T.maximum(0, MARGIN - d) ** 2))
    grads = T.grad(cost, tower1.params)
    rate = T.scalar("rate")
    updates = [(p, p - rate * g) for p, g in zip(tower1.params, grads)]

    mine = theano.function(
        [index],
        hardest_pairs(tower1.output, y),
        givens={
            x1: images[index * BATCH : (index + 1) * BATCH],
            y: labels[index * BATCH : (index + 1) * BATCH],
        },
    )
    train = theano.function(
        [left, right, theano.In(rate, name="rate", value=0.3)],
        [cost, d],
        updates=updates,
        givens={
            x1: images[left],
            x2: images[right],
            y: T.eq(labels[left], labels[right]).astype("int32"),
        },
    )
    embed = theano.function([], tower1.output, givens={x1: images})
    gradients = theano.function([x1, x2, y], grads)

    costs, pairs = [], []
    for epoch in range(5):
        for batch in range(60 // BATCH):
            rows = np.arange(batch * BATCH, (batch + 1) * BATCH)
            positive, negative = (n + rows[0] for n in mine(batch))
            pairs.append([positive, negative])
            value, _ = train(
                np.r_[rows, rows], np.r_[positive, negative], rate=0.3 * 0.9**epoch
            )
            costs.append(value)
        print("epoch {}: {:.4f}".format(epoch, np.mean(costs[-60 // BATCH :])))

    with tempfile.TemporaryFile() as f:  # the best model so far, as one kept it
        pickle.dump([p.get_value(borrow=True) for p in tower1.params], f, protocol=2)
        f.seek(0)
        for p, value in zip(tower1.params, pickle.load(f)):
            p.set_value(value, borrow=True)
    x = images.get_value(borrow=True)
    results = dict(costs=costs, pairs=pairs, embeddings=embed())
    same = (y_data[:9] == y_data[1:10]).astype("int32")
    for n, g in enumerate(gradients(x[:9], x[1:10], same)):
        results["grad_%d" % n] = g
    np.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
