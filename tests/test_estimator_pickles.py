"""Pickles of a NeuralNet."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import lasagne
import numpy as np
import pytest
import theano
from lasagne import layers

from kfkd.callbacks import AdjustVariable
from kfkd.estimator import NeuralNet
from tests.helpers import small_faces
from tests.helpers.small_faces import params

ROOT = Path(__file__).resolve().parent.parent


def scheduled():
    return small_faces.small(
        update_learning_rate=theano.shared(np.float32(0.03)),
        on_epoch_finished=[AdjustVariable("update_learning_rate", 0.03, 0.01)],
        max_epochs=5,
    )


def test_a_pickle_is_small_and_gives_the_same_net(capfd):
    X, y = small_faces.rows()
    net = scheduled().fit(X, y, epochs=2)
    text = pickle.dumps(net)
    assert len(text) < 1.1 * params(net).nbytes + 10_000
    loaded = pickle.loads(text)
    assert type(loaded) is NeuralNet
    assert np.array_equal(loaded.predict(X), net.predict(X))
    assert loaded.train_history_ == net.train_history_
    assert capfd.readouterr() == ("", "")


def test_training_goes_on_after_loading():
    X, y = small_faces.rows()
    net = scheduled().seed(1).fit(X, y, epochs=2)  # others may be at a maximum
    loaded = pickle.loads(pickle.dumps(net))
    assert loaded.update_learning_rate is not net.update_learning_rate
    assert loaded.update_learning_rate.get_value() == np.float32(0.025)
    used = []
    loaded.on_batch_finished = [
        lambda net, history: used.append(float(net.update_learning_rate.get_value()))
    ]
    loaded.fit(X, y, epochs=2)
    assert used == pytest.approx([0.025, 0.02])
    assert [row["epoch"] for row in loaded.train_history_] == [1, 2, 3, 4]
    assert loaded.train_history_[-1]["train_loss"] < net.train_history_[0]["train_loss"]
    assert len(net.train_history_) == 2


def test_loading_leaves_lasagnes_generator_alone():
    text = pickle.dumps(small_faces.small().fit(*small_faces.rows(), epochs=1))
    lasagne.random.set_rng(np.random.RandomState(1))
    pickle.loads(text)
    expected = np.random.RandomState(1).randint(10**9)
    assert lasagne.random.get_rng().randint(10**9) == expected


@pytest.mark.process
@pytest.mark.slow
def test_a_bare_pickle_load_in_a_fresh_process(tmp_path):
    X, y = small_faces.rows()
    net = small_faces.small(verbose=1).fit(X, y, epochs=1)
    (tmp_path / "net.pickle").write_bytes(pickle.dumps({"specialist": net}))
    np.save(tmp_path / "X.npy", X)
    script = (
        "import pickle, numpy; net = pickle.load(open('net.pickle', 'rb'))"
        "['specialist']; numpy.save('y.npy', net.predict(numpy.load('X.npy')))"
    )
    result = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), net.predict(X), atol=1e-6)


def test_a_net_of_layer_instances_pickles():
    stack = layers.InputLayer((None, 9216))
    stack = layers.DenseLayer(stack, 30, nonlinearity=None)
    net = NeuralNet(stack, regression=True, update_learning_rate=0.001, max_epochs=1)
    X, y = small_faces.rows()
    net.fit(X, y)
    assert np.array_equal(pickle.loads(pickle.dumps(net)).predict(X), net.predict(X))
