"""How messages word what differs between a checkpoint and a training."""

import copy

import pytest

from kfkd.training.changes import changes

CLASS = "kfkd.callbacks.AdjustVariable"
DENSE = "lasagne.layers.dense.DenseLayer"
BEFORE = {
    "max_epochs": 100,
    "hidden_num_units": 4,
    "conv1_filter_size": [3, 3],
    "update": "lasagne.updates.nesterov_momentum",
    "batch_iterator_train": {"class": "nolearn.BatchIterator", "batch_size": 128},
    "layers": {
        "hidden": {"class": DENSE, "num_units": 4},
        "conv1": {"class": "lasagne.layers.conv.Conv2DLayer", "filter_size": [3, 3]},
    },
    "callbacks": ["__main__.look", {"class": CLASS, "name": "rate", "stop": 0.1}],
    "epochs": [0, 100],
    "seed": 7,
    "initial weights": "8d8f",
    "precision": "tensorfloat32",
}


@pytest.mark.parametrize(
    ("where", "value", "texts"),
    [
        ("seed", 8, ["seed was 7, is 8"]),
        ("precision", "float32", ["precision was 'tensorfloat32', is 'float32'"]),
        ("epochs", [0, 200], ["the number of epochs was 100, is 200"]),
        ("epochs", [9, 109], ["the number of epochs trained before was 0, is 9"]),
        ("update", "lasagne.updates.sgd", ["update was nesterov_momentum, is sgd"]),
        ("conv1_filter_size", [3, 5], ["conv1_filter_size was [3, 3], is [3, 5]"]),
        ("initial weights", "77aa", ["the initial weights differ"]),
        (
            "batch_iterator_train.batch_size",
            64,
            ["batch_size of batch_iterator_train was 128, is 64"],
        ),
        (
            "batch_iterator_train",
            {"class": "kfkd.augment.FlipBatchIterator", "flip_indices": [[1, 2]]},
            ["batch_iterator_train was BatchIterator, is FlipBatchIterator"],
        ),
        (
            "layers.hidden.nonlinearity",
            "lasagne.nonlinearities.tanh",
            ["nonlinearity of the layer 'hidden' was None, is tanh"],
        ),
        ("layers.drop", {"class": "x.Drop"}, ["the layer 'drop' is new"]),
        ("layers.hidden", None, ["the layer 'hidden' is missing"]),
        (
            "layers.hidden",
            {"class": "x.Drop"},
            ["the layer 'hidden' was DenseLayer, is Drop"],
        ),
        (
            "callbacks",
            ["__main__.look"],
            ["the list of callbacks was [look, AdjustVariable], is [look]"],
        ),
        (
            "callbacks",
            ["__main__.look", {"class": CLASS, "name": "rate", "stop": 0.2}],
            ["stop of the callback AdjustVariable was 0.1, is 0.2"],
        ),
        (
            "callbacks",
            ["__main__.look", {"class": "kfkd.callbacks.EarlyStopping", "patience": 9}],
            ["callback 2 was AdjustVariable, is EarlyStopping"],
        ),
    ],
)
def test_one_change(where, value, texts):
    now = copy.deepcopy(BEFORE)
    *path, last = where.split(".")
    inner = now
    for name in path:
        inner = inner[name]
    inner[last] = value
    assert changes(BEFORE, now) == texts
    assert changes(BEFORE, copy.deepcopy(BEFORE)) == []


def test_what_follows_from_another_change_is_left_out():
    now = copy.deepcopy(BEFORE)
    now["max_epochs"], now["epochs"] = 300, [0, 300]
    now["hidden_num_units"] = now["layers"]["hidden"]["num_units"] = 5
    now["initial weights"] = "77aa"
    assert changes(BEFORE, now) == [
        "hidden_num_units was 4, is 5",
        "the number of epochs was 100, is 300",
    ]
