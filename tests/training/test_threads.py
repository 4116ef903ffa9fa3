"""Threads leave each other's batches and results alone."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import nolearn.lasagne
import numpy as np
import pytest
from nolearn.lasagne import BatchIterator

from kfkd.estimator import NeuralNet
from tests.helpers.iterators import (
    InPlace,
    OwnCall,
    OwnLoop,
    in_place,
    iterators,
    own_loop,
)
from tests.helpers.small_nets import regressor, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])


@KINDS
@iterators(partial(BatchIterator, 16), in_place, OwnCall)
def test_threads_get_their_own_predictions(iterator, kind):
    X, y = rows()
    made = regressor(kind).fit(X, y)
    made.batch_iterator_test = iterator()
    sets = [
        np.random.RandomState(i).rand(10 + i, 8).astype("float32") for i in range(8)
    ]
    expected = [made.predict(given) for given in sets]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda i: made.predict(sets[i % 8]), range(160)))
    finally:
        sys.setswitchinterval(before)
    for i, array in enumerate(found):
        np.testing.assert_allclose(array, expected[i % 8], rtol=1e-5, atol=1e-5)


@KINDS
@iterators(partial(BatchIterator, 16), in_place, own_loop)
def test_a_net_predicts_in_one_thread_while_it_trains_in_another(iterator, kind):
    X, y = rows()
    made = regressor(kind, batch_iterator_test=iterator(), max_epochs=30)
    made.fit(X, y, epochs=1)
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(made.fit, X, y)
        while not training.done():
            assert made.predict(X[:33]).shape == (33, 3)
        training.result()
    assert len(made.train_history_) == 31


@pytest.mark.parametrize("kind", [InPlace, OwnLoop, OwnCall])
def test_a_training_that_fails_holds_nothing_that_others_wait_for(kind):
    X, y = rows()

    def fail(y, p):
        raise RuntimeError("a score")

    iterator = kind(16) if issubclass(kind, BatchIterator) else kind()
    net = regressor(batch_iterator_test=iterator).fit(X, y)
    expected = net.predict(X)
    net.custom_scores = [("fails", fail)]
    with pytest.raises(RuntimeError, match="a score") as kept:
        net.fit(X, y, epochs=1)
    net.custom_scores = None
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(net.predict, X).result(timeout=60)
    assert found.shape == expected.shape
    assert kept.value is not None  # with its traceback


def test_nets_of_nolearns_own_train_side_by_side():
    X, y = rows(2000)
    nets = [
        regressor(nolearn.lasagne.NeuralNet, update_learning_rate=0.0) for _ in range(4)
    ]
    nets[0].batch_iterator_train.batch_size = 7
    nets[0].train_split.eval_size = 0.5
    assert regressor(nolearn.lasagne.NeuralNet).batch_iterator_train.batch_size == 128
    assert regressor().train_split.eval_size == 0.2
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda net, shift: net.fit(X, y + shift), nets, range(4)))
    for net, shift in zip(nets, range(4), strict=True):
        valid = net.train_split(X, y + shift, net)
        loss = ((net.predict(valid[1]) - valid[3]) ** 2).mean()
        found = [row["valid_loss"] for row in net.train_history_]
        assert found == pytest.approx([loss] * 3, rel=1e-4)


@pytest.mark.parametrize("iterator", [OwnCall(), lambda X, y=None: [(X, y)]])
def test_a_callback_may_wait_for_a_thread_that_predicts(iterator):
    X, y = rows()
    found = []
    with ThreadPoolExecutor(1) as pool:

        def predict(net, history):
            found.append(pool.submit(net.predict, X[:3]).result(timeout=60))

        net = regressor(
            batch_iterator_train=iterator,
            batch_iterator_test=iterator,
            on_batch_finished=[predict],
            max_epochs=2,
        ).fit(X, y)
    assert [part.shape for part in found] == [(3, 3)] * 2
    assert len(net.train_history_) == 2
