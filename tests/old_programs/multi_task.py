"""One trunk and three heads: classes that may be missing, numbers, and sequences."""

from __future__ import print_function

import sys
from collections import OrderedDict

import lasagne
import numpy as np
import theano
import theano.tensor as T
from lasagne.layers import (
    DenseLayer,
    EmbeddingLayer,
    ExpressionLayer,
    GRULayer,
    InputLayer,
    batch_norm,
    get_all_params,
    get_output,
)
from lasagne.objectives import aggregate, categorical_crossentropy, squared_error
from lasagne.regularization import (
    l1,
    l2,
    regularize_layer_params,
    regularize_layer_params_weighted,
)

N_IN, N_CLASSES, N_TAGS, N_WORDS = 9, 3, 4, 11
floatX = theano.config.floatX


def build(x, words, mask):
    """Return the heads, the trunk's layers and the encoder of words."""
    l_in = InputLayer((None, N_IN), x, name="features")
    l_trunk1 = batch_norm(DenseLayer(l_in, 14, name="trunk1"))
    l_trunk2 = DenseLayer(
        l_trunk1,
        10,
        nonlinearity=lasagne.nonlinearities.elu,
        W=lasagne.init.HeUniform(),
        name="trunk2",
    )
    l_class = DenseLayer(
        l_trunk2, N_CLASSES, name="class", nonlinearity=lasagne.nonlinearities.softmax
    )
    l_value = DenseLayer(l_trunk2, 2, nonlinearity=None, name="value")
    # each word sees the features, by way of the first state of the recurrent layer
    l_words = InputLayer((None, None), words, name="words")
    l_mask = InputLayer((None, None), mask, name="mask")
    l_emb = EmbeddingLayer(l_words, N_WORDS, 6, W=lasagne.init.Normal(0.3), name="emb")
    l_gru = GRULayer(
        l_emb, 10, hid_init=l_trunk2, mask_input=l_mask, name="gru", grad_clipping=5
    )
    l_tags = DenseLayer(
        l_gru, N_TAGS, num_leading_axes=2, nonlinearity=None, name="tags"
    )
    l_tags = ExpressionLayer(l_tags, lambda z: T.exp(z - z.max(2, keepdims=True)))
    l_tags = ExpressionLayer(l_tags, lambda e: e / e.sum(axis=2, keepdims=True))
    return [l_class, l_value, l_tags], [l_trunk1, l_trunk2], l_emb


def make_batch(rng, size, length):
    x = rng.normal(size=(size, N_IN)).astype(floatX)
    labels = x[:, :N_CLASSES].argmax(1).astype("int32")
    labels[rng.uniform(size=size) < 0.4] = -1  # not known
    values = np.c_[x[:, 3] * x[:, 4], x[:, 5]].astype(floatX)
    values[rng.uniform(size=size) < 0.2] = np.nan  # not known, either
    words = rng.randint(N_WORDS, size=(size, length)).astype("int32")
    tags = ((words + (x[:, :1] > 0)) % N_TAGS).astype("int32")
    mask = (np.arange(length) < rng.randint(1, length + 1, (size, 1))).astype(floatX)
    return x, words, mask, labels, values, tags


def main():
    lasagne.random.set_rng(np.random.RandomState(42))
    rng = np.random.RandomState(43)
    x, words, mask = T.matrix("x"), T.imatrix("words"), T.matrix("mask")
    labels, values, tags = T.ivector("labels"), T.matrix("values"), T.imatrix("tags")
    heads, trunk, l_emb = build(x, words, mask)
    p_class, value, p_tags = get_output(heads, batch_norm_use_averages=False)

    # what is not known counts for nothing; a mean is over what is
    known = T.ge(labels, 0)
    each = categorical_crossentropy(p_class, T.switch(known, labels, 0))
    class_loss = aggregate(each, T.cast(known, floatX), mode="normalized_sum")
    rows = T.invert(T.isnan(values).any(axis=1)).nonzero()[0]
    value_loss = squared_error(value[rows], values[rows]).mean()
    flat = p_tags.reshape((-1, N_TAGS))
    each = categorical_crossentropy(T.clip(flat, 1e-7, 1 - 1e-7), tags.flatten())
    tag_loss = T.sum(each * mask.flatten()) / mask.sum()
    losses = OrderedDict(
        [("class", class_loss), ("value", value_loss), ("tag", tag_loss)]
    )

    # each task trains its own head at its own rate, all of them the trunk
    shared = get_all_params(trunk, trainable=True)
    penalty = 1e-2 * regularize_layer_params(trunk, l2)
    penalty += regularize_layer_params_weighted({heads[0]: 1e-3, heads[1]: 1e-2}, l1)
    rates = OrderedDict(
        (name, theano.shared(np.array(rate, floatX), name))
        for name, rate in [("class", 0.1), ("value", 0.05), ("tag", 0.3)]
    )
    updates = OrderedDict()
    for head, (name, loss) in zip(heads, losses.items()):
        own = [p for p in get_all_params(head, trainable=True) if p not in shared]
        updates.update(
            lasagne.updates.nesterov_momentum(
                loss + penalty, own, rates[name], momentum=0.8
            )
        )
        print(name, "trains", [p.name for p in own])
    total = 0.5 * class_loss + 0.3 * value_loss + tag_loss + penalty
    updates.update(lasagne.updates.rmsprop(total, shared, learning_rate=0.003))
    updates[l_emb.W] = lasagne.updates.norm_constraint(updates[l_emb.W], 1.0)
    # the averages of batch normalisation are updated by themselves
    inputs = [x, words, mask, labels, values, tags]
    train = theano.function(inputs, list(losses.values()) + [penalty], updates=updates)
    predict = theano.function([x, words, mask], get_output(heads, deterministic=True))
    # the output of any layer can be given
    given = {trunk[0]: T.tanh(T.dot(x, T.ones((N_IN, 14), dtype=floatX) / N_IN))}
    replaced = theano.function([x], get_output(heads[0], given, deterministic=True))

    results = {"losses": []}
    for epoch in range(5):
        for size, length in [(12, 5), (12, 8), (9, 6), (12, 11), (10, 7)]:
            results["losses"].append(train(*make_batch(rng, size, length)))
        for rate in rates.values():
            rate.set_value(lasagne.utils.floatX(rate.get_value() * 0.9))
        print("epoch", epoch, np.mean(results["losses"][-5:], axis=0))
    x_, words_, mask_ = make_batch(rng, 8, 9)[:3]
    for name, output in zip(losses, predict(x_, words_, mask_)):
        results["predicted_" + name] = output
    results["replaced"] = replaced(x_)
    names = [p.name for p in get_all_params(heads)]
    for name, array in zip(names, lasagne.layers.get_all_param_values(heads)):
        results[name] = array
    np.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
