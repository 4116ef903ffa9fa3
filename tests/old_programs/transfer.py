"""Transfer learning from a pickled VGG net: its features, then some of it retrained."""

from __future__ import print_function

import os
import pickle
import shutil
import sys
import tempfile

import lasagne
import numpy as np
import theano
import theano.tensor as T
from lasagne.layers import DenseLayer, DropoutLayer, InputLayer, NonlinearityLayer
from lasagne.layers import Pool2DLayer as PoolLayer
from lasagne.nonlinearities import softmax
from lasagne.objectives import categorical_crossentropy
from theano.ifelse import ifelse

try:
    from lasagne.layers.dnn import Conv2DDNNLayer as ConvLayer
except ImportError:
    from lasagne.layers import Conv2DLayer as ConvLayer

RANDOM_TOLERANCE = 0.5  # of losses with dropout
SIZE, CLASSES = 16, ["n0 cat", "n1 dog", "n2 boat", "n3 house", "n4 tree"]
BLOCKS = [(1, 2, 4), (2, 2, 6), (3, 3, 8)]  # its number, convolutions, filters


def build_model(input_var):
    net = {"input": InputLayer((None, 3, SIZE, SIZE), input_var)}
    last = net["input"]
    for block, convolutions, filters in BLOCKS:
        for n in range(1, convolutions + 1):
            name = "conv%d_%d" % (block, n)
            last = net[name] = ConvLayer(last, filters, 3, pad=1, flip_filters=False)
        last = net["pool%d" % block] = PoolLayer(last, 2)
    net["fc6"] = DenseLayer(last, num_units=20)
    net["fc6_dropout"] = DropoutLayer(net["fc6"], p=0.5)
    net["fc7"] = DenseLayer(net["fc6_dropout"], num_units=12)
    net["fc7_dropout"] = DropoutLayer(net["fc7"], p=0.5)
    net["fc8"] = DenseLayer(net["fc7_dropout"], len(CLASSES), nonlinearity=None)
    net["prob"] = NonlinearityLayer(net["fc8"], softmax)
    return net


def write_pickle(path, rng):
    """Write weights as those of VGG16 were published."""
    values = []
    for param in lasagne.layers.get_all_params(build_model(None)["prob"]):
        s = param.get_value().shape
        scale = np.sqrt(2.0 / np.prod(s[1:] if len(s) == 4 else s[0]))
        values.append(rng.normal(0, scale if len(s) > 1 else 0.1, s).astype("float32"))
    model = {
        "param values": values,
        "synset words": CLASSES,
        "mean value": np.array([103.939, 116.779, 123.68], dtype="float32"),
    }
    with open(path, "wb") as f:
        pickle.dump(model, f, protocol=pickle.HIGHEST_PROTOCOL)


def load_model(net):
    path = os.path.join(tempfile.mkdtemp(), "vgg16.pkl")
    write_pickle(path, np.random.RandomState(16))
    with open(path, "rb") as f:
        model = pickle.load(f, encoding="latin1")
    shutil.rmtree(os.path.dirname(path))
    lasagne.layers.set_all_param_values(net["prob"], model["param values"])
    return model["synset words"], model["mean value"]


def iterate_minibatches(inputs, targets, size=12):
    for start in range(0, len(inputs) - size + 1, size):
        yield inputs[start : start + size], targets[start : start + size]


def main():
    lasagne.random.set_rng(np.random.RandomState(1))
    rng = np.random.RandomState(2)
    y = rng.randint(3, size=48).astype("int32")
    base = rng.uniform(0, 255, (3, 3, SIZE, SIZE))
    X = 0.6 * base[y] + 0.4 * rng.uniform(0, 255, (48, 3, SIZE, SIZE))

    X_sym, y_sym, features_sym = T.tensor4(), T.ivector(), T.matrix()
    net = build_model(X_sym)
    words, mean = load_model(net)
    X = lasagne.utils.floatX(X - mean[np.newaxis, :, np.newaxis, np.newaxis]) / 64
    output = lasagne.layers.get_output(net["prob"], deterministic=True)
    classify = theano.function([X_sym], [output, T.argsort(output, axis=1)[:, ::-1]])
    probabilities, order = classify(X[:5])
    print("before:", [words[n] for n in order[:, 0]])
    results = {"probabilities": probabilities, "order": order}

    # what is before fc7 stays, so that its output is computed but once
    for layer in lasagne.layers.get_all_layers(net["fc6"]):
        for param in layer.params:
            layer.params[param].discard("trainable")
    output_layer = DenseLayer(
        net["fc7"], num_units=3, nonlinearity=softmax, W=lasagne.init.Normal(0.1)
    )
    compute_features = theano.function(
        [X_sym], lasagne.layers.get_output(net["fc6"], deterministic=True)
    )
    features = np.concatenate(
        [compute_features(x) for x, _ in iterate_minibatches(X, y)]
    )
    results["features"] = features
    prediction = lasagne.layers.get_output(
        output_layer, {net["fc6"]: features_sym}, deterministic=True
    )
    loss = categorical_crossentropy(prediction, y_sym).mean()
    accuracy = T.eq(T.argmax(prediction, axis=1), y_sym).mean(dtype="float32")
    params = lasagne.layers.get_all_params(output_layer, trainable=True)
    print("train", len(params), "of", len(lasagne.layers.get_all_params(output_layer)))
    step = theano.shared(np.int32(0), "step")
    rate = ifelse(T.lt(step, 12), np.float32(0.02), np.float32(0.005))
    updates = lasagne.updates.nesterov_momentum(loss, params, rate, 0.9)
    updates[step] = step + 1
    train = theano.function([features_sym, y_sym], [loss, accuracy], updates=updates)
    results["head"] = [
        train(*b) for _ in range(6) for b in iterate_minibatches(features, y)
    ]

    # fine-tuning, the last block of convolutions too, each at a rate of its own
    layer = net["conv3_1"]
    layer.params[layer.W].add("trainable")
    params = lasagne.layers.get_all_params(output_layer, trainable=True)
    rates = [np.float32(0.002 if p is layer.W else 0.02) for p in params]
    for name, options in [("tuned", dict(deterministic=True)), ("random_tuned", {})]:
        prediction = lasagne.layers.get_output(output_layer, **options)
        loss = categorical_crossentropy(prediction, y_sym).mean()
        loss += 1e-4 * lasagne.regularization.regularize_network_params(
            output_layer, lasagne.regularization.l2, tags={"trainable": True}
        )
        grads = T.grad(loss, params)
        updates = [(p, p - rate * g) for p, rate, g in zip(params, rates, grads)]
        tune = theano.function(
            [X_sym, y_sym], loss, updates=updates, allow_input_downcast=True
        )
        losses = [tune(*b) for _ in range(3) for b in iterate_minibatches(X, y)]
        print(name, np.mean(losses[:4]), "->", np.mean(losses[-4:]))
        results[name] = losses if options else np.mean(losses)
        for n, p in enumerate(params):
            results.setdefault("param_%d" % n, p.get_value())  # before the noise
    np.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
