"""Parameters that change after a net, nolearn's or ours, has been trained."""

import pickle

import lasagne
import nolearn.lasagne
import numpy as np
import pytest
import theano
from lasagne.layers import DenseLayer, GaussianNoiseLayer, InputLayer
from lasagne.nonlinearities import sigmoid
from sklearn.base import clone

from kfkd import storage
from kfkd.errors import ArgumentError, StateError
from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import regressor, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])
SGD = dict(update=lasagne.updates.sgd)


def absolute_error(found, wanted):
    return abs(found - wanted)


def weights(net):
    values = net.get_all_params_values().values()
    return np.concatenate([v.ravel() for layer in values for v in layer])


CHANGES = [
    dict(update_learning_rate=0.2),
    dict(update_learning_rate=theano.shared(np.float32(0.2))),
    dict(objective_l2=0.3),
    dict(objective_loss_function=absolute_error),
    dict(update=lasagne.updates.adagrad),
    dict(more_params={"update_learning_rate": 0.2}),
]


@KINDS
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_changed_parameter_counts_as_in_a_new_net_with_these_weights(kind, change):
    X, y = rows()
    net = regressor(kind, **SGD).fit(X, y)
    new = regressor(kind, **SGD | change)
    new.load_params_from(net)
    before = weights(net)

    net.set_params(**change).fit(X, y)
    new.fit(X, y)

    assert len(net.train_history_) == 6
    np.testing.assert_allclose(weights(net), weights(new), atol=1e-6)
    unchanged = regressor(kind, **SGD)
    unchanged.load_params_from(new)
    assert abs(weights(net) - before).max() > 1e-4


@KINDS
def test_an_attribute_counts_too_also_after_a_pickle(kind):
    X, y = rows()
    net = regressor(kind, **SGD).fit(X, y)
    copies = [net, pickle.loads(pickle.dumps(net))]
    for made in copies:
        made.update_learning_rate = 0.2
        made.fit(X, y)
    plain = pickle.loads(pickle.dumps(net))
    plain.update_learning_rate = 0.01
    plain.fit(X, y)
    np.testing.assert_allclose(*map(weights, copies), atol=1e-6)
    assert abs(weights(net) - weights(plain)).max() > 1e-4


@KINDS
def test_a_changed_rate_keeps_the_velocities(kind):
    X, y = rows()
    changed = regressor(kind, update_momentum=0.95)
    rate = theano.shared(np.float32(0.01))
    scheduled = regressor(kind, update_momentum=0.95, update_learning_rate=rate)
    changed.initialize()
    scheduled.load_params_from(changed)
    for net in (changed, scheduled):
        net.fit(X, y)
    changed.update_learning_rate = 0.003
    rate.set_value(np.float32(0.003))
    for net in (changed, scheduled):
        net.fit(X, y)
    np.testing.assert_allclose(weights(changed), weights(scheduled), atol=1e-6)


@KINDS
def test_new_layers_and_new_functions_start_without_velocities(kind):
    X, y = rows()
    net = regressor(kind, update_momentum=0.95).fit(X, y)
    net.initialize_layers()
    new = regressor(kind, update_momentum=0.95)
    new.load_params_from(net)
    for one in (net, new):
        one.fit(X, y)
    np.testing.assert_allclose(weights(net), weights(new), atol=1e-6)

    adam = dict(update=lasagne.updates.adam, update_learning_rate=0.01)
    net = regressor(kind, update=lasagne.updates.adamax).fit(X, y)
    new = regressor(kind, **adam)
    new.load_params_from(net)
    net.set_params(**adam).fit(X, y)
    new.fit(X, y)
    np.testing.assert_allclose(weights(net), weights(new), atol=1e-6)


def test_a_callback_changes_the_next_epoch():
    X, y = rows()

    def change(net, train_history):
        if len(train_history) == 2:
            net.update_learning_rate = 0.2

    steps, new = regressor(max_epochs=4), regressor(max_epochs=4)
    steps.initialize()
    new.load_params_from(steps)
    new.fit(X, y, epochs=2)
    new.set_params(update_learning_rate=0.2).fit(X, y, epochs=2)
    steps.on_epoch_finished = [change]
    steps.fit(X, y)
    np.testing.assert_allclose(weights(steps), weights(new), atol=1e-6)


@KINDS
def test_scores_that_are_added_are_in_the_history(kind):
    X, y = rows()
    net = regressor(kind).fit(X, y)
    net.scores_valid.append(("off", lambda found, y: abs(found[0] - y).max()))
    net.fit(X, y, epochs=1)
    _, X_valid, _, y_valid = net.train_split(X, y, net)
    assert "off" not in net.train_history_[0]
    off = abs(net.predict(X_valid) - y_valid).max()
    assert net.train_history_[-1]["off"] == pytest.approx(off, abs=1e-5)


DEEPER = [
    ("input", InputLayer),
    ("hidden", DenseLayer),
    ("noise", GaussianNoiseLayer),
    ("output", DenseLayer),
]


@KINDS
@pytest.mark.parametrize(
    "change",
    [
        dict(hidden_num_units=7),
        dict(hidden_nonlinearity=sigmoid),
        dict(hidden_W=lasagne.init.Constant(0.1)),
        dict(layers=DEEPER),
    ],
    ids=lambda change: next(iter(change)),
)
def test_layers_keep_their_parameters_and_the_error_says_so(kind, change):
    X, y = rows()
    net = regressor(kind, hidden_W=lasagne.init.Normal(0.1)).fit(X, y)
    (name,) = change
    before, weights_before = getattr(net, name, None), weights(net)
    found = net.predict(X)
    net.set_params(**change)
    with pytest.raises(StateError, match=rf"^{name} has been changed.*clone\(net\)"):
        net.fit(X, y)
    np.testing.assert_array_equal(weights(net), weights_before)
    np.testing.assert_array_equal(net.predict(X), found)
    fresh = clone(net)
    assert not hasattr(fresh, "layers_")
    fresh.fit(X, y)
    assert fresh.get_params()[name] is not None
    net.set_params(**{name: before})
    net.fit(X, y)


@KINDS
def test_none_and_options_in_the_list_of_layers_are_changes_too(kind):
    X, y = rows()
    layers = [
        (InputLayer, dict(shape=(None, 8))),
        (DenseLayer, dict(name="hidden", num_units=5)),
        (DenseLayer, dict(num_units=3, nonlinearity=None)),
    ]
    options = dict(layers=layers, regression=True, update_learning_rate=0.01)
    for change in (
        lambda net: net.set_params(hidden_nonlinearity=None),
        lambda net: net.layers[1][1].update(num_units=7),
    ):
        net = kind(**options | dict(layers=[(k, dict(o)) for k, o in layers]))
        net.fit(X, y, epochs=1)
        change(net)
        with pytest.raises(StateError, match=r"^(hidden_non|layers).* has been chan"):
            net.fit(X, y, epochs=1)


@KINDS
def test_a_rate_that_the_update_changes_is_no_velocity(kind):
    X, y = rows()

    def halving(gradients, params, learning_rate):
        updates = lasagne.updates.sgd(gradients, params, learning_rate)
        updates[learning_rate] = learning_rate * np.float32(0.5)
        return updates

    rate = theano.shared(np.float32(0.1))
    net = regressor(kind, update=halving, update_learning_rate=rate, max_epochs=2)
    net.fit(X, y)
    assert rate.get_value() == np.float32(0.025)
    net.update_learning_rate = theano.shared(np.float32(0.08))
    net.fit(X, y, epochs=1)
    assert net.update_learning_rate.get_value() == np.float32(0.04)


@KINDS
def test_attributes_like_those_of_the_update_are_a_users_own_later(kind):
    X, y = rows()

    def count(net, train_history):
        net.update_count = net.objective_value = len(train_history)

    net = regressor(kind, on_epoch_finished=[count]).fit(X, y).fit(X, y)
    assert net.update_count == 6


@KINDS
def test_nets_of_pickles_know_what_their_layers_were_made_from(kind):
    X, y = rows()
    net = pickle.loads(pickle.dumps(regressor(kind).fit(X, y)))
    net.set_params(hidden_num_units=9)
    with pytest.raises(StateError, match=r"hidden_num_units .* from 5 to 9 "):
        net.fit(X, y)
    net.set_params(hidden_num_units=5, maxepochs=3)
    with pytest.raises(ArgumentError, match=r"^Unused kwarg: maxepochs"):
        net.fit(X, y)


@pytest.mark.parametrize("ending", ["pickle", "npz"])
def test_a_file_that_could_not_be_loaded_is_not_written(tmp_path, ending):
    X, y = rows()
    net = regressor().fit(X, y).set_params(hidden_num_units=7)
    path = tmp_path / f"net.{ending}"
    with pytest.raises(Exception, match="hidden_num_units has been changed from 5 to"):
        storage.save(net, path)
    assert not path.exists()
    net.set_params(hidden_num_units=5)
    storage.save(net, path)
    np.testing.assert_array_equal(storage.load(path).predict(X), net.predict(X))


def test_own_attributes_that_begin_like_a_layer_are_no_parameters():
    X, y = rows()
    net = regressor().fit(X, y)
    net.hidden_activity = 3
    net.fit(X, y)
    assert len(net.train_history_) == 6


def test_an_update_that_lacks_a_parameter_is_named():
    X, y = rows()
    net = regressor(update_momentum=0.9).fit(X, y)
    net.update = lasagne.updates.adam
    wanted = "update_momentum is given, but update=adam takes no momentum; it takes "
    with pytest.raises(ArgumentError, match=wanted + "update_learning_rate, update_b"):
        net.fit(X, y)
    with pytest.raises(ArgumentError, match="update=sgd takes no beta1"):
        regressor(**SGD, update_beta1=0.5).fit(X, y)
