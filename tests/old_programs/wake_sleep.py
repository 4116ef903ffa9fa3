"""A Helmholtz machine of sigmoid layers, trained by reweighted wake-sleep."""

from __future__ import print_function

import sys
from collections import OrderedDict

import numpy as np
import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

SIZES = [16, 8, 4]  # from the data up
N_SAMPLES, N_BATCH = 5, 10
RANDOM_TOLERANCE = 0.15  # of mean dreams, and of a likelihood by other samples
floatX = theano.config.floatX


def logsumexp(A, axis=None):
    A_max = T.max(A, axis=axis, keepdims=True)
    B = T.log(T.sum(T.exp(A - A_max), axis=axis, keepdims=True)) + A_max
    return T.sum(B, axis=axis)


def replicate_batch(A, repeat):
    A_ = A.dimshuffle((0, "x", 1))
    A_ = A_ + T.zeros((A.shape[0], repeat, A.shape[1]), dtype=floatX)
    return A_.reshape((A.shape[0] * repeat, A.shape[1]))


class SigmoidLayer(object):
    """Binary units, given those of another layer."""

    def __init__(self, rng, n_in, n_out, name):
        W = rng.normal(size=(n_in, n_out)) / np.sqrt(n_in)
        self.W = theano.shared(W.astype(floatX), name + ".W")
        self.b = theano.shared(-np.ones(n_out, floatX), name + ".b")
        self.params = [self.W, self.b]

    def prob(self, y):
        return T.nnet.sigmoid(T.dot(y, self.W) + self.b)

    def log_prob(self, x, y):
        p = self.prob(y)
        return T.sum(x * T.log(p) + (1 - x) * T.log(1 - p), axis=1)


class Prior(object):
    """Units that are independent of each other."""

    def __init__(self, n):
        self.a = theano.shared(np.zeros(n, floatX), "prior.a")

    def prob(self, n_rows):
        return T.alloc(T.nnet.sigmoid(self.a), n_rows, self.a.shape[0])

    def log_prob(self, x):
        return -T.nnet.binary_crossentropy(self.prob(x.shape[0]), x).sum(axis=1)


class HelmholtzMachine(object):
    def __init__(self, rng):
        self.p_layers = [
            SigmoidLayer(rng, SIZES[n + 1], SIZES[n], "p%d" % n)
            for n in range(len(SIZES) - 1)
        ]
        self.q_layers = [
            SigmoidLayer(rng, SIZES[n], SIZES[n + 1], "q%d" % n)
            for n in range(len(SIZES) - 1)
        ]
        self.prior = Prior(SIZES[-1])
        self.p_params = sum([l.params for l in self.p_layers], [self.prior.a])
        self.q_params = sum([l.params for l in self.q_layers], [])

    def sample_q(self, x, noise):
        samples, log_q, log_p = [x], 0.0, 0.0
        for p, q, u in zip(self.p_layers, self.q_layers, noise):
            h = T.cast(T.lt(u, q.prob(samples[-1])), floatX)
            log_q += q.log_prob(h, samples[-1])
            log_p += p.log_prob(samples[-1], h)
            samples.append(h)
        return samples, log_p + self.prior.log_prob(samples[-1]), log_q

    def dream(self, noise):
        samples = [T.cast(noise[-1] < self.prior.prob(noise[-1].shape[0]), floatX)]
        for p, u in zip(reversed(self.p_layers), reversed(noise[:-1])):
            samples.insert(0, T.cast(u < p.prob(samples[0]), floatX))
        return samples

    def log_likelihood(self, x, noise):
        samples, log_p, log_q = self.sample_q(replicate_batch(x, N_SAMPLES), noise)
        log_w = (log_p - log_q).reshape((x.shape[0], N_SAMPLES))
        log_px = logsumexp(log_w, axis=1) - T.log(T.cast(N_SAMPLES, floatX))
        w = T.exp(log_w - T.shape_padright(logsumexp(log_w, axis=1)))
        return log_px, w.flatten(), log_p, log_q, samples


def sgd(cost, params, lr, constants):
    grads = T.grad(cost, params, consider_constant=constants)
    return OrderedDict((p, p - T.cast(lr, floatX) * g) for p, g in zip(params, grads))


def main():
    rng = np.random.RandomState(5)
    prototypes = rng.binomial(1, 0.4, (4, SIZES[0]))
    data = prototypes[rng.randint(4, size=60)] ^ rng.binomial(1, 0.05, (60, SIZES[0]))
    data = theano.shared(data.astype(floatX), "data", borrow=True)
    machine = HelmholtzMachine(rng)

    index, x = T.iscalar("index"), T.matrix("x")
    q_noise = [T.matrix("u%d" % n) for n in (1, 2)]
    p_noise = [T.matrix("v%d" % n) for n in (0, 1, 2)]
    log_px, w, log_p, log_q, samples = machine.log_likelihood(x, q_noise)
    constants = [w] + samples[1:]
    updates = sgd(-T.sum(w * log_p) / N_BATCH, machine.p_params, 0.2, constants)
    updates.update(sgd(-T.sum(w * log_q) / N_BATCH, machine.q_params, 0.1, constants))
    dreams = machine.dream(p_noise)
    sleep_cost = -sum(
        T.mean(q.log_prob(above, below))
        for q, below, above in zip(machine.q_layers, dreams, dreams[1:])
    )
    wake = theano.function(
        [index] + q_noise,
        [T.mean(log_px), T.mean(w**2)],
        updates=updates,
        givens=[(x, data[index * N_BATCH : (index + 1) * N_BATCH])],
        allow_input_downcast=True,
    )
    sleep = theano.function(
        p_noise,
        [sleep_cost, dreams[0]],
        updates=sgd(sleep_cost, machine.q_params, 0.1, dreams),
        allow_input_downcast=True,
    )

    results = {"costs": [], "dreams": []}
    for epoch in range(8):
        for batch in range(6):
            likelihood, weight = wake(
                batch, *[rng.uniform(size=(N_BATCH * N_SAMPLES, n)) for n in SIZES[1:]]
            )
            sleep_value, dreamt = sleep(*[rng.uniform(size=(20, n)) for n in SIZES])
            results["costs"].append([likelihood, weight, sleep_value])
            results["dreams"].append(dreamt.mean(axis=0))
        print("epoch {}: {}".format(epoch, np.mean(results["costs"][-6:], axis=0)))
    for p in machine.p_params + machine.q_params:
        results[p.name] = p.get_value()

    srng = RandomStreams(seed=234)
    dreamt = machine.dream([srng.uniform((500, n)) for n in SIZES])[0]
    replace = dict(
        (u, srng.uniform((60 * N_SAMPLES, n))) for u, n in zip(q_noise, SIZES[1:])
    )
    results["random_dreams"] = theano.function([], dreamt)().mean(axis=0)
    f = theano.function([], theano.clone(log_px.mean(), replace), givens={x: data})
    results["random_likelihood"] = np.mean([f() for _ in range(5)])
    np.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
