"""Hessian-free training: products with the Gauss-Newton matrix by T.Rop and T.Lop,
conjugate gradients in a scan with until, and damping by the rule of Levenberg and
Marquardt; for a net of layers, and for a recurrent net that adds up marked numbers."""

from __future__ import print_function

import sys

import numpy as np
import theano
import theano.tensor as T

theano.config.floatX = "float64"
rng = np.random.RandomState(2)


def flat_views(shapes, scale=0.5):
    """One shared vector of all parameters, and views of it by slices."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    values = [scale * rng.randn(*s) if len(s) > 1 else np.zeros(s) for s in shapes]
    flat = theano.shared(np.concatenate([v.ravel() for v in values]), name="theta")
    ends = np.cumsum([0] + sizes)
    views = [
        flat[start:stop].reshape(shape)
        for start, stop, shape in zip(ends[:-1], ends[1:], shapes)
    ]
    return flat, views


class HessianFree(object):
    """`z` is what the loss is a convex function of: the output's pre-activation."""

    def __init__(self, inputs, theta, z, cost, max_cg=25):
        self.theta, self.inputs, self.cost, self.z = theta, inputs, cost, z
        self.damping = theano.shared(np.asarray(1.0), name="lambda")
        self.n = theta.get_value(borrow=True).size
        gradient = T.grad(cost, theta)
        x0 = theano.shared(np.zeros(self.n), name="x0")
        self.decay = T.scalar("decay")

        def step(x, r, p, rs, n):
            Ap = self.gauss_newton(p) + self.damping * p
            alpha = rs / T.dot(p, Ap)
            x, r = x + alpha * p, r - alpha * Ap
            rs_new = T.dot(r, r)
            p = r + rs_new / rs * p
            return [x, r, p, rs_new, n + 1], theano.scan_module.until(rs_new < 1e-8)

        start = self.decay * x0
        b = -gradient - self.gauss_newton(start) - self.damping * start
        (xs, rs, _, _, n), updates = theano.scan(
            step,
            outputs_info=[start, b, b, T.dot(b, b), T.constant(0, dtype="int64")],
            n_steps=max_cg,
            name="conjugate_gradients",
        )
        delta = xs[-1]
        model = T.dot(gradient, delta) + 0.5 * T.dot(delta, self.gauss_newton(delta))
        updates[x0] = delta
        self.solve = theano.function(
            inputs + [theano.In(self.decay, value=0.95)],
            [delta, cost, model, T.sqrt(T.dot(rs[-1], rs[-1])), n[-1]],
            updates=updates,
        )
        # the cost at other parameters: the same graph, of another vector
        other = T.vector("other")
        moved = theano.clone(cost, replace={theta: other}, strict=False)
        self.cost_at = theano.function(inputs + [other], moved)

    def gauss_newton(self, v):
        Jv = T.Rop(self.z, self.theta, v)
        dz = T.grad(self.cost, self.z)
        HJv = T.grad(
            T.sum(dz * Jv), self.z, consider_constant=[Jv], disconnected_inputs="ignore"
        )
        return T.Lop(self.z, self.theta, HJv)

    def train(self, batches):
        history = []
        for batch in batches:
            delta, cost, model, residual, n = self.solve(*batch)
            theta, rate = self.theta.get_value(), 1.0
            new = self.cost_at(*(batch + (theta + delta,)))
            ratio = (new - cost) / model
            while new > cost and rate > 1e-3:  # the step is made shorter
                rate *= 0.8
                new = self.cost_at(*(batch + (theta + rate * delta,)))
            if ratio < 0.25:
                self.damping.set_value(self.damping.get_value() * 1.5)
            elif ratio > 0.75:
                self.damping.set_value(self.damping.get_value() / 1.5)
            self.theta.set_value(theta + rate * delta)
            history.append([cost, new, ratio, residual, n, self.damping.get_value()])
            print(
                "cost %.4f -> %.4f, %d iterations, ratio %.2f" % (cost, new, n, ratio)
            )
        return np.array(history, dtype="float64")


results = {}
# a classifier of points in two spirals
X, y = T.matrix("X"), T.lvector("y")
theta, (W1, b1, W2, b2) = flat_views([(2, 8), (8,), (8, 3), (3,)])
z = T.dot(T.tanh(T.dot(X, W1) + b1), W2) + b2
p = T.nnet.softmax(z)
cost = -T.mean(T.log(p[T.arange(y.shape[0]), y])) + 1e-4 * T.sum(theta**2)
labels = np.arange(60) % 3
angle = 2 * np.pi * (labels + 2 * rng.rand(60)) / 3
points = np.stack([np.cos(angle), np.sin(angle)], 1) * (0.5 + 0.1 * rng.randn(60, 1))
hf = HessianFree([X, y], theta, z, cost)
results["classifier"] = hf.train([(points, labels)] * 8)
results["classifier_theta"] = theta.get_value()

# the matrix itself, row by row, and that of all second derivatives
v = T.vector("v")
product = theano.function([X, y, v], hf.gauss_newton(v), on_unused_input="warn")
G = np.array([product(points, labels, row) for row in np.eye(hf.n)])
assert np.allclose(G, G.T) and np.linalg.eigvalsh(G).min() > -1e-8
results["gauss_newton"] = G
results["hessian"] = theano.function([X, y], T.hessian(cost, theta))(points, labels)

# a recurrent net: numbers of a batch of sequences, with marks, and their sum
seq, target = T.tensor3("seq"), T.vector("target")
theta, (W_in, W, b, h0, w_out) = flat_views([(2, 6), (6, 6), (6,), (6,), (6, 1)])
h, _ = theano.scan(
    lambda x, h_tm1, W: T.tanh(x + T.dot(h_tm1, W)),
    sequences=T.dot(seq, W_in) + b,
    outputs_info=T.ones((seq.shape[1], 1)) * h0,
    non_sequences=W,
)
z = T.dot(h[-1], w_out).flatten()
cost = 0.5 * T.mean(T.sqr(z - target))
hf = HessianFree([seq, target], theta, z, cost, max_cg=12)
batches = []
for length in [5, 7, 4, 6, 8, 5]:
    numbers, marks = rng.rand(length, 20), np.zeros((length, 20))
    marks[rng.randint(0, length // 2, 20), np.arange(20)] = 1
    marks[rng.randint(length // 2, length, 20), np.arange(20)] = 1
    batches.append((np.stack([numbers, marks], 2), (numbers * marks).sum(0)))
results["recurrent"] = hf.train(batches)
results["recurrent_theta"] = theta.get_value()
np.savez(sys.argv[1], **results)
