"""A small VGG with batch normalization on cuDNN, as for CIFAR-10 in 2016."""

from __future__ import print_function

import sys
import time

import lasagne
import numpy as np
import theano
import theano.tensor as T
from lasagne.layers import (
    DenseLayer,
    DropoutLayer,
    GlobalPoolLayer,
    InputLayer,
    batch_norm,
)
from lasagne.nonlinearities import rectify, softmax

try:
    import lasagne.layers.dnn

    from lasagne.layers.dnn import Conv2DDNNLayer as ConvLayer
    from lasagne.layers.dnn import MaxPool2DDNNLayer as PoolLayer
except ImportError:
    print("no cuDNN")
    from lasagne.layers import Conv2DLayer as ConvLayer
    from lasagne.layers import MaxPool2DLayer as PoolLayer


def build_cnn(input_var=None):
    net = InputLayer((None, 3, 12, 12), input_var=input_var)
    for num_filters in (8, 16):
        for _ in range(2):
            net = batch_norm(
                ConvLayer(
                    net,
                    num_filters,
                    3,
                    pad="same",
                    W=lasagne.init.HeNormal(gain="relu"),
                    nonlinearity=rectify,
                    flip_filters=False,
                )
            )
        net = PoolLayer(net, 2)
    net = GlobalPoolLayer(net)
    net = DropoutLayer(net, p=0.2)
    return DenseLayer(net, num_units=4, nonlinearity=softmax)


def iterate_minibatches(inputs, targets, batchsize, shuffle=False):
    assert len(inputs) == len(targets)
    if shuffle:
        indices = np.arange(len(inputs))
        np.random.shuffle(indices)
    for start_idx in range(0, len(inputs) - batchsize + 1, batchsize):
        if shuffle:
            excerpt = indices[start_idx : start_idx + batchsize]
        else:
            excerpt = slice(start_idx, start_idx + batchsize)
        yield inputs[excerpt], targets[excerpt]


def load_dataset(n=160):
    y = (np.arange(n) % 4).astype("int32")
    X = np.random.randn(n, 3, 12, 12).astype(theano.config.floatX) * 0.3
    for i, label in enumerate(y):  # a bright corner
        a, b = 6 * (label // 2), 6 * (label % 2)
        X[i, :, a : a + 6, b : b + 6] += 1
    X[:, 0] += (y % 2)[:, None, None]
    X[:, 1] += (y // 2)[:, None, None]
    return X, y


def main(num_epochs=4):
    np.random.seed(1)
    lasagne.random.set_rng(np.random.RandomState(1234))
    X, y = load_dataset()
    input_var = T.tensor4("inputs")
    target_var = T.ivector("targets")
    network = build_cnn(input_var)
    print("%d parameters" % lasagne.layers.count_params(network, trainable=True))

    prediction = lasagne.layers.get_output(network)
    loss = lasagne.objectives.categorical_crossentropy(prediction, target_var).mean()
    loss = loss + 1e-4 * lasagne.regularization.regularize_network_params(
        network, lasagne.regularization.l2
    )
    params = lasagne.layers.get_all_params(network, trainable=True)
    sh_lr = theano.shared(lasagne.utils.floatX(0.01))
    updates = lasagne.updates.adam(loss, params, learning_rate=sh_lr)
    test_prediction = lasagne.layers.get_output(network, deterministic=True)
    test_loss = lasagne.objectives.categorical_crossentropy(test_prediction, target_var)
    test_acc = T.mean(
        lasagne.objectives.categorical_accuracy(test_prediction, target_var),
        dtype=theano.config.floatX,
    )
    train_fn = theano.function([input_var, target_var], loss, updates=updates)
    val_fn = theano.function([input_var, target_var], [test_loss.mean(), test_acc])

    for epoch in range(num_epochs):
        train_err, start = 0, time.time()
        for inputs, targets in iterate_minibatches(X, y, 32, shuffle=True):
            train_err += train_fn(inputs, targets)
        sh_lr.set_value(lasagne.utils.floatX(sh_lr.get_value() * 0.9))
        print("Epoch %d: %.6f" % (epoch + 1, train_err / 5))
    err, acc = val_fn(X, y)
    print("test loss: %.6f, accuracy: %.2f" % (err, acc))
    values = lasagne.layers.get_all_param_values(network)
    lasagne.layers.set_all_param_values(network, values)
    return acc


if __name__ == "__main__":
    accuracy = main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
