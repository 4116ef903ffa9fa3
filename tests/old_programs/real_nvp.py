"""A normalizing flow of affine coupling layers with masks, its nets weight normalized
and initialised by the data; Lasagne layers, batches of varying size."""

from __future__ import print_function

import sys

import lasagne
import lasagne.layers as ll
import numpy as np
import theano
import theano.tensor as T
from lasagne.nonlinearities import rectify

floatX = theano.config.floatX
rng = np.random.RandomState(21)
lasagne.random.set_rng(np.random.RandomState(22))
DIM, N_HID, N_COUPLINGS = 4, 16, 4


class WeightNormLayer(ll.Layer):
    """Takes the place of the bias and the nonlinearity of a dense layer, and sets the
    norms of its weights; with `init` the first batch makes its outputs standard."""

    def __init__(self, incoming, nonlinearity=None, init_stdv=1.0, **kwargs):
        super(WeightNormLayer, self).__init__(incoming, **kwargs)
        k = self.input_shape[1]
        self.nonlinearity = nonlinearity or lasagne.nonlinearities.identity
        self.init_stdv = np.float32(init_stdv)
        self.b = self.add_param(
            lasagne.init.Constant(0.0), (k,), name="b", regularizable=False
        )
        self.g = self.add_param(
            lasagne.init.Constant(1.0), (k,), name="g", regularizable=False
        )
        W = incoming.W.get_value(borrow=True)
        incoming.W.set_value(lasagne.init.Normal(0.05).sample(W.shape))
        norms = T.sqrt(1e-6 + T.sum(T.square(incoming.W), axis=0, keepdims=True))
        incoming.W_param, incoming.W = incoming.W, incoming.W / norms

    def get_output_for(self, input, init=False, **kwargs):
        if init:
            m = T.mean(input, axis=0)
            centered = input - m.dimshuffle("x", 0)
            inv_stdv = self.init_stdv / T.sqrt(
                1e-8 + T.mean(T.square(centered), axis=0)
            )
            self.init_updates = [(self.b, -m * inv_stdv), (self.g, inv_stdv)]
            return self.nonlinearity(centered * inv_stdv.dimshuffle("x", 0))
        input = input * self.g.dimshuffle("x", 0) + self.b.dimshuffle("x", 0)
        return self.nonlinearity(input)


def weight_norm(layer, **kwargs):
    nonlinearity = getattr(layer, "nonlinearity", None)
    layer.nonlinearity = lasagne.nonlinearities.identity
    del layer.params[layer.b]
    layer.b = None
    return WeightNormLayer(layer, nonlinearity, **kwargs)


class Coupling(object):
    def __init__(self, mask):
        self.mask = theano.shared(mask.astype(floatX), name="mask")[np.newaxis, :]
        l_in = ll.InputLayer((None, DIM))
        net = weight_norm(ll.DenseLayer(l_in, N_HID, nonlinearity=rectify))
        net = weight_norm(ll.DenseLayer(net, N_HID, nonlinearity=T.tanh))
        self.s_net = weight_norm(
            ll.DenseLayer(net, DIM, nonlinearity=T.tanh), init_stdv=0.1
        )
        self.t_net = weight_norm(
            ll.DenseLayer(net, DIM, nonlinearity=None), init_stdv=0.1
        )
        self.net = [self.s_net, self.t_net]
        scale = np.zeros(DIM, dtype=floatX) + 0.5
        self.scale = theano.shared(scale, name="scale")
        self.params = ll.get_all_params(self.net, trainable=True) + [self.scale]

    def nets(self, x, **kwargs):
        s, t = ll.get_output(self.net, x * self.mask, **kwargs)
        moved = 1 - self.mask
        return moved * s * self.scale, moved * t

    def forward(self, x, **kwargs):
        s, t = self.nets(x, **kwargs)
        z = self.mask * x + (1 - self.mask) * (x * T.exp(s) + t)
        return z, T.sum(s, axis=1)

    def inverse(self, z):
        s, t = self.nets(z)
        return self.mask * z + (1 - self.mask) * ((z - t) * T.exp(-s))


def sample_data(n):
    angle = np.pi * rng.rand(n)
    moon = rng.randint(0, 2, n)
    x = np.where(moon, np.cos(angle), 1 - np.cos(angle))
    y = np.where(moon, np.sin(angle), 0.5 - np.sin(angle))
    data = np.stack([x - 0.5, y - 0.25, x * y, moon - 0.5], axis=1)
    return (data + 0.1 * rng.randn(n, DIM)).astype(floatX)


half, even = np.arange(DIM) < DIM // 2, np.arange(DIM) % 2 == 0
flow = [Coupling([half, even, ~half, ~even][i % 4]) for i in range(N_COUPLINGS)]


def run_forward(x, **kwargs):
    log_det = T.zeros((x.shape[0],))
    for coupling in flow:
        x, ld = coupling.forward(x, **kwargs)
        log_det += ld
    return x, log_det


x, z_in = T.matrix("x"), T.matrix("z")
z, log_det = run_forward(x)
log_p = -0.5 * T.sum(T.sqr(z) + np.log(2 * np.pi).astype(floatX), axis=1) + log_det
cost = -log_p.mean()
z0, _ = run_forward(x, init=True)
layers = ll.get_all_layers([layer for coupling in flow for layer in coupling.net])
init_updates = [u for layer in layers for u in getattr(layer, "init_updates", [])]
initialise = theano.function([x], z0.std(axis=0), updates=init_updates)

# Adam with an average of the parameters, from which samples are taken
params = [p for coupling in flow for p in coupling.params]
averages = [theano.shared(np.zeros_like(p.get_value())) for p in params]
lr = theano.shared(lasagne.utils.floatX(0.003), name="lr")
updates = lasagne.updates.adam(cost, params, lr, beta1=0.5)
updates.update((a, a + 0.05 * (p - a)) for p, a in zip(params, averages))
train = theano.function([x], [cost, log_det.mean()], updates=updates)
givens = list(zip(params, averages))
likelihood = theano.function([x], [log_p, z, log_det], givens=givens)
x_back = z_in
for coupling in flow[::-1]:
    x_back = coupling.inverse(x_back)
generate = theano.function([z_in], x_back, givens=givens)

# the log determinant once more, from the matrix of all derivatives at one point
point = T.vector("point")
J = T.jacobian(run_forward(T.shape_padleft(point))[0].flatten(), point)
determinant = theano.function([point], T.nlinalg.det(J), givens=givens)

results = {"spread_at_first": initialise(sample_data(200))}
for average, p in zip(averages, params):
    average.set_value(p.get_value())
sizes = [32, 50, 17, 64, 41, 28, 55, 36, 60, 23]
losses = [train(sample_data(sizes[i % 10])) for i in range(30)]
losses = np.array(losses, dtype="float64")
data = sample_data(100)
log_p, z, log_det = likelihood(data)
difference = abs(generate(z) - data).max()
dets = np.log(np.abs([determinant(row) for row in data[:5]]))
print("cost %.3f -> %.3f" % (losses[:5, 0].mean(), losses[-5:, 0].mean()))
print(
    "inverted to %.0e, determinants to %.0e"
    % (difference, abs(dets - log_det[:5]).max())
)
assert difference < 1e-3
samples = generate(rng.randn(77, DIM).astype(floatX))
results.update(losses=losses, log_p=log_p, z=z, log_det=log_det, dets=dets)
results.update(samples=samples, n_params=len(params))
for i, average in enumerate(averages):
    results["average_%d" % i] = average.get_value()
np.savez(sys.argv[1], **results)
