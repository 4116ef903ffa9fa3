"""What Lasagne 0.1 offers without recurrence, in mode "xla" and in Theano's own."""

import collections

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import init, layers, nonlinearities, objectives, regularization, updates

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import random, same

# Theano's own evaluation, with the gradients of convolutions as they are written.
OWN = theano.compile.mode.Mode(linker="py", optimizer=None)


@pytest.fixture(autouse=True)
def _seeded():
    lasagne.random.set_rng(np.random.RandomState(0))


def image():
    return layers.InputLayer((2, 4, 6, 5))


def signal():
    return layers.InputLayer((2, 4, 9))


def flat():
    return layers.InputLayer((3, 4))


NETS = {
    "dense": lambda: layers.DenseLayer(flat(), 3),
    "dense of images": lambda: layers.DenseLayer(image(), 3, b=None),
    "nonlinearity": lambda: layers.NonlinearityLayer(flat(), nonlinearities.tanh),
    "nin": lambda: layers.NINLayer(image(), 3),
    "nin untied": lambda: layers.NINLayer(image(), 3, untie_biases=True),
    "conv1d": lambda: layers.Conv1DLayer(signal(), 3, 4),
    "conv1d same, strided": lambda: layers.Conv1DLayer(signal(), 3, 3, stride=2, pad=1),
    "conv1d full": lambda: layers.Conv1DLayer(
        signal(), 3, 2, pad="full", untie_biases=True
    ),
    "conv2d": lambda: layers.Conv2DLayer(image(), 3, (3, 2)),
    "conv2d same": lambda: layers.Conv2DLayer(
        image(), 3, 3, pad="same", untie_biases=True
    ),
    "conv2d full": lambda: layers.Conv2DLayer(image(), 3, 2, pad="full", b=None),
    "conv2d strided": lambda: layers.Conv2DLayer(image(), 3, 3, stride=(2, 1), pad=1),
    "maxpool1d": lambda: layers.MaxPool1DLayer(signal(), 2),
    "maxpool1d overlapping": lambda: layers.MaxPool1DLayer(
        signal(), 3, 2, ignore_border=False
    ),
    "maxpool2d": lambda: layers.MaxPool2DLayer(image(), 2),
    "maxpool2d overlapping": lambda: layers.MaxPool2DLayer(
        image(), 3, 2, pad=0, ignore_border=False
    ),
    "average pool": lambda: layers.Pool2DLayer(image(), 2, mode="average_inc_pad"),
    "padded average pool": lambda: layers.Pool2DLayer(
        image(), 3, 2, pad=1, mode="average_inc_pad"
    ),
    "feature pool": lambda: layers.FeaturePoolLayer(image(), 2),
    "feature wta": lambda: layers.FeatureWTALayer(image(), 2),
    "global pool": lambda: layers.GlobalPoolLayer(image()),
    "flatten": lambda: layers.FlattenLayer(image(), 2),
    "reshape": lambda: layers.ReshapeLayer(image(), ([0], -1, [2])),
    "dimshuffle": lambda: layers.DimshuffleLayer(image(), (1, 0, "x", 3, 2)),
    "slice": lambda: layers.SliceLayer(image(), slice(1, 3), axis=1),
    "slice one": lambda: layers.SliceLayer(image(), -1, axis=2),
    "concat": lambda: layers.ConcatLayer([layers.NINLayer(i := image(), 2), i]),
    "sum": lambda: layers.ElemwiseSumLayer(
        [layers.NINLayer(i := image(), 4), i], [1, -0.5]
    ),
    "merge": lambda: layers.ElemwiseMergeLayer(
        [layers.NINLayer(i := image(), 4), i], T.maximum
    ),
    "local response": lambda: layers.LocalResponseNormalization2DLayer(image(), n=3),
    "dropout": lambda: layers.DropoutLayer(image(), p=0.4),
    "noise": lambda: layers.GaussianNoiseLayer(image()),
}


@pytest.mark.parametrize("name", NETS)
def test_layers(name):
    net = NETS[name]()
    (source,) = (
        layer
        for layer in layers.get_all_layers(net)
        if isinstance(layer, layers.InputLayer)
    )
    output = layers.get_output(net, deterministic=True)
    parameters = layers.get_all_params(net)
    for i, p in enumerate(parameters):
        p.set_value(random(i, p.get_value().shape, "float32"))
    weights = random(9, layers.get_output_shape(net), "float32")
    gradients = T.grad(T.sum(output * weights), [source.input_var, *parameters])
    outputs = [output, *gradients]
    x = random(10, source.shape, "float32")
    functions = [
        theano.function([source.input_var], outputs, mode=m) for m in ("xla", OWN)
    ]
    for actual, desired in zip(*(f(x) for f in functions), strict=True):
        same(actual, desired, tolerance=1e-4)


def test_padding():
    net = layers.PadLayer(image(), (1, 2), val=0.5)
    x = T.tensor4(dtype="float32")
    output = layers.get_output(net, x)
    weights = random(16, (2, 4, 8, 9), "float32")
    gradient = T.grad(T.sum(output * weights), x)
    f = theano.function([x], [output, gradient], mode="xla")
    value = random(15, (2, 4, 6, 5), "float32")
    widths = ((0, 0), (0, 0), (1, 1), (2, 2))
    padded, found = f(value)
    same(padded, np.pad(value, widths, constant_values=0.5))
    same(found, weights[:, :, 1:-1, 2:-2])


def test_embedding():
    source = layers.InputLayer((2, 3), T.imatrix())
    net = layers.EmbeddingLayer(source, 5, 4)
    output = layers.get_output(net)
    gradient = T.grad(T.sum(output**2), net.W)
    x = np.array([[0, 4, 4], [1, 0, 4]], "int32")
    functions = [
        theano.function([source.input_var], [output, gradient], mode=m)
        for m in ("xla", OWN)
    ]
    for actual, desired in zip(*(f(x) for f in functions), strict=True):
        same(actual, desired)
    with pytest.raises(IndexError, match="out of bounds"):
        functions[0](x + 1)


def test_nonlinearities():
    x = T.fmatrix()
    functions = [
        getattr(nonlinearities, n)
        for n in (
            "sigmoid",
            "softmax",
            "tanh",
            "rectify",
            "leaky_rectify",
            "very_leaky_rectify",
            "linear",
            "identity",
        )
    ]
    outputs = [f(x) for f in functions]
    outputs += [T.grad(T.sum(o**2), x) for o in outputs]
    value = random(11, (3, 4), "float32")
    both = (theano.function([x], outputs, mode=m)(value) for m in ("xla", OWN))
    for actual, desired in zip(*both, strict=True):
        same(actual, desired)


def test_objectives_and_regularisation():
    net = layers.DenseLayer(flat(), 3, nonlinearity=nonlinearities.softmax)
    p, t, y = layers.get_output(net), T.fmatrix(), T.ivector()
    losses = [
        objectives.binary_crossentropy(p, t),
        objectives.categorical_crossentropy(p, t),
        objectives.categorical_crossentropy(p, y),
        objectives.squared_error(p, t),
    ]
    outputs = [
        objectives.aggregate(loss, mode=m) for loss in losses for m in ("mean", "sum")
    ]
    outputs.append(
        objectives.aggregate(losses[3], weights=T.abs_(t), mode="normalized_sum")
    )
    outputs += [
        regularization.regularize_network_params(net, regularization.l1),
        regularization.regularize_network_params(net, regularization.l2),
        regularization.regularize_layer_params_weighted({net: 0.3}, regularization.l2),
    ]
    outputs += [T.grad(o, net.W) for o in outputs]
    values = (
        random(12, (3, 4), "float32"),
        np.eye(3, dtype="float32"),
        np.array([2, 0, 1], "int32"),
    )
    inputs = [layers.get_all_layers(net)[0].input_var, t, y]
    both = [theano.function(inputs, outputs, mode=m)(*values) for m in ("xla", OWN)]
    for actual, desired in zip(*both, strict=True):
        same(actual, desired, tolerance=1e-4)


RULES = {
    "sgd": lambda loss, p: updates.sgd(loss, p, 0.1),
    "momentum": lambda loss, p: updates.momentum(loss, p, 0.1, 0.8),
    "nesterov": lambda loss, p: updates.nesterov_momentum(loss, p, 0.1, 0.8),
    "adagrad": lambda loss, p: updates.adagrad(loss, p, 0.1),
    "rmsprop": lambda loss, p: updates.rmsprop(loss, p, 0.1),
    "adadelta": lambda loss, p: updates.adadelta(loss, p),
    "adam": lambda loss, p: updates.adam(loss, p, 0.1),
    "norms": lambda loss, p: updates.sgd(
        updates.total_norm_constraint(T.grad(loss, p), 0.5), p, 0.1
    ),
    "norm of each": lambda loss, p: collections.OrderedDict(
        (q, updates.norm_constraint(new, 0.7, (0,) if q.ndim == 1 else None))
        for q, new in updates.sgd(loss, p, 0.1).items()
    ),
}


@parametrize("name", RULES, fast=["nesterov", "adam", "norms"])
def test_update_rules(name):
    def train(mode):
        lasagne.random.set_rng(np.random.RandomState(1))
        net = layers.DenseLayer(
            layers.DenseLayer(flat(), 5, W=init.GlorotNormal()), 2, nonlinearity=None
        )
        x, t = layers.get_all_layers(net)[0].input_var, T.fmatrix()
        loss = objectives.squared_error(layers.get_output(net), t).mean()
        parameters = layers.get_all_params(net, trainable=True)
        steps = RULES[name](loss, parameters)
        f = theano.function([x, t], loss, updates=steps, mode=mode)
        batch = random(13, (3, 4), "float32"), random(14, (3, 2), "float32")
        losses = [f(*batch) for _ in range(3)]
        return [*losses, *(v.get_value() for v in steps)]

    for actual, desired in zip(train("xla"), train(OWN), strict=True):
        same(actual, desired, tolerance=1e-4)
