"""A generative adversarial net of transposed convolutions, as of 2016."""

from __future__ import print_function

import lasagne
import numpy as np
import theano
import theano.tensor as T
from lasagne.layers import batch_norm, get_all_params, get_output
from lasagne.nonlinearities import LeakyRectify, sigmoid
from theano.sandbox.cuda.basic_ops import gpu_contiguous
from theano.sandbox.cuda.dnn import dnn_conv
from theano.sandbox.rng_mrg import MRG_RandomStreams

theano.config.floatX = "float32"
srng = MRG_RandomStreams(42)


def build_generator(z):
    net = lasagne.layers.InputLayer((None, 10), z)
    net = batch_norm(lasagne.layers.DenseLayer(net, 16 * 3 * 3))
    net = lasagne.layers.ReshapeLayer(net, ([0], 16, 3, 3))
    net = batch_norm(lasagne.layers.TransposedConv2DLayer(net, 8, 4, stride=2, crop=1))
    return lasagne.layers.Deconv2DLayer(
        net, 1, 4, stride=2, crop=1, nonlinearity=sigmoid
    )


def build_critic():
    lrelu = LeakyRectify(0.2)
    net = lasagne.layers.InputLayer((None, 1, 12, 12))
    net = batch_norm(
        lasagne.layers.Conv2DLayer(net, 8, 5, stride=2, pad=2, nonlinearity=lrelu)
    )
    net = lasagne.layers.Conv2DLayer(
        net, 16, 5, stride=2, pad="same", nonlinearity=lrelu
    )
    return lasagne.layers.DenseLayer(net, 1, nonlinearity=sigmoid)


np.random.seed(0)
lasagne.random.set_rng(np.random.RandomState(0))
images = T.tensor4("images")
z = srng.uniform((16, 10), low=-1.0, high=1.0)
generator, critic = build_generator(z), build_critic()
fake = get_output(generator)
real_out = get_output(critic, images)
fake_out = get_output(critic, fake)
blurred = dnn_conv(
    gpu_contiguous(fake),
    theano.shared(np.full((1, 1, 3, 3), 1 / 9.0, "float32")),
    border_mode="half",
    conv_mode="cross",
)
bce = lasagne.objectives.binary_crossentropy
generator_loss = bce(fake_out, 1).mean() + 0 * blurred.mean()
critic_loss = (bce(real_out, 1) + bce(fake_out, 0)).mean()
updates = lasagne.updates.adam(
    generator_loss, get_all_params(generator, trainable=True), 2e-3, beta1=0.5
)
updates.update(
    lasagne.updates.amsgrad(
        critic_loss, get_all_params(critic, trainable=True), 2e-3, beta1=0.5
    )
)
train = theano.function(
    [images], [(real_out > 0.5).mean(), (fake_out < 0.5).mean()], updates=updates
)
sample = theano.function([], get_output(generator, deterministic=True))
for _ in range(20):
    batch = np.zeros((16, 1, 12, 12), "float32")
    batch[:, :, 3:9, 3:9] = np.random.rand(16, 1, 1, 1) * 0.3 + 0.7
    scores = [float(s) for s in train(batch)]
samples = sample()
print("real: %.2f, fake: %.2f" % tuple(scores), samples.shape)
