"""NeuralNet: its trainings, seeds and predictions."""

import concurrent.futures
import contextlib
import threading

import lasagne
import nolearn.lasagne
import numpy as np
import pytest
import sklearn.base
from lasagne import layers
from sklearn.model_selection import cross_val_score

from kfkd.augment import FlipBatchIterator
from kfkd.errors import StateError
from kfkd.nets import make
from tests.helpers import small_faces
from tests.helpers.small_faces import losses, params


def numpy_training(weights, X, y, epochs):
    """Losses of net1's epochs, as the tutorial describes them, in plain NumPy."""
    weights = [w.astype(float) for w in weights]
    velocities = [np.zeros_like(w) for w in weights]
    n_valid = len(X) // 5
    valid, train = slice(0, n_valid), slice(n_valid, None)

    def forward(X):
        W1, b1, W2, b2 = weights
        before = X @ W1 + b1
        return before, np.maximum(before, 0) @ W2 + b2

    def batches(part):
        X_part, y_part = X[part].astype(float), y[part].astype(float)
        for i in range(0, len(X_part), 128):
            yield X_part[i : i + 128], y_part[i : i + 128]

    history = []
    for _ in range(epochs):
        total = count = 0
        for Xb, yb in batches(train):
            before, output = forward(Xb)
            total += ((output - yb) ** 2).mean() * len(Xb)
            count += len(Xb)
            d_output = 2 * (output - yb) / output.size
            d_before = d_output @ weights[2].T * (before > 0)
            gradients = [
                Xb.T @ d_before,
                d_before.sum(axis=0),
                np.maximum(before, 0).T @ d_output,
                d_output.sum(axis=0),
            ]
            for w, v, g in zip(weights, velocities, gradients, strict=True):
                v[:] = 0.9 * v - 0.01 * g
                w += 0.9 * v - 0.01 * g
        errors = [
            ((forward(Xb)[1] - yb) ** 2).mean(axis=1) for Xb, yb in batches(valid)
        ]
        history.append((total / count, np.concatenate(errors).mean()))
    return history


def test_net1_trains_as_an_independent_implementation_does():
    faces, labels = small_faces.rows()
    X = np.concatenate([faces * share for share in np.linspace(0.5, 1, 14)])
    y = np.tile(
        labels, (14, 1)
    )  # batches of 128, 128, 128, 128, 48; validation 128, 12
    X = X.astype(np.float32)
    net = make("net1", verbose=0).seed(3)
    net.initialize()
    weights = [p.get_value() for p in net.get_all_params()]
    assert [w.shape for w in weights] == [(9216, 100), (100,), (100, 30), (30,)]
    net.fit(X, y, epochs=5)
    expected = numpy_training(weights, X, y, epochs=5)
    np.testing.assert_allclose(losses(net), expected, rtol=1e-4)


def test_a_seed_repeats_training_and_another_does_not():
    X, y = small_faces.images(20)

    def train(seed):
        net = small_faces.small(
            layers=[
                ("input", layers.InputLayer),
                ("dropout", layers.DropoutLayer),
                ("hidden", layers.DenseLayer),
                ("output", layers.DenseLayer),
            ],
            input_shape=(None, 1, 96, 96),
            batch_iterator_train=FlipBatchIterator(batch_size=8),
        ).seed(seed)
        lasagne.random.get_rng().random_sample()  # others may draw, too
        return net.fit(X, y)

    first, again, other = train(5), train(5), train(6)
    assert losses(first) == losses(again)
    assert np.array_equal(params(first), params(again))
    assert losses(first) != losses(other)


def test_seeding_leaves_lasagnes_generator_alone():
    lasagne.random.set_rng(np.random.RandomState(1))
    small_faces.small().seed(5).fit(*small_faces.rows(), epochs=1)
    assert lasagne.random.get_rng().randint(10**9) == np.random.RandomState(1).randint(
        10**9
    )


def test_lasagnes_generator_decides_unless_the_net_is_seeded():
    nets = []
    for seed in (1, 1, 2):
        lasagne.random.set_rng(np.random.RandomState(seed))
        nets.append(small_faces.small().fit(*small_faces.rows()))
    assert losses(nets[0]) == losses(nets[1]) != losses(nets[2])


def test_seeds_count_in_threads_too(monkeypatch):
    alone = [make("net1").seed(seed) for seed in (1, 2)]
    for net in alone:
        net.initialize()
    both_wait = threading.Barrier(2)
    make_layers = nolearn.lasagne.NeuralNet.initialize_layers

    def wait_first(net, layers=None):
        with contextlib.suppress(threading.BrokenBarrierError):
            both_wait.wait(timeout=0.5)  # for a thread that should not come
        return make_layers(net, layers)

    monkeypatch.setattr(nolearn.lasagne.NeuralNet, "initialize_layers", wait_first)
    nets = [make("net1").seed(seed) for seed in (1, 2)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda net: net.initialize(), nets))
    for net, same in zip(nets, alone, strict=True):
        np.testing.assert_array_equal(params(net), params(same))


def test_seeding_comes_too_late_after_training():
    net = small_faces.small().fit(*small_faces.rows(), epochs=1)
    with pytest.raises(StateError, match="has its weights already"):
        net.seed(1)
    sklearn.base.clone(net).seed(1)


def test_fit_goes_on_where_it_was():
    whole = small_faces.small(max_epochs=5).seed(1).fit(*small_faces.rows())
    parts = small_faces.small(max_epochs=2).seed(1).fit(*small_faces.rows())
    parts.partial_fit(*small_faces.rows())
    parts.fit(*small_faces.rows())
    assert [row["epoch"] for row in parts.train_history_] == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(losses(parts), losses(whole), rtol=1e-6)
    assert parts.epochs_ == 2


def test_each_net_has_iterators_of_its_own():
    first, second = small_faces.small(), small_faces.small()
    first.batch_iterator_train.batch_size = 3
    first.batch_iterator_test.batch_size = 3
    first.train_split.eval_size = 0.5
    plain = small_faces.small(nolearn.lasagne.NeuralNet)
    for net in (second, plain):
        assert net.batch_iterator_train.batch_size == 128
        assert net.batch_iterator_test.batch_size == 128
        assert net.train_split.eval_size == 0.2
    mine = nolearn.lasagne.BatchIterator(7)
    assert small_faces.small(batch_iterator_train=mine).batch_iterator_train is mine


def test_a_net_trains_without_a_validation_set():
    net = small_faces.small(train_split=nolearn.lasagne.TrainSplit(eval_size=0))
    net.fit(*small_faces.rows())
    assert np.isnan(net.train_history_[-1]["valid_loss"])


def test_predict_get_output_and_score():
    X, y = small_faces.rows()
    net = small_faces.small(batch_iterator_test=nolearn.lasagne.BatchIterator(16)).fit(
        X, y
    )
    W1, b1, W2, b2 = (p.get_value().astype(float) for p in net.get_all_params())
    hidden = np.maximum(X @ W1 + b1, 0)
    expected = hidden @ W2 + b2
    predicted = net.predict(X)
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, expected, atol=1e-5)
    np.testing.assert_allclose(net.get_output("hidden", X), hidden, atol=1e-5)
    ratio = ((y - expected) ** 2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    assert net.score(X, y) == pytest.approx(1 - ratio.mean(), rel=1e-3)


def test_scikit_learn_cross_validates_it():
    X, y = small_faces.rows()
    scores = cross_val_score(small_faces.small(), X, y, cv=2)
    net = small_faces.small()
    assert scores.shape == (2,)
    assert (scores < 1).all()
    assert net.train_history_ == []
