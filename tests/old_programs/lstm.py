"""The sum of two marked numbers of a sequence, the adding problem, by an LSTM."""

from __future__ import print_function

import lasagne
import numpy as np
import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

N_HIDDEN, LENGTH, N_BATCH, GRAD_CLIP = 20, 6, 50, 100


def gen_data(n_batch=N_BATCH):
    X = np.random.uniform(size=(n_batch, LENGTH, 2)).astype(theano.config.floatX)
    mask = np.ones((n_batch, LENGTH), theano.config.floatX)
    y = np.zeros((n_batch,), theano.config.floatX)
    X[:, :, 1] = 0
    for n in range(n_batch):
        length = np.random.randint(LENGTH - 3, LENGTH + 1)
        mask[n, length:] = 0
        i, j = np.random.choice(length, 2, replace=False)
        X[n, [i, j], 1] = 1
        y[n] = X[n, [i, j], 0].sum()
    return X, y, mask


def main(n_batches=120):
    np.random.seed(3)
    lasagne.random.set_rng(np.random.RandomState(3))
    l_in = lasagne.layers.InputLayer(shape=(None, None, 2))
    l_mask = lasagne.layers.InputLayer(shape=(None, None))
    gate = lasagne.layers.Gate(
        W_in=lasagne.init.GlorotUniform(), b=lasagne.init.Constant(1.0))
    l_forward = lasagne.layers.LSTMLayer(
        l_in, N_HIDDEN, mask_input=l_mask, forgetgate=gate, learn_init=True,
        peepholes=False, grad_clipping=GRAD_CLIP, only_return_final=True)
    l_out = lasagne.layers.DenseLayer(l_forward, num_units=1, nonlinearity=None)

    target_values = T.vector("target_output")
    # a column, and a vector
    prediction = lasagne.layers.get_output(l_out)
    noise = RandomStreams(5).normal(target_values.shape, std=1e-3)
    cost = lasagne.objectives.squared_error(prediction, target_values + noise).mean()
    all_params = lasagne.layers.get_all_params(l_out, trainable=True)
    grads = lasagne.updates.total_norm_constraint(T.grad(cost, all_params), 5.0)
    updates = lasagne.updates.adam(grads, all_params, 0.03)
    train = theano.function(
        [l_in.input_var, target_values, l_mask.input_var], cost, updates=updates,
        allow_input_downcast=True)
    costs = [float(train(*gen_data())) for _ in range(n_batches)]
    before, after = np.mean(costs[:5]), np.mean(costs[-5:])
    print("cost: {:.4f} -> {:.4f}".format(before, after))
    return before, after


if __name__ == "__main__":
    before, after = main()
