"""A convolutional autoencoder with unpooling and tied weights, as of 2015."""

from __future__ import print_function

import lasagne
import numpy as np
import theano
import theano.tensor as T
from lasagne.layers import *
from lasagne.nonlinearities import *


def build(input_var):
    l_in = InputLayer((None, 1, 12, 12), input_var)
    conv1 = Conv2DLayer(l_in, 8, 3, pad="same", nonlinearity=leaky_rectify)
    pool1 = MaxPool2DLayer(conv1, 2)
    conv2 = Conv2DLayer(pool1, 8, (3, 3), nonlinearity=elu)
    flat = FlattenLayer(conv2)
    code = DenseLayer(flat, 6, nonlinearity=None, b=None)
    # the decoder
    net = DenseLayer(code, 8 * 4 * 4, W=code.W.T, nonlinearity=elu)
    net = ReshapeLayer(net, ([0], 8, 4, 4))
    net = InverseLayer(net, conv2)
    net = InverseLayer(net, pool1)
    net = InverseLayer(net, conv1)
    other = ReshapeLayer(DenseLayer(code, 8 * 6 * 6), ([0], 8, 6, 6))
    other = Upscale2DLayer(other, 2)
    other = Conv2DLayer(other, 1, 3, pad="same", nonlinearity=None)
    return ElemwiseSumLayer([net, other], coeffs=[0.5, 0.5]), code


np.random.seed(0)
lasagne.random.set_rng(np.random.RandomState(0))
X = np.zeros((64, 1, 12, 12), "float32")
for i in range(64):
    a, b = np.random.randint(0, 8, 2)
    X[i, 0, a : a + 4, b : b + 4] = 1

x = T.tensor4("x")
network, code = build(x)
reconstruction = get_output(network)
loss = lasagne.objectives.squared_error(reconstruction, x).mean()
params = get_all_params(network, trainable=True)
updates = lasagne.updates.adamax(loss, params, learning_rate=0.01)
train = theano.function([x], loss, updates=updates)
encode = theano.function([x], get_output(code, deterministic=True))
losses = [float(train(X)) for _ in range(60)]
print("loss: %.4f -> %.4f" % (losses[0], losses[-1]))
print("codes:", encode(X).shape, "tied:", code.W in params)
