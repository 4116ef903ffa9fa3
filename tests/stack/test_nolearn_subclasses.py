"""Subclasses of NeuralNet whose constructors make its parameters from their own."""

import copy
import pickle

import lasagne
import nolearn.lasagne
import numpy as np
import pytest
from lasagne import layers
from nolearn.lasagne import BatchIterator, TrainSplit
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from kfkd.errors import StateError
from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import regressor, rows


def options(units, rate):
    made = regressor(
        hidden_num_units=units, update_learning_rate=rate, update_momentum=0.0
    )
    names = ["layers", "regression", *made._kwarg_keys]
    return {name: getattr(made, name) for name in names}


class Closed(NeuralNet):
    def __init__(self, units=5, rate=0.01):
        super().__init__(
            **options(units, rate),
            batch_iterator_train=BatchIterator(16, shuffle=True),
            max_epochs=2,
        )
        self.units, self.rate = units, rate


class Open(NeuralNet):
    def __init__(self, units=5, rate=0.01, **further):
        super().__init__(**options(units, rate), **further)
        self.units, self.rate = units, rate


class Nolearns(nolearn.lasagne.NeuralNet):
    def __init__(self, units=5, rate=0.01, **further):
        super().__init__(**options(units, rate), **further)
        self.units, self.rate = units, rate


class OfLayers(NeuralNet):
    def __init__(self, units=5, rate=0.01, **further):
        layer = layers.InputLayer((None, 8))
        layer = layers.DenseLayer(layer, units, name="hidden")
        super().__init__(
            layers.DenseLayer(layer, 3, nonlinearity=None),
            regression=True,
            update_learning_rate=rate,
            update_momentum=0.0,
            **further,
        )
        self.units, self.rate = units, rate


KINDS = pytest.mark.parametrize("kind", [Closed, Open, Nolearns, OfLayers])


@KINDS
def test_parameters_of_its_own_count(kind):
    net = clone(kind()).set_params(units=7, rate=0.0)
    net.fit(*rows(), epochs=1)
    assert net.layers_["hidden"].num_units == net.units == 7
    before = net.predict(rows()[0])
    net.fit(*rows(), epochs=2)
    np.testing.assert_array_equal(net.predict(rows()[0]), before)


@KINDS
@pytest.mark.parametrize(
    "copied", [lambda net: net, copy.copy, lambda net: pickle.loads(pickle.dumps(net))]
)
def test_parameters_count_after_training_too(kind, copied):
    net = copied(kind().fit(*rows(), epochs=1))
    iterator = net.batch_iterator_train
    net.set_params(rate=0.0)
    assert net.batch_iterator_train is iterator  # with the random numbers that it has
    before = net.fit(*rows(), epochs=1).predict(rows()[0])
    np.testing.assert_array_equal(net.fit(*rows()).predict(rows()[0]), before)
    net.set_params(units=9)
    with pytest.raises(StateError, match=r"(hidden_num_units|layers) ha.*clone\(net\)"):
        net.fit(*rows())


@KINDS
def test_a_grid_of_parameters_of_its_own(kind):
    X, y = rows()
    net = kind() if kind is Closed else kind(max_epochs=20)
    found = GridSearchCV(net, {"rate": [0.0, 0.1], "units": [3, 4]}, cv=2).fit(X, y)
    assert found.best_params_["rate"] == 0.1
    units = found.best_estimator_.layers_["hidden"].num_units
    assert units == found.best_params_["units"]


@pytest.mark.parametrize("kind", [Open, Nolearns, OfLayers])
def test_a_clone_has_what_was_given_and_what_was_set(kind):
    net = kind(6, max_epochs=3, verbose=1)
    net.train_split = TrainSplit(0)
    net.set_params(batch_iterator_test=BatchIterator(7))
    made = clone(net)
    assert (made.units, made.max_epochs, made.train_split.eval_size) == (6, 3, 0)
    assert made.batch_iterator_test.batch_size == 7
    assert len(made.on_epoch_finished) == len(net.on_epoch_finished)
    assert made.get_params().keys() == net.get_params().keys()


def test_a_constructor_that_fails_changes_nothing():
    class Checked(Closed):
        def __init__(self, units=5, rate=0.01):
            if units > 100:
                raise ValueError("too many units")
            super().__init__(units, rate)

    net = Checked()
    with pytest.raises(ValueError, match="too many"):
        net.set_params(rate=0.5, units=101)
    assert (net.rate, net.units, net.update_learning_rate) == (0.01, 5, 0.01)


class Iterates(BatchIterator):
    def __init__(self, net, batch_size):
        super().__init__(batch_size)
        self.net = net


class Keeps:
    """A callback that cannot be pickled."""

    def __init__(self):
        self.calls, self.function = 0, lambda: None

    def __call__(self, net, history):
        self.calls += 1


class Bound(NeuralNet):
    """Has what refers to the net, what is random, and what cannot be pickled."""

    def __init__(self, rate=0.01, size=16, **further):
        self.rate, self.size = rate, size
        self.noted, self.keeps, self.seen = [], Keeps(), 2 * size
        super().__init__(
            **options(5, rate)
            | dict(
                hidden_nonlinearity=lambda x: x * 0.5,
                output_W=np.random.rand(5, 3),  # noqa: NPY002
                objective=self.scaled,
                on_epoch_finished=[self.note, self.keeps],
                batch_iterator_train=Iterates(self, size),
            ),
            **further,
        )

    def note(self, net, history):
        assert net is self
        self.noted.append(len(history))

    def scaled(self, layers, **given):
        return nolearn.lasagne.objective(layers, **given) * self.size


@pytest.mark.parametrize("is_trained", [False, True])
def test_what_refers_to_the_net_refers_to_it_later_too(is_trained):
    X, y = rows()
    net = Bound(max_epochs=2)
    if is_trained:
        net.fit(X, y)
    handlers, net.seen = list(net.on_epoch_finished), 7
    net.set_params(rate=0.02).fit(X, y)
    assert net.update_learning_rate == 0.02
    assert net.on_epoch_finished == handlers
    n_epochs = len(net.train_history_)
    assert net.noted == list(range(1, n_epochs + 1))
    assert net.keeps.calls == n_epochs
    assert net.objective == net.scaled
    net.set_params(size=20)
    assert net.batch_iterator_train.net is net
    assert net.batch_iterator_train.batch_size == 20
    assert net.seen == 7  # which was set since
    net.fit(X, y)
    assert net.noted == list(range(1, n_epochs + 3))


def test_a_constructor_draws_from_lasagnes_generator_as_before():
    net = OfLayers()
    rng, state = lasagne.random.get_rng(), np.random.RandomState(3)
    lasagne.random.set_rng(state)
    try:
        expected = np.random.RandomState(3).rand()
        net.set_params(rate=0.5)
        assert state.rand() == expected
        assert lasagne.random.get_rng() is state
    finally:
        lasagne.random.set_rng(rng)
