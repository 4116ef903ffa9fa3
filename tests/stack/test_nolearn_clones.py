"""Clones of nets, nolearn's and ours, are as the nets were before they were trained."""

import pickle
import threading

import nolearn.lasagne
import numpy as np
import pytest
import theano
from lasagne import layers
from lasagne.nonlinearities import tanh
from nolearn.lasagne import BatchIterator
from nolearn.lasagne.handlers import RememberBestWeights, RestoreBestWeights
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import regressor, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])


class Halves:
    """Halves the learning rate, and notes what it has seen."""

    def __init__(self):
        self.seen = []

    def __call__(self, net, train_history):
        self.seen.append(len(train_history))
        rate = net.update_learning_rate
        rate.set_value(rate.get_value() / np.float32(2))


def dense(units, **options):
    """Return a layer of eight inputs, of which no unit is at 0 for all rows."""
    return layers.DenseLayer(
        layers.InputLayer((None, 8)), units, nonlinearity=tanh, **options
    )


class Locked:
    """Holds what cannot be copied."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, net, train_history):
        pass


def from_layers(kind):
    first = dense(5)
    output = layers.DenseLayer(first, 3, nonlinearity=None)
    return kind(layers=output, update_learning_rate=0.01, regression=True, max_epochs=5)


def from_definition(kind):
    remember = RememberBestWeights(score="train_loss")
    return regressor(
        kind,
        on_epoch_finished=[remember, Halves()],
        on_training_finished=[RestoreBestWeights(remember)],
        batch_iterator_train=BatchIterator(16, shuffle=True),
        update_learning_rate=theano.shared(np.float32(0.02)),
        verbose=1,
    )


def state(net):
    """Return what training would start from, but for the weights of a definition."""
    values = [
        [p.get_value().tolist() for p in layers.get_all_params(layer)]
        for layer in net.layers
        if isinstance(layer, layers.Layer)
    ]
    rate = net.update_learning_rate
    rate = float(rate.get_value()) if hasattr(rate, "get_value") else rate
    seen = [list(h.seen) for h in net.on_epoch_finished if isinstance(h, Halves)]
    draws = net.batch_iterator_train.random.get_state()[1].tolist()
    return values, rate, seen, draws, len(net.train_history_)


@KINDS
@pytest.mark.parametrize("make", [from_layers, from_definition])
@pytest.mark.parametrize("loaded", [False, True])
def test_a_clone_of_a_trained_net_is_not_trained(loaded, make, kind):
    net = make(kind)
    before = state(net)
    clone_of_fresh = state(clone(net))
    net.fit(*rows())
    trained = state(net)
    if loaded:
        net = pickle.loads(pickle.dumps(net))
    made = clone(net)
    assert state(made) == clone_of_fresh == before
    assert state(net) == trained != before
    assert len(made.on_epoch_finished) == len(net.on_epoch_finished)
    assert state(clone(clone(net))) == before
    made.fit(*rows())
    assert state(net) == trained


@KINDS
def test_callbacks_that_belong_together_still_do(kind):
    made = clone(from_definition(kind).fit(*rows()))
    remember, _ = (h for h in made.on_epoch_finished if "Print" not in type(h).__name__)
    assert made.on_training_finished[0].remember is remember
    assert remember.best_weights is None


@KINDS
def test_what_is_changed_after_training_is_in_the_clone(kind):
    net = from_definition(kind).fit(*rows())
    iterator, callback = BatchIterator(9), Halves()
    net.set_params(batch_iterator_train=iterator, max_epochs=7)
    net.on_epoch_finished.append(callback)
    made = clone(net)
    assert (made.batch_iterator_train.batch_size, made.max_epochs) == (9, 7)
    assert made.batch_iterator_train is not iterator
    first, second = (h for h in made.on_epoch_finished if isinstance(h, Halves))
    assert callback not in (first, second)


@KINDS
def test_scores_of_a_trained_net_are_those_of_a_fresh_one(kind):
    X, y = rows()
    net = from_layers(kind)
    before = cross_val_score(net, X, y, cv=3)
    net.fit(X, y, epochs=50)
    np.testing.assert_array_equal(cross_val_score(net, X, y, cv=3), before)


@KINDS
def test_a_grid_of_nets_with_callbacks(kind):
    X, y = rows()
    net = from_definition(kind).fit(X, y)
    found = GridSearchCV(net, {"hidden_num_units": [2, 5]}, cv=2, error_score="raise")
    found.fit(X, y)
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()


@KINDS
def test_a_callback_that_cannot_be_copied_does_not_stop_training(kind):
    net = regressor(kind, on_epoch_finished=[Locked()])
    assert len(net.fit(*rows()).train_history_) == 3
    with pytest.raises(TypeError, match="cannot pickle"):
        clone(net)


def same_names(kind, names=("same", "same"), **options):
    first = dense(5, name=names[0])
    output = layers.DenseLayer(first, 3, nonlinearity=None, name=names[1])
    options |= dict(update_learning_rate=0.01, regression=True, max_epochs=3)
    return kind(layers=output, **options)


@KINDS
def test_layers_of_one_name_are_all_trained_and_saved(kind, tmp_path):
    X, y = rows()
    net = same_names(kind)
    net.initialize()
    assert list(net.layers_) == ["input0", "same", "same_2"]
    before = [p.get_value() for p in net.get_all_params()]
    net.fit(X, y)
    for old, param in zip(before, net.get_all_params(), strict=True):
        assert not np.array_equal(old, param.get_value())
    net.save_params_to(str(tmp_path / "weights"))
    other = same_names(kind)
    other.load_params_from(str(tmp_path / "weights"))
    np.testing.assert_array_equal(other.predict(X), net.predict(X))


def both_heads(layers, target, **options):
    outputs = [layers[name] for name in ("dense2", "dense2_2")]
    found = nolearn.lasagne.base.get_output(outputs, deterministic=False)
    return sum(
        ((part - target[:, i : i + 1]) ** 2).mean() for i, part in enumerate(found)
    )


@KINDS
def test_a_net_with_two_unnamed_heads(kind):
    X, y = rows()
    first = dense(5)
    heads = [layers.DenseLayer(first, 1, nonlinearity=None) for _ in range(2)]
    net = kind(
        layers=heads,
        objective=both_heads,
        update_learning_rate=0.01,
        regression=True,
        max_epochs=30,
    )
    net.initialize()
    before = [p.get_value() for p in net.get_all_params()]
    net.fit(X, y[:, :2])
    for old, param in zip(before, net.get_all_params(), strict=True):
        assert not np.array_equal(old, param.get_value())
    assert [part.shape for part in net.predict(X)] == [(60, 1), (60, 1)]
    assert net.train_history_[-1]["train_loss"] < net.train_history_[0]["train_loss"]
