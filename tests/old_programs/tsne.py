"""t-SNE: widths of neighbourhoods by bisection in a scan, the Kullback-Leibler
divergence by momentum with gains, early exaggeration by a shared number."""

from __future__ import print_function

import sys

import numpy as np
import theano
import theano.tensor as T
from theano.ifelse import ifelse

floatX = theano.config.floatX
rng = np.random.RandomState(4)
N, PERPLEXITY, EPS = 40, 8.0, 1e-12


def square_distances(X):
    norms = (X**2).sum(axis=1)
    d = norms.reshape((-1, 1)) + norms.reshape((1, -1)) - 2 * T.dot(X, X.T)
    return T.maximum(d, 0)


def conditional(D, precision):
    """p of j given i: a softmax of all but the diagonal."""
    scores = -D * precision[:, None]
    scores = T.fill_diagonal(scores, -1e4)
    return T.nnet.softmax(scores)


def entropy(P):
    return -T.sum(T.xlogx.xlogx(P), axis=1)


def find_precisions(D, target, n_steps=40):
    def bisect(low, high, precision, D, target):
        too_wide = entropy(conditional(D, precision)) > target
        low = T.switch(too_wide, precision, low)
        high = T.switch(too_wide, high, precision)
        new = T.switch(T.isinf(high), precision * 2, (low + high) / 2)
        return [low, high, T.cast(new, floatX)]

    zeros = T.zeros_like(D[:, 0])
    (_, _, precisions), _ = theano.scan(
        bisect,
        outputs_info=[zeros, zeros + np.float32(np.inf), zeros + 1],
        non_sequences=[D, T.log(target)],
        n_steps=n_steps,
    )
    return precisions[-1]


def joint(X, perplexity):
    P = conditional(
        square_distances(X), find_precisions(square_distances(X), perplexity)
    )
    P = (P + P.T) / (2.0 * P.shape[0])
    return T.maximum(P, EPS)


def student(Y):
    num = 1.0 / (1.0 + square_distances(Y))
    num = num * (1 - T.identity_like(num))
    return num / num.sum(), num


X, perplexity = T.matrix("X"), T.scalar("perplexity")
get_P = theano.function(
    [X, perplexity], joint(X, perplexity), allow_input_downcast=True
)
centers = 4 * rng.randn(4, 6)
labels = np.arange(N) % 4
data = (centers[labels] + rng.randn(N, 6)).astype(floatX)
P_value = get_P(data, PERPLEXITY)

Y = theano.shared((1e-2 * rng.randn(N, 2)).astype(floatX), name="Y")
velocity = theano.shared(np.zeros((N, 2), dtype=floatX), name="velocity")
gains = theano.shared(np.ones((N, 2), dtype=floatX), name="gains")
exaggeration = theano.shared(np.asarray(4.0, dtype=floatX), name="exaggeration")
iteration = theano.shared(0, name="iteration")
P = theano.shared(P_value, name="P", borrow=True)
Q, num = student(Y)
KL = T.sum(P * exaggeration * T.log(P * exaggeration / T.maximum(Q, EPS)))
by_hand = 4 * T.sum(
    ((P * exaggeration - Q * exaggeration) * num).dimshuffle(0, 1, "x")
    * (Y.dimshuffle(0, "x", 1) - Y.dimshuffle("x", 0, 1)),
    axis=1,
)
dY = T.grad(KL, Y, consider_constant=[exaggeration])
momentum = ifelse(
    T.lt(iteration, 20), T.constant(0.5, dtype=floatX), T.constant(0.8, dtype=floatX)
)
same_sign = T.eq(T.sgn(dY), T.sgn(velocity))
new_gains = T.clip(T.switch(same_sign, gains * 0.8, gains + 0.2), 0.01, np.inf)
new_velocity = momentum * velocity - 2.0 * new_gains * dY
new_Y = Y + new_velocity
step = theano.function(
    [],
    [KL, abs(dY - by_hand).max() / abs(dY).max()],
    updates=[
        (Y, new_Y - new_Y.mean(axis=0)),
        (velocity, new_velocity),
        (gains, T.cast(new_gains, floatX)),
        (iteration, iteration + 1),
    ],
    name="step",
)
costs = []
for i in range(60):
    if i == 30:
        exaggeration.set_value(np.float32(1))
    costs.append([float(v) for v in step()])
    if i % 15 == 14:
        print("iteration %d: divergence %.4f" % (i + 1, costs[-1][0]))

# are the nearest neighbours in the map of the same kind?
k = T.iscalar("k")
near = T.argsort(T.fill_diagonal(square_distances(Y), 1e6), axis=1)[:, :k]
neighbours = theano.function([k], near)(3)
print("same kind: %.2f" % np.mean(labels[neighbours] == labels[:, None]))
small = [get_P(data[:n], 4.0) for n in (12, 20, 31)]
np.savez(
    sys.argv[1],
    P=P_value,
    costs=np.array(costs)[:, 0],
    Y=Y.get_value(),
    gains=gains.get_value(),
    neighbours=neighbours,
    small=small[0].sum(axis=0),
    smaller=small[1][0],
    smallest=small[2].diagonal(),
    gradients_differ=np.array(costs)[:, 1].max() > 1e-2,
)
