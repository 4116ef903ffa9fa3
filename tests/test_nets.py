import math
import pickle

import lasagne
import numpy as np
import pytest
import sklearn.base
from lasagne import layers

import kfkd.nets
from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import AdjustVariable, EarlyStopping
from kfkd.errors import ArgumentError
from kfkd.nets import NETS, TUTORIAL_NETS, make
from tests.helpers import small_faces

CONVOLUTIONS = {
    "input_shape": (None, 1, 96, 96),
    "conv1_num_filters": 32,
    "conv1_filter_size": (3, 3),
    "pool1_pool_size": (2, 2),
    "conv2_num_filters": 64,
    "conv2_filter_size": (2, 2),
    "pool2_pool_size": (2, 2),
    "conv3_num_filters": 128,
    "conv3_filter_size": (2, 2),
    "pool3_pool_size": (2, 2),
    "hidden4_num_units": 500,
    "hidden5_num_units": 500,
}
DROPOUT = {"dropout1_p": 0.1, "dropout2_p": 0.2, "dropout3_p": 0.3, "dropout4_p": 0.5}
WIDE = {"hidden4_num_units": 1000, "hidden5_num_units": 1000}
# What stands in the tutorial's definitions, beside what all nets have.
TEXT = {
    "net1": {"input_shape": (None, 9216), "hidden_num_units": 100, "max_epochs": 400},
    "net2": CONVOLUTIONS | {"max_epochs": 1000},
    "net3": CONVOLUTIONS | {"max_epochs": 3000},
    "net4": CONVOLUTIONS | {"max_epochs": 3000},
    "net5": CONVOLUTIONS | {"max_epochs": 3000},
    "net6": CONVOLUTIONS | DROPOUT | {"max_epochs": 3000},
    "net7": CONVOLUTIONS | DROPOUT | WIDE | {"max_epochs": 3000},
    "net8": CONVOLUTIONS | DROPOUT | WIDE | {"max_epochs": 3000},
    "net12": CONVOLUTIONS | DROPOUT | WIDE | {"max_epochs": 10000},
}
ALL = {"output_num_units": 30, "output_nonlinearity": None, "regression": True}
ALL |= {"verbose": 1, "update": lasagne.updates.nesterov_momentum}

NAMES = "input conv1 pool1 conv2 pool2 conv3 pool3 hidden4 hidden5 output"
NAMES_DROPOUT = (
    "input conv1 pool1 dropout1 conv2 pool2 dropout2 conv3 pool3 dropout3 "
    "hidden4 dropout4 hidden5 output"
)
KINDS = {
    "input": layers.InputLayer,
    "conv": layers.Conv2DLayer,
    "pool": layers.MaxPool2DLayer,
    "dropout": layers.DropoutLayer,
    "hidden": layers.DenseLayer,
    "output": layers.DenseLayer,
}
# The list that the tutorial prints for net2.
SHAPES = [
    ((None, 1, 96, 96), 9216),
    ((None, 32, 94, 94), 282752),
    ((None, 32, 47, 47), 70688),
    ((None, 64, 46, 46), 135424),
    ((None, 64, 23, 23), 33856),
    ((None, 128, 22, 22), 61952),
    ((None, 128, 11, 11), 15488),
    ((None, 500), 500),
    ((None, 500), 500),
    ((None, 30), 30),
]


def test_all_nets_are_there():
    assert tuple(TEXT) == TUTORIAL_NETS
    for name in (*TUTORIAL_NETS, "modern"):
        assert name in kfkd.nets.__all__


@pytest.mark.parametrize("name", TUTORIAL_NETS)
def test_hyperparameters_are_those_of_the_text(name):
    net = make(name)
    params = net.get_params(deep=False)
    for key, value in (ALL | TEXT[name]).items():
        assert params[key] == value, key
        assert type(params[key]) is type(value), key
    # Nothing else is set for any layer.
    prefixes = tuple(layer for layer, _ in net.layers)
    set_for_layers = {k for k in net._kwarg_keys if k.startswith(prefixes)}
    assert set_for_layers == {k for k in ALL | TEXT[name] if k.startswith(prefixes)}
    assert net.batch_iterator_train.batch_size == 128
    assert net.batch_iterator_test.batch_size == 128
    assert not net.batch_iterator_train.shuffle
    assert net.train_split.eval_size == 0.2


@pytest.mark.parametrize("changes", [dict(layers=5), dict(update=None)])
def test_parts_of_another_kind(changes):
    with pytest.raises(ArgumentError, match=r"^net1 cannot be made with layers, "):
        make("net1", **changes)


@pytest.mark.parametrize("name", TUTORIAL_NETS)
def test_layers_are_those_of_the_text(name):
    expected = "input hidden output" if name == "net1" else NAMES
    if "dropout1_p" in TEXT[name]:
        expected = NAMES_DROPOUT
    net = make(name)
    assert [layer for layer, _ in net.layers] == expected.split()
    for layer, kind in net.layers:
        assert kind is KINDS[layer.rstrip("12345")]


@pytest.mark.parametrize("name", TUTORIAL_NETS)
def test_what_changes_while_training_is_as_in_the_text(name):
    net = make(name)
    flips = name not in ("net1", "net2", "net4")
    assert isinstance(net.batch_iterator_train, FlipBatchIterator) == flips
    rate, momentum = net.update_learning_rate, net.update_momentum
    if name in ("net1", "net2", "net3"):
        assert (rate, momentum) == (0.01, 0.9)
        assert net.on_epoch_finished == []
        return
    for variable, value in ((rate, 0.03), (momentum, 0.9)):
        assert variable.dtype == "float32"
        assert variable.get_value() == np.float32(value)
    first, second, *rest = net.on_epoch_finished
    assert vars(first) == {"name": "update_learning_rate", "start": 0.03, "stop": 1e-4}
    assert vars(second) == {"name": "update_momentum", "start": 0.9, "stop": 0.999}
    assert type(first) is type(second) is AdjustVariable
    assert [type(c) for c in rest] == ([EarlyStopping] if name == "net8" else [])
    assert name != "net8" or rest[0].patience == 200


def test_shapes_are_those_that_the_tutorial_prints():
    net = make("net2")
    net.initialize_layers()
    shapes = [layer.output_shape for layer in net.layers_.values()]
    assert [(s, math.prod(s[1:])) for s in shapes] == SHAPES


def n_parameters(net):
    return sum(p.get_value().size for p in net.get_all_params())


def test_number_of_parameters():
    convolutions = 32 * (9 + 1) + 64 * (32 * 4 + 1) + 128 * (64 * 4 + 1)
    expected = {
        "net1": (9216 + 1) * 100 + 101 * 30,
        "net2": convolutions + (15488 + 1) * 500 + 501 * 500 + 501 * 30,
        "net7": convolutions + (15488 + 1) * 1000 + 1001 * 1000 + 1001 * 30,
    }
    expected["net6"] = expected["net2"]
    for name, n in expected.items():
        net = make(name)
        net.initialize_layers()
        assert n_parameters(net) == n, name


def test_weights_are_drawn_as_glorot_has_it():
    net = make("net2").seed(0)
    net.initialize_layers()
    for name, W_shape, field in (
        ("conv1", (32, 1, 3, 3), 9),
        ("conv3", (128, 64, 2, 2), 4),
        ("hidden4", (15488, 500), 1),
        ("output", (500, 30), 1),
    ):
        W, b = (p.get_value() for p in net.layers_[name].get_params())
        assert W.reshape(-1).size == math.prod(W_shape)
        assert not b.any()
        bound = math.sqrt(6 / (W_shape[0] + W_shape[1]) / field)
        assert 0.97 * bound < np.abs(W).max() <= bound * (1 + 1e-6)
        n = W.size
        assert abs(W.mean()) < 5 * bound / math.sqrt(3 * n)  # five standard errors
        assert W.std() == pytest.approx(bound / math.sqrt(3), rel=5 / math.sqrt(n))


def test_make_takes_changes():
    net = make("net6", max_epochs=100, dropout2_p=0.3, update_momentum=0.8, log_every=7)
    assert (net.max_epochs, net.dropout2_p, net.update_momentum) == (100, 0.3, 0.8)
    assert net.log_every == 7
    assert make("net6").dropout2_p == 0.2


def test_make_takes_the_objectives_parameters():
    X, y = small_faces.rows(10)
    loss, with_penalty = (
        make("net1", objective_l2=l2, verbose=0).seed(1).fit(X, y, 1).train_history_[0]
        for l2 in (0, 0.1)
    )
    assert with_penalty["train_loss"] > loss["train_loss"] + 0.1


@pytest.mark.parametrize(
    ("name", "parameter", "near"),
    [
        ("net6", "dropout2_pp", "dropout2_p"),
        ("net2", "max_epoch", "max_epochs"),
        ("net1", "update_learningrate", "update_learning_rate"),
        ("net2", "hiden4_num_units", "hidden4_num_units"),
        ("net2", "objective_l3", "objective_l2"),
    ],
)
def test_a_misspelt_parameter_is_an_error(name, parameter, near):
    with pytest.raises(ArgumentError, match=f"no parameter '{parameter}'; .* '{near}'"):
        make(name, **{parameter: 1})


@pytest.mark.parametrize("parameter", ["dropout1_p", "conv1_incoming", "loss"])
def test_a_parameter_of_another_net_is_an_error(parameter):
    with pytest.raises(ArgumentError, match=f"net2 has no parameter '{parameter}'"):
        make("net2", **{parameter: 0.5})


def test_an_unknown_net_is_an_error():
    with pytest.raises(ArgumentError, match=r"no net 'net9'; the nets are net1, net2"):
        make("net9")


def parts(net):
    """All that a net could share with another by mistake."""
    names = "batch_iterator_train batch_iterator_test train_split on_epoch_finished"
    things = [getattr(net, name) for name in names.split()] + net.on_epoch_finished
    things += [net.update_learning_rate, net.layers]
    things.append(getattr(net, "update_momentum", 0.9))
    return {id(thing) for thing in things if not isinstance(thing, float)}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("copy", [lambda net: make("net4"), sklearn.base.clone])
def test_nets_share_nothing(name, copy):
    net = make(name)
    assert not parts(net) & parts(copy(net))
    assert not parts(net) & parts(getattr(kfkd.nets, name, make(name)))


@pytest.mark.parametrize("name", NETS)
def test_clones_are_equal(name):
    net = make(name, max_epochs=5, log_every=2)
    copy = sklearn.base.clone(net)
    assert type(copy) is type(net)
    assert copy.train_history_ == []
    for key, value in net.get_params(deep=False).items():
        other = copy.get_params(deep=False)[key]
        if isinstance(value, (int, float, str, tuple, type(None))):
            assert other == value, key
        assert type(other) is type(value), key


def test_the_definitions_pickle_before_they_are_trained():
    for name in NETS:
        net = pickle.loads(pickle.dumps(make(name)))
        assert net.max_epochs == make(name).max_epochs
        assert not hasattr(net, "layers_")


def test_net1_learns(capsys):
    X, y = small_faces.rows(200)
    net = make("net1").seed(0).fit(X, y, epochs=15)
    losses = [row["train_loss"] for row in net.train_history_]
    assert losses[-1] < losses[0] / 5
    assert net.train_history_[-1]["valid_loss"] < losses[0] / 5
    assert "DenseLayer         (None, 100)" in capsys.readouterr().out


def test_the_convolutional_nets_learn():
    X, y = small_faces.images(40)
    net = make(
        "net6", conv1_num_filters=4, conv2_num_filters=4, conv3_num_filters=8, verbose=0
    )
    net.hidden4_num_units = net.hidden5_num_units = 32
    net.batch_iterator_train.batch_size = 8
    net.seed(0).fit(X, y, epochs=6)
    losses = [row["valid_loss"] for row in net.train_history_]
    assert losses[-1] < losses[0] / 2
