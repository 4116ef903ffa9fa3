"""Artistic style: an image with the content of one and the Gram matrices of another."""

from __future__ import print_function

import os
import pickle
import shutil
import sys
import tempfile
from collections import OrderedDict

import lasagne
import numpy as np
import scipy.optimize
import theano
import theano.tensor as T
from lasagne.layers import InputLayer
from lasagne.layers import Pool2DLayer as PoolLayer
from lasagne.layers.dnn import Conv2DDNNLayer as ConvLayer
from lasagne.utils import floatX

IMAGE_W = 24
MEAN_VALUES = np.array([104, 117, 123]).reshape((3, 1, 1))
STYLE = [("conv1_1", 0.2e4), ("conv2_1", 0.2e4), ("conv3_1", 0.2e4)]


def build_model():
    net = OrderedDict()
    net["input"] = InputLayer((1, 3, IMAGE_W, IMAGE_W))
    net["conv1_1"] = ConvLayer(net["input"], 6, 3, pad=1, flip_filters=False)
    net["conv1_2"] = ConvLayer(net["conv1_1"], 6, 3, pad=1, flip_filters=False)
    net["pool1"] = PoolLayer(net["conv1_2"], 2, mode="average_exc_pad")
    net["conv2_1"] = ConvLayer(net["pool1"], 8, 3, pad=1, flip_filters=False)
    net["conv2_2"] = ConvLayer(net["conv2_1"], 8, 3, pad=1, flip_filters=False)
    net["pool2"] = PoolLayer(net["conv2_2"], 2, mode="average_exc_pad")
    net["conv3_1"] = ConvLayer(net["pool2"], 10, 3, pad=1, flip_filters=False)
    net["pool3"] = PoolLayer(net["conv3_1"], 2, mode="average_exc_pad")
    return net


def make_weights(path, rng):
    """Write a pickle like that of VGG19, normalised, for a smaller net."""
    values = []
    for n_in, n_out in [(3, 6), (6, 6), (6, 8), (8, 8), (8, 10)]:
        W = rng.normal(0, 0.5 / np.sqrt(n_in), (n_out, n_in, 3, 3))
        values.append(floatX(W))
        values.append(floatX(rng.uniform(0, 0.1, n_out)))
    with open(path, "wb") as f:
        pickle.dump({"param values": values}, f, protocol=2)


def prep_image(rng, waves):
    """Draw an image; RGB to BGR, less the mean, with an axis for the batch."""
    grid = np.linspace(0, waves, IMAGE_W)
    image = 128 + 70 * np.sin(grid[:, None, None] + grid[None, :, None] * [1, -2, 3])
    image += rng.normal(0, 10, image.shape)
    image = np.swapaxes(np.swapaxes(image, 1, 2), 0, 1)[::-1, :, :]
    return floatX((image - MEAN_VALUES)[np.newaxis])


def gram_matrix(x):
    x = x.flatten(ndim=3)
    return T.tensordot(x, x, axes=([2], [2]))


def style_loss(A, X, layer):
    a, x = A[layer], X[layer]
    A, G = gram_matrix(a), gram_matrix(x)
    N, M = a.shape[1], a.shape[2] * a.shape[3]
    return 1.0 / (4 * N**2 * M**2) * ((G - A) ** 2).sum()


def total_variation_loss(x):
    across = (x[:, :, :-1, :-1] - x[:, :, 1:, :-1]) ** 2
    down = (x[:, :, :-1, :-1] - x[:, :, :-1, 1:]) ** 2
    return ((across + down) ** 1.25).sum()


def main():
    rng = np.random.RandomState(7)
    path = os.path.join(tempfile.mkdtemp(), "vgg19_normalized.pkl")
    make_weights(path, rng)
    net = build_model()
    with open(path, "rb") as f:
        values = pickle.load(f, encoding="latin-1")["param values"]
    lasagne.layers.set_all_param_values(net["pool3"], values)
    shutil.rmtree(os.path.dirname(path))
    photo, art = prep_image(rng, 6), prep_image(rng, 25)

    # features of both images are computed once, and kept on the GPU
    wanted = ["conv1_1", "conv2_1", "conv2_2", "conv3_1"]
    layers = OrderedDict((k, net[k]) for k in wanted)
    input_im_theano = T.tensor4()
    outputs = lasagne.layers.get_output(layers.values(), input_im_theano)
    photo_features, art_features = (
        {
            k: theano.shared(output.eval({input_im_theano: image}))
            for k, output in zip(layers.keys(), outputs)
        }
        for image in (photo, art)
    )
    generated_image = theano.shared(
        floatX(rng.uniform(-128, 128, (1, 3, IMAGE_W, IMAGE_W)))
    )
    gen_features = lasagne.layers.get_output(layers.values(), generated_image)
    gen_features = dict(zip(layers.keys(), gen_features))
    x, p = gen_features["conv2_2"], photo_features["conv2_2"]
    losses = [0.001 / 2 * ((x - p) ** 2).sum()]
    for name, weight in STYLE:
        losses.append(weight * 1e-4 * style_loss(art_features, gen_features, name))
    losses.append(0.1e-3 * total_variation_loss(generated_image))
    total_loss = sum(losses)
    grad = T.grad(total_loss, generated_image)
    f_loss = theano.function([], total_loss)
    f_grad = theano.function([], grad)
    f_parts = theano.function([], losses)

    history = []

    def eval_loss(x0):
        generated_image.set_value(floatX(x0.reshape((1, 3, IMAGE_W, IMAGE_W))))
        history.append(f_loss().astype("float64"))
        return history[-1]

    def eval_grad(x0):
        generated_image.set_value(floatX(x0.reshape((1, 3, IMAGE_W, IMAGE_W))))
        return np.array(f_grad()).flatten().astype("float64")

    results = {"parts_before": f_parts(), "grad_before": f_grad()}
    x0 = generated_image.get_value().astype("float64")
    for _ in range(2):
        scipy.optimize.fmin_l_bfgs_b(
            eval_loss, x0.flatten(), fprime=eval_grad, maxfun=7
        )
        x0 = generated_image.get_value().astype("float64")
        print("loss:", history[-1])
    results.update(
        history=history,
        image=x0,
        parts=f_parts(),
        grad=f_grad(),
        gram=gram_matrix(photo_features["conv3_1"]).eval(),
    )
    np.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
