"""Sparse coding of image patches: codes by FISTA in a scan, in turn with steps of the
dictionary, whose columns are kept in the unit ball; batches of varying size."""

from __future__ import print_function

import sys

import numpy as np
import theano
import theano.tensor as T
from lasagne.updates import norm_constraint
from theano.compat.python2x import OrderedDict
from theano.tensor.nnet.neighbours import images2neibs
from theano.tensor.signal import downsample

floatX = theano.config.floatX
rng = np.random.RandomState(8)
SIDE, N_ATOMS, LAMBDA = 5, 30, 0.15


def soft_threshold(x, threshold):
    return T.sgn(x) * T.maximum(abs(x) - threshold, 0)


class SparseCoder(object):
    def __init__(self, n_in, n_atoms, n_steps=30):
        D = rng.randn(n_in, n_atoms).astype(floatX)
        D /= np.sqrt((D**2).sum(axis=0))
        self.D = theano.shared(D, name="D", borrow=True)
        self.usage = theano.shared(np.ones(n_atoms, dtype=floatX), name="usage")
        self.n_steps = n_steps
        self.build()

    def step_size(self):
        """One over the largest eigenvalue of D'D, by power iteration."""
        v = T.ones((self.D.shape[1],)) / T.sqrt(T.cast(self.D.shape[1], floatX))

        def power(v, D):
            u = T.dot(D.T, T.dot(D, v))
            return u / u.norm(2)

        vs, _ = theano.scan(power, outputs_info=v, non_sequences=self.D, n_steps=40)
        return 1.0 / T.sqr(T.dot(self.D, vs[-1]).norm(2) * 1.01)

    def codes(self, x, lam):
        L_inv = self.step_size()

        def step(t, z_tm2, z_tm1, x, L_inv, lam, D):
            y = z_tm1 + t / (t + 3.0) * (z_tm1 - z_tm2)
            gradient = T.dot(T.dot(y, D.T) - x, D)
            z_new = soft_threshold(y - L_inv * gradient, lam * L_inv)
            change = T.max(abs(z_new - z_tm1))
            objective = 0.5 * T.sum((x - T.dot(z_new, D.T)) ** 2, axis=1)
            objective = T.mean(objective + lam * abs(z_new).sum(axis=1))
            until = theano.scan_module.until(change < 1e-6)
            return (z_new, objective), {}, until

        zeros = T.zeros((2, x.shape[0], self.D.shape[1]))
        (z, objectives), updates = theano.scan(
            fn=step,
            sequences=T.arange(self.n_steps, dtype=floatX),
            outputs_info=[dict(initial=zeros, taps=[-2, -1]), None],
            non_sequences=[x, L_inv, lam, self.D],
            strict=True,
        )
        return z[-1], objectives, updates

    def build(self):
        images, lam = T.tensor4("images"), T.scalar("lam")
        patches = images2neibs(images, (SIDE, SIDE), neib_step=(3, 3))
        x = patches - patches.mean(axis=1, keepdims=True)
        x = x / T.sqrt(x.var(axis=1, keepdims=True) + 0.01)
        z, objectives, updates = self.codes(x, lam)
        error = T.mean(T.sum((x - T.dot(z, self.D.T)) ** 2, axis=1))
        # the codes are no function of the dictionary here
        gradient = T.grad(error, self.D, consider_constant=[z])
        curvature = T.sqr(z).mean(axis=0)
        D = self.D - 0.25 * gradient / (curvature + 0.1).dimshuffle("x", 0)
        used = T.cast(T.neq(z, 0), floatX)
        updates = OrderedDict(updates)
        updates[self.D] = norm_constraint(D, 1.0, norm_axes=(0,))
        updates[self.usage] = 0.9 * self.usage + 0.1 * used.mean(axis=0)
        inputs = [images, theano.Param(lam, default=LAMBDA, name="lam")]
        self.train = theano.function(
            inputs, [error, used.mean(), objectives[0], objectives[-1]], updates=updates
        )
        grid = z.reshape((images.shape[0], 4, 4, z.shape[1])).dimshuffle(0, 3, 1, 2)
        pooled = downsample.max_pool_2d(abs(grid), (2, 2), ignore_border=True)
        self.encode = theano.function(inputs, [z, objectives, pooled.flatten(2)])
        # an atom that is not used starts again from a patch that is badly coded
        worst = T.argmax(T.sum((x - T.dot(z, self.D.T)) ** 2, axis=1))
        rare = T.argmin(self.usage)
        patch = x[worst] / x[worst].norm(2)
        self.restart = theano.function(
            inputs,
            [worst, rare],
            updates=[
                (self.D, T.set_subtensor(self.D[:, rare], patch)),
                (self.usage, T.set_subtensor(self.usage[rare], 1.0)),
            ],
        )


def images(n):
    """Bars and gratings of 14 x 14 points."""
    i, j = np.mgrid[:14, :14]
    angle, phase = rng.uniform(0, np.pi, (2, n, 1, 1))
    waves = np.sin(np.cos(angle) * i + np.sin(angle) * j + 6 * phase)
    waves += (np.abs(i - rng.randint(2, 12, (n, 1, 1))) < 1) * 2.0
    return waves[:, np.newaxis].astype(floatX)


coder = SparseCoder(SIDE * SIDE, N_ATOMS)
test = images(3)
z_before, objectives, pooled = coder.encode(test)
results = {"objectives": objectives, "pooled": pooled}
history, restarts = [], []
for step in range(40):
    history.append([float(v) for v in coder.train(images(1 + step % 10))])
    if step % 10 == 9:
        restarts.append([int(v) for v in coder.restart(test)])
print("error %.3f -> %.3f" % (history[0][0], history[-1][0]))
z, objectives, _ = coder.encode(test)
dense = coder.encode(test, lam=0.02)[0]
print(
    "codes: %.2f are used, with a small penalty %.2f"
    % (np.mean(z != 0), np.mean(dense != 0))
)
D = coder.D.get_value(borrow=True)
assert np.all((D**2).sum(axis=0) < 1.001)
results.update(history=history, restarts=restarts, z=z, dense=dense, D=D)
results.update(usage=coder.usage.get_value(), z_before=z_before)
np.savez(sys.argv[1], **results)
