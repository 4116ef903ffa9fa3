"""Pickles of what the packages make load where kfkd has not been imported."""

import copy
import pickle
import pickletools

import lasagne
import nolearn.lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers

from tests.helpers.fresh_process import run

X = T.matrix("X")
LAYER = layers.DenseLayer(layers.InputLayer((None, 3), X), 2)
OUTPUT = layers.get_output(LAYER)
PARAMS = layers.get_all_params(LAYER)


@pytest.mark.parametrize(
    "thing",
    [
        theano.shared(np.ones(3)),
        theano.function([X], OUTPUT, mode="xla"),
        theano.function([X], OUTPUT, mode="FAST_COMPILE"),
        OUTPUT,
        OUTPUT.owner,
        T.constant(1.5),
        LAYER,
        PARAMS,
        layers.DropoutLayer(LAYER),
        layers.ConcatLayer([LAYER, LAYER]),
        lasagne.updates.momentum(OUTPUT.sum(), PARAMS, 0.1),
        lasagne.init.GlorotUniform(),
        nolearn.lasagne.BatchIterator(3),
        nolearn.lasagne.TrainSplit(0.2),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_the_first_that_is_imported_is_kfkd(thing):
    pickled = pickle.dumps(thing, protocol=0)
    names = (argument for code, argument, _ in pickletools.genops(pickled))
    first = next(name for name in names if isinstance(name, str) and " " in name)
    if first.startswith("collections"):  # of an OrderedDict
        first = next(name for name in names if isinstance(name, str) and " " in name)
    assert first == "kfkd.stack _rebuild"
    assert type(pickle.loads(pickle.dumps(thing, -1))) is type(thing)
    assert type(copy.deepcopy(thing)) is type(copy.copy(thing)) is type(thing)


@pytest.mark.process
def test_a_network_in_a_fresh_process(tmp_path):
    f = theano.function([X], OUTPUT)
    value = np.ones((4, 3), np.float32)
    (tmp_path / "all.pickle").write_bytes(pickle.dumps((PARAMS, LAYER, f), -1))
    code = """
import pickle
with open("all.pickle", "rb") as file:
    params, layer, f = pickle.load(file)
import lasagne, numpy as np
assert layer.W is params[0]
np.save("y.npy", f(np.ones((4, 3), np.float32)))
"""
    run(code, tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), f(value))
