"""Recurrent cells that evolve: random genomes, mutated; the fitness is a loss."""

from __future__ import print_function

import sys

import lasagne
import numpy as np
import theano
import theano.tensor as T
from lasagne.layers import (
    CustomRecurrentLayer,
    DenseLayer,
    DropoutLayer,
    InputLayer,
    MergeLayer,
)
from lasagne.nonlinearities import LeakyRectify, identity, sigmoid, tanh

LENGTH, N_IN, N_HIDDEN, N_BATCH = 4, 4, 5, 16
floatX = theano.config.floatX
COMBINE = {
    "add": T.add,
    "mul": T.mul,
    "max": T.maximum,
    "gate": lambda a, b: T.nnet.sigmoid(a) * b,
    "choose": lambda a, b: T.switch(T.gt(a, 0), b, 0.5 * b),
}
UNARY = {
    "tanh": tanh,
    "sigmoid": sigmoid,
    "identity": identity,
    "leaky": LeakyRectify(0.1),
    "minus": lambda x: 1 - x,
    "abs": abs,
}


class EvolvedCellLayer(MergeLayer):
    """Nodes 0 to 2 are of input, hidden state and memory; each gene makes one more,
    from the last and any other; the last is the next hidden state, the last but one
    changes the memory."""

    def __init__(
        self, incoming, num_units, genome, mask_input=None, unroll_scan=True, **kwargs
    ):
        incomings = [incoming] if mask_input is None else [incoming, mask_input]
        super(EvolvedCellLayer, self).__init__(incomings, **kwargs)
        self.num_units, self.genome, self.unroll_scan = num_units, genome, unroll_scan
        W, zero = lasagne.init.Orthogonal(), lasagne.init.Constant(0)
        self.W_in = self.add_param(W, (self.input_shapes[0][2], num_units), "W_in")
        self.W_hid = self.add_param(W, (num_units, num_units), "W_hid")
        self.b = self.add_param(zero, (num_units,), "b", regularizable=False)
        self.hid_init = self.add_param(
            zero, (1, num_units), "hid_init", regularizable=False
        )

    def get_output_shape_for(self, input_shapes):
        return input_shapes[0][0], self.num_units

    def get_output_for(self, inputs, **kwargs):
        x = inputs[0].dimshuffle(1, 0, 2)
        sequences = [T.dot(x, self.W_in) + self.b]
        if len(inputs) > 1:
            sequences.append(inputs[1].dimshuffle(1, 0, "x"))

        def step(x_t, *args):
            mask, (hid, memory, W_hid) = args[:-3], args[-3:]
            nodes = [x_t, T.dot(hid, W_hid), memory]
            nodes.append(tanh(nodes[0] + nodes[1]))
            for other, combine, unary in self.genome:
                node = COMBINE[combine](nodes[-1], nodes[other])
                nodes.append(UNARY[unary](node))
            new = [nodes[-1], 0.5 * (memory + tanh(nodes[-2]))]
            if mask:
                new = [T.switch(mask[0], a, b) for a, b in zip(new, [hid, memory])]
            return new

        start = T.dot(T.ones((x.shape[1], 1)), self.hid_init)
        arguments = dict(
            fn=step,
            sequences=sequences,
            non_sequences=[self.W_hid],
            outputs_info=[start, T.zeros_like(start)],
        )
        if self.unroll_scan:
            hidden, _ = lasagne.utils.unroll_scan(
                n_steps=self.input_shapes[0][1], go_backwards=False, **arguments
            )
        else:
            (hidden, _), _ = theano.scan(strict=True, **arguments)
        return hidden[-1]


def random_gene(rng, n_nodes):
    return (
        rng.randint(n_nodes),
        sorted(COMBINE)[rng.randint(len(COMBINE))],
        sorted(UNARY)[rng.randint(len(UNARY))],
    )


def mutate(rng, genome):
    genome = list(genome)
    if rng.uniform() < 0.3:
        return genome + [random_gene(rng, 4 + len(genome))]
    place = rng.randint(len(genome))
    genome[place] = random_gene(rng, 4 + place)
    return genome


def compile_net(l_cell, x, mask, y, extra=(), **options):
    l_out = DenseLayer(l_cell, 3, nonlinearity=lasagne.nonlinearities.softmax)
    loss = lasagne.objectives.categorical_crossentropy(
        lasagne.layers.get_output(l_out, **options), y
    ).mean()
    loss += 1e-3 * lasagne.regularization.regularize_network_params(
        l_out, lasagne.regularization.l2
    )
    params = lasagne.layers.get_all_params(l_out, trainable=True)
    updates = lasagne.updates.adam(loss, params, learning_rate=0.02)
    return theano.function(
        [x, mask, y], [loss] + list(extra), updates=updates, on_unused_input="ignore"
    )


def main():
    rng = np.random.RandomState(77)
    lasagne.random.set_rng(np.random.RandomState(78))
    data_x = rng.normal(size=(N_BATCH, LENGTH, N_IN)).astype(floatX)
    lengths = rng.randint(2, LENGTH + 1, N_BATCH)
    data_mask = (np.arange(LENGTH) < lengths[:, None]).astype(floatX)
    data_y = (data_x[:, 0, :3] + 0.5 * data_x[:, 1, :3]).argmax(1).astype("int32")
    x, mask, y = T.tensor3("x"), T.matrix("mask"), T.ivector("y")
    l_in = InputLayer((None, LENGTH, N_IN), x)
    l_mask = InputLayer((None, LENGTH), mask)

    def fitness(genome, **options):
        l_cell = EvolvedCellLayer(l_in, N_HIDDEN, genome, mask_input=l_mask, **options)
        train = compile_net(l_cell, x, mask, y)
        return [float(train(data_x, data_mask, data_y)[0]) for _ in range(8)]

    parent = [random_gene(rng, 4 + n) for n in range(3)]
    results = {"losses": [fitness(parent)]}
    best = results["losses"][0][-1]
    for generation in range(3):
        child = mutate(rng, parent)
        results["losses"].append(fitness(child))
        value = results["losses"][-1][-1]
        print("generation {}: {:.4f} of {}".format(generation, value, child))
        if value <= best:
            best, parent = value, child
    results["losses_of_scan"] = fitness(parent, unroll_scan=False)

    # any layers may be in a cell of Lasagne's own; the best genome chooses among them
    for unroll in (True, False):
        l_hid = DropoutLayer(InputLayer((None, N_HIDDEN)), p=0.3)
        l_hid = DenseLayer(l_hid, 7, nonlinearity=UNARY[parent[-1][2]])
        l_hid = DenseLayer(l_hid, N_HIDDEN, b=None, nonlinearity=None)
        l_rec = CustomRecurrentLayer(
            l_in,
            DenseLayer(InputLayer((None, N_IN)), N_HIDDEN, nonlinearity=None),
            l_hid,
            nonlinearity=tanh,
            mask_input=l_mask,
            learn_init=True,
            unroll_scan=unroll,
            only_return_final=True,
        )
        states = lasagne.layers.get_output(l_rec, deterministic=True)
        train = compile_net(l_rec, x, mask, y, [states], deterministic=True)
        steps = [train(data_x, data_mask, data_y) for _ in range(8)]
        results["custom_%d" % unroll] = [loss for loss, _ in steps]
        results["states_%d" % unroll] = steps[-1][1]
    np.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
