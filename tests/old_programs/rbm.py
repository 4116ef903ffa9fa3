"""A restricted Boltzmann machine by persistent contrastive divergence, and two of them
stacked into a small deep belief net, in the manner of the deep learning tutorials."""

from __future__ import print_function

import sys

import numpy as np
import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

floatX = theano.config.floatX


def shared(values, name):
    return theano.shared(np.asarray(values, dtype=floatX), name=name, borrow=True)


class RBM(object):
    """Numbers are drawn, or taken from `noise`: uniform, (steps, 2, batch, units)."""

    def __init__(self, input, n_visible, n_hidden, numpy_rng, theano_rng, noise=None):
        bound = 4 * np.sqrt(6.0 / (n_hidden + n_visible))
        W = numpy_rng.uniform(-bound, bound, (n_visible, n_hidden))
        self.W = shared(W, "W")
        self.hbias = shared(np.zeros(n_hidden), "hbias")
        self.vbias = shared(np.zeros(n_visible), "vbias")
        self.params = [self.W, self.hbias, self.vbias]
        self.input, self.n_visible = input, n_visible
        self.rng, self.noise = theano_rng, noise

    def free_energy(self, v):
        wx_b = T.dot(v, self.W) + self.hbias
        return -T.sum(T.log(1 + T.exp(wx_b)), axis=1) - T.dot(v, self.vbias)

    def propup(self, v):
        pre = T.dot(v, self.W) + self.hbias
        return [pre, T.nnet.sigmoid(pre)]

    def propdown(self, h):
        pre = T.dot(h, self.W.T) + self.vbias
        return [pre, T.nnet.sigmoid(pre)]

    def sample(self, mean, u=None):
        if u is not None:
            return T.cast(u[: mean.shape[0], : mean.shape[1]] < mean, floatX)
        return self.rng.binomial(size=mean.shape, n=1, p=mean, dtype=floatX)

    def gibbs_hvh(self, h0, u=(None, None)):
        pre_v, v_mean = self.propdown(h0)
        v = self.sample(v_mean, u[0])
        pre_h, h_mean = self.propup(v)
        return [pre_v, v_mean, v, pre_h, h_mean, self.sample(h_mean, u[1])]

    def gibbs_vhv(self, v0):
        h_mean = self.propup(v0)[1]
        v_mean = self.propdown(self.sample(h_mean))[1]
        return [h_mean, v_mean, self.sample(v_mean)]

    def get_cost_updates(self, lr=0.1, persistent=None, k=1):
        info = [None, None, None, None, None, persistent]
        if persistent is not None:
            outputs, updates = theano.scan(
                self.gibbs_hvh, outputs_info=info, n_steps=k, name="gibbs_hvh"
            )
        else:
            info[-1] = self.sample(self.propup(self.input)[1], self.noise[0, 0])
            outputs, updates = theano.scan(
                lambda u, h: self.gibbs_hvh(h, u), self.noise[1:], outputs_info=info
            )
        chain_end = outputs[2][-1]
        cost = T.mean(self.free_energy(self.input))
        cost = cost - T.mean(self.free_energy(chain_end))
        gparams = T.grad(cost, self.params, consider_constant=[chain_end])
        for gparam, param in zip(gparams, self.params):
            updates[param] = param - gparam * T.cast(lr, dtype=floatX)
        if persistent is not None:
            updates[persistent] = outputs[-1][-1]
            return self.pseudo_likelihood(updates), updates
        recon = T.nnet.binary_crossentropy(T.nnet.sigmoid(outputs[0][-1]), self.input)
        return T.mean(T.sum(recon, axis=1)), updates

    def pseudo_likelihood(self, updates):
        bit_i_idx = theano.shared(value=0, name="bit_i_idx")
        xi = T.round(self.input)
        xi_flip = T.set_subtensor(xi[:, bit_i_idx], 1 - xi[:, bit_i_idx])
        difference = self.free_energy(xi_flip) - self.free_energy(xi)
        updates[bit_i_idx] = (bit_i_idx + 1) % self.n_visible
        return T.mean(self.n_visible * T.log(T.nnet.sigmoid(difference)))


rng = np.random.RandomState(123)
n, n_visible, n_hidden, batch_size, k = 80, 25, 12, 20, 3
data, labels = np.zeros((n, 5, 5), dtype=floatX), rng.randint(0, 2, n)
for i in range(n):  # bars that lie or stand
    data[i, rng.randint(5)] = 1
    data[i] = data[i].T if labels[i] else data[i]
data = data.reshape(n, -1)
train_set_x = theano.shared(data, borrow=True)
train_set_y = T.cast(theano.shared(labels.astype(floatX), borrow=True), "int32")
index, x, y = T.lscalar("index"), T.matrix("x"), T.ivector("y")
batch = slice(index * batch_size, (index + 1) * batch_size)
results = {}

# persistent contrastive divergence, with numbers drawn by Theano
rbm = RBM(x, n_visible, n_hidden, rng, RandomStreams(rng.randint(2**30)))
chain = shared(np.zeros((batch_size, n_hidden)), "chain")
cost, updates = rbm.get_cost_updates(lr=0.1, persistent=chain, k=k)
train_rbm = theano.function(
    [index], cost, updates=updates, givens={x: train_set_x[batch]}, name="train_rbm"
)
results["free_energy_before"] = theano.function([x], rbm.free_energy(x))(data[:10])
costs = [float(train_rbm(i % 4)) for i in range(60)]
results["pseudo_likelihood_first"] = costs[0]
results["random_pseudo_likelihood"] = np.mean(costs[-n_visible:])
visible_chain = shared(data[:20], "visible_chain")
(_, v_mean, v_samples), updates = theano.scan(
    rbm.gibbs_vhv, outputs_info=[None, None, visible_chain], n_steps=20
)
updates.update({visible_chain: v_samples[-1]})
sample = theano.function([], [v_mean[-1], v_samples[-1]], updates=updates)
results["random_activity"] = np.mean([sample()[0].mean() for _ in range(5)])

# a deep belief net, whose noise comes from NumPy
noise, lr = T.tensor4("noise"), T.scalar("lr")
layers, layer_input = [], x
for depth, (n_in, n_out) in enumerate([(n_visible, 16), (16, 8)]):
    layers.append(RBM(layer_input, n_in, n_out, rng, None, noise))
    layer_input = layers[-1].propup(layer_input)[1]
    cost, updates = layers[-1].get_cost_updates(lr=lr)
    pretrain = theano.function(
        [index, noise, theano.In(lr, value=0.1)],
        cost,
        updates=updates,
        givens={x: train_set_x[batch]},
    )
    u = rng.uniform(size=(24, 1 + k, 2, batch_size, n_visible)).astype(floatX)
    costs = [float(pretrain(i % 4, u[i])) for i in range(24)]
    print("layer %d: reconstruction %.3f -> %.3f" % (depth, costs[0], costs[-1]))
    results["reconstruction_%d" % depth] = costs
W, b = shared(np.zeros((8, 2)), "W"), shared(np.zeros(2), "b")
p_y_given_x = T.nnet.softmax(T.dot(layer_input, W) + b)
nll = -T.mean(T.log(p_y_given_x)[T.arange(y.shape[0]), y])
errors = T.mean(T.neq(T.argmax(p_y_given_x, axis=1), y))
params = [p for layer in layers for p in layer.params[:2]] + [W, b]
finetune = theano.function(
    [index],
    [nll, errors],
    updates=[(p, p - 0.5 * g) for p, g in zip(params, T.grad(nll, params))],
    givens={x: train_set_x[batch], y: train_set_y[batch]},
)
results["finetuning"] = costs = np.array([finetune(i % 4) for i in range(40)])
print("pseudo-likelihood %.2f" % results["random_pseudo_likelihood"])
print("negative log-likelihood %.3f -> %.3f" % (costs[0, 0], costs[-1, 0]))
results.update(("param_%d" % i, p.get_value(borrow=True)) for i, p in enumerate(params))
np.savez(sys.argv[1], **results)
