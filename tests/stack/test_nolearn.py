"""nolearn's own NeuralNet: with scikit-learn, pickled, called back."""

import pickle

import numpy as np
import pytest
import theano
from lasagne import layers
from lasagne.nonlinearities import softmax, tanh
from nolearn.lasagne import NeuralNet, PrintLog
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

from tests.helpers.fresh_process import run


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    X = rng.rand(60, 4).astype("f")
    return X, (X @ rng.rand(4, 2)).astype("f")


def net(**changes):
    definition = dict(
        layers=[
            ("input", layers.InputLayer),
            ("hidden", layers.DenseLayer),
            ("drop", layers.DropoutLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 4),
        hidden_num_units=5,
        output_num_units=2,
        output_nonlinearity=None,
        update_learning_rate=theano.shared(np.float32(0.05)),
        update_momentum=0.9,
        regression=True,
        max_epochs=3,
    )
    return NeuralNet(**definition | changes)


def test_history_and_score(data):
    trained = net(drop_p=0).fit(*data)
    assert [row["epoch"] for row in trained.train_history_] == [1, 2, 3]
    losses = [row["train_loss"] for row in trained.train_history_]
    assert losses[-1] < losses[0]
    # nolearn hands r2_score the prediction first.
    expected = r2_score(trained.predict(data[0]), data[1])
    assert trained.score(*data) == pytest.approx(expected)


def test_shared_hyperparameters_act(data):
    still = net()
    still.update_learning_rate.set_value(np.float32(0))
    still.initialize()
    before = still.get_all_params_values()["hidden"][0]
    still.fit(*data)
    np.testing.assert_array_equal(still.get_all_params_values()["hidden"][0], before)
    still.update_learning_rate.set_value(np.float32(0.1))
    still.fit(*data)
    assert not np.array_equal(still.get_all_params_values()["hidden"][0], before)


def test_a_clone_is_fresh(data):
    trained = net().fit(*data)
    copy = clone(trained)
    assert copy.train_history_ == []
    assert not hasattr(copy, "layers_")
    assert copy.update_learning_rate is not trained.update_learning_rate
    assert copy.get_params()["hidden_num_units"] == 5


def test_a_clone_prints_once(data, capsys):
    first = net(verbose=1, max_epochs=1)
    copy = clone(clone(first))
    assert sum(type(h) is PrintLog for h in copy.on_epoch_finished) == 1
    copy.fit(*data)
    assert capsys.readouterr().out.count("trn loss") == 1


def test_the_callers_list_of_callbacks_stays():
    handlers = []
    net(verbose=1, on_epoch_finished=handlers)
    assert handlers == []


@pytest.mark.slow
def test_set_params_and_search(data):
    changed = net().set_params(max_epochs=2, hidden_num_units=3)
    changed.fit(*data)
    assert len(changed.train_history_) == 2
    assert changed.get_all_params_values()["hidden"][0].shape == (4, 3)
    search = GridSearchCV(net(max_epochs=1), {"hidden_num_units": [2, 3]}, cv=2)
    search.fit(*data)
    assert search.best_params_["hidden_num_units"] in (2, 3)


def test_stop_iteration_ends_training(data):
    def stop(net, history):
        if len(history) == 2:
            raise StopIteration

    stopped = net(max_epochs=50, on_epoch_finished=[stop]).fit(*data)
    assert len(stopped.train_history_) == 2


def test_parameters_move_between_nets(data, tmp_path):
    first, second, third = net().fit(*data), net(), net()
    second.load_params_from(first)
    first.save_params_to(tmp_path / "params")
    third.load_params_from(str(tmp_path / "params"))
    expected = first.predict(data[0])
    np.testing.assert_array_equal(second.predict(data[0]), expected)
    np.testing.assert_array_equal(third.predict(data[0]), expected)


@pytest.mark.process
@pytest.mark.slow
def test_a_pickle_loads_where_nobody_imported_kfkd(data, tmp_path):
    trained = net().fit(*data)
    (tmp_path / "net.pickle").write_bytes(pickle.dumps(trained, -1))
    np.save(tmp_path / "X.npy", data[0])
    code = """
import pickle, sys, numpy as np
with open("net.pickle", "rb") as file:
    net = pickle.load(file)
np.save("y.npy", net.predict(np.load("X.npy")))
net.fit(np.load("X.npy"), net.predict(np.load("X.npy")))
assert len(net.train_history_) == 6
"""
    run(code, tmp_path)
    found = np.load(tmp_path / "y.npy")
    np.testing.assert_array_equal(found, trained.predict(data[0]))


def test_classification_with_labels(data):
    X = data[0]
    labels = np.where(X[:, 0] > X[:, 1], "more", "less")
    classifier = NeuralNet(
        layers=[("input", layers.InputLayer), ("output", layers.DenseLayer)],
        input_shape=(None, 4),
        output_num_units=2,
        output_nonlinearity=softmax,
        update_learning_rate=0.5,
        update_momentum=0.9,
        use_label_encoder=True,
        max_epochs=60,
    ).fit(X, labels)
    assert classifier.score(X, labels) > 0.9


def test_a_notebook_shows_a_net():
    page = net()._repr_html_()
    assert "hidden_num_units" in page


def test_parameters_of_layers_may_be_set_later(data):
    changed = net().set_params(hidden_nonlinearity=tanh, max_epochs=1)
    assert clone(changed).get_params()["hidden_nonlinearity"] is tanh
    changed.fit(*data)
    assert changed.layers_["hidden"].nonlinearity is tanh
    with pytest.raises(ValueError, match="Unused kwarg: hiden_num_units"):
        net().set_params(hiden_num_units=3).initialize()
