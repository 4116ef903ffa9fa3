"""Parameters of nets, nolearn's and ours, that belong to a layer or a function."""

import functools

import nolearn.lasagne
import numpy as np
import pytest
from lasagne.layers import DenseLayer, InputLayer
from lasagne.nonlinearities import tanh
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from kfkd import storage
from kfkd.errors import ArgumentError
from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import regressor, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])


def scaled(incoming, num_units, scale=1.0, **options):
    """Make a layer, as a function in place of its class."""
    return DenseLayer(incoming, int(num_units * scale), **options)


@KINDS
@pytest.mark.parametrize(
    "names",
    [("dense", "dense_2"), ("dense_2", "dense"), ("max", "log"), ("train", "on")],
    ids="-".join,
)
def test_layers_whose_names_begin_like_others(kind, names):
    first, second = names
    options = {f"{first}_num_units": 6, f"{second}_num_units": 3}
    net = kind(
        layers=[("input", InputLayer), (first, DenseLayer), (second, DenseLayer)],
        input_shape=(None, 8),
        regression=True,
        max_epochs=1,
        update_learning_rate=0.01,
        **options,
    ).fit(*rows())
    units = {name: net.layers_[name].num_units for name in names}
    assert units == {first: 6, second: 3}
    assert len(clone(net).fit(*rows()).train_history_) == 1


@KINDS
@pytest.mark.parametrize("newer", [False, True], ids=["(name, class)", "(class, dict)"])
def test_layers_that_a_function_makes(kind, newer):
    half = functools.partial(scaled, scale=0.5)
    layers = [("input", InputLayer), ("hidden", scaled), ("output", half)]
    if newer:
        layers = [(made, {"name": name}) for name, made in layers]
    net = regressor(kind, layers=layers, output_num_units=6, hidden_scale=2)
    net.fit(*rows())
    assert net.layers_["hidden"].num_units == 10
    assert net.layers_["output"].num_units == 3


@KINDS
def test_attributes_that_are_set_later_are_cloned(kind):
    X, y = rows()
    net = regressor(kind)
    net.update_momentum = 0.0
    net.output_nonlinearity = tanh
    net.output_statistics = "a user's own"
    copy = clone(net.fit(X, y))
    assert copy.update_momentum == 0
    copy.fit(X, y)
    assert copy.layers_["output"].nonlinearity is tanh
    assert "output_statistics" not in net.get_params()


def test_attributes_that_are_set_later_are_saved(tmp_path):
    X, y = rows()
    net = regressor()
    del net.output_nonlinearity
    net._kwarg_keys.remove("output_nonlinearity")
    net.output_nonlinearity = tanh
    net.fit(X, y)
    for name in ("net.npz", "net.pickle"):
        storage.save(net, tmp_path / name)
        loaded = storage.load(tmp_path / name)
        np.testing.assert_array_equal(loaded.predict(X), net.predict(X))


@KINDS
def test_a_parameter_that_no_layer_takes(kind):
    net = regressor(kind, hiden_num_units=3)
    wanted = r"^Unused kwarg: hiden_num_units, .* mean 'hidden_num_units'\?\)"
    with pytest.raises(ArgumentError, match=wanted):
        net.fit(*rows())
    with pytest.raises(ArgumentError, match="no parameter 'predict', but an attribute"):
        regressor(kind, predict=3)


def test_a_first_training_that_fails_can_be_repeated():
    net = regressor(hiden_num_units=3)
    with pytest.raises(ArgumentError):
        net.fit(*rows())
    net._kwarg_keys.remove("hiden_num_units")
    net.set_params(hidden_num_units=7)
    assert net.seed(1).fit(*rows()).layers_["hidden"].num_units == 7


@KINDS
def test_the_size_of_batches_is_a_parameter_of_a_net_alone(kind):
    X, y = rows()
    other = regressor(kind)
    net = regressor(kind).set_params(batch_iterator_train__batch_size=5)
    assert net.batch_iterator_train.batch_size == 5
    assert other.batch_iterator_train.batch_size == 128
    with pytest.raises(ArgumentError, match="batch_iterator_train has no attribute si"):
        net.set_params(batch_iterator_train__size=5)
    name, sizes = "batch_iterator_train__batch_size", [4, 48]
    search = GridSearchCV(regressor(kind), {name: sizes}, cv=2).fit(X, y)
    assert [tried[name] for tried in search.cv_results_["params"]] == sizes
    # Which is best depends on the weights that are drawn.
    best = search.best_estimator_.batch_iterator_train.batch_size
    assert best == search.best_params_[name]


@KINDS
def test_a_class_that_cannot_be_imported_is_named(kind):
    layers = [("input", InputLayer), ("output", "lasagne.layers.DenceLayer")]
    net = kind(layers=layers, input_shape=(None, 8), output_num_units=3)
    wanted = "^'lasagne.layers.DenceLayer' of the layer 'output' cannot be imported"
    with pytest.raises(ArgumentError, match=wanted):
        net.initialize()


@KINDS
@pytest.mark.parametrize(
    "given", [print, (print,), [print]], ids=["one", "tuple", "list"]
)
def test_single_callbacks_of_a_net_that_prints(kind, given, capsys):
    regressor(kind, on_epoch_finished=given, verbose=1, max_epochs=1).fit(*rows())
    out = capsys.readouterr().out
    assert "'train_loss': " in out  # print's
    assert "layer" in out.lower()  # the net's own


def anything(incoming, num_units=4, **options):
    """Make a layer, with options that it does not name."""
    return DenseLayer(incoming, num_units, **options)


@KINDS
def test_a_function_that_takes_any_option_gets_attributes_too(kind):
    layers = [("input", InputLayer), ("hidden", anything), ("output", DenseLayer)]
    net = regressor(kind, layers=layers)
    del net.hidden_nonlinearity
    net._kwarg_keys.remove("hidden_nonlinearity")
    net.hidden_nonlinearity = tanh
    net.fit(*rows())
    assert net.layers_["hidden"].nonlinearity is tanh
