"""Nets in files of arrays and JSON: what goes in comes out, and nothing else."""

import inspect
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import theano
from lasagne import init, layers, nonlinearities, updates
from nolearn.lasagne import BatchIterator, TrainSplit

from kfkd import nets, storage
from kfkd.augment import FlipBatchIterator
from kfkd.callbacks import AdjustVariable, EarlyStopping
from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.files import arrays
from kfkd.storage import StorageError
from tests.helpers import fresh_process, small_faces
from tests.helpers.cases import parametrize
from tests.helpers.small_nets import regressor, rows

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.npz"


def saved_and_loaded(net, path):
    storage.save(net, path)
    return storage.load(path)


def many_parts(**changes):
    """A net with a part of every kind that a definition can have."""
    options = dict(
        layers=[
            (layers.InputLayer, {"name": "input", "shape": (None, 9216)}),
            (layers.DropoutLayer, {"name": "drop", "p": 0.2}),
            (
                layers.DenseLayer,
                {
                    "name": "hidden",
                    "num_units": 4,
                    "W": init.Normal(0.01),
                    "nonlinearity": nonlinearities.LeakyRectify(0.1),
                },
            ),
            (
                layers.DenseLayer,
                {"name": "output", "num_units": 30, "nonlinearity": None},
            ),
        ],
        update=updates.momentum,
        update_learning_rate=theano.shared(np.float32(0.03), name="rate"),
        update_momentum=0.9,
        regression=True,
        batch_iterator_train=BatchIterator(batch_size=9, shuffle=True),
        train_split=TrainSplit(eval_size=0.3),
        on_epoch_finished=[
            AdjustVariable("update_learning_rate", 0.03, 0.01),
            EarlyStopping(patience=5),
        ],
        max_epochs=3,
        verbose=0,
    )
    return nets.NeuralNet(**options | changes)


def losses_of(net):
    return [{k: v for k, v in row.items() if k != "dur"} for row in net.train_history_]


def test_a_net_comes_back(path):
    X, y = small_faces.rows()
    net = many_parts().seed(3).fit(X, y)
    loaded = saved_and_loaded(net, path)
    np.testing.assert_array_equal(loaded.predict(X), net.predict(X))
    assert losses_of(loaded) == losses_of(net)
    assert loaded.update_learning_rate.name == "rate"
    assert loaded.update_learning_rate.get_value() == np.float32(0.01)
    # Both go on in the same way, as the pickle does.
    other = path.with_suffix(".pickle")
    pickled = saved_and_loaded(net, other)
    for again in (loaded, pickled):
        again.fit(X, y, epochs=2)
    assert losses_of(loaded)[:-2] == losses_of(net)
    assert [list(row) for row in losses_of(loaded)] == [
        list(row) for row in losses_of(pickled)
    ]
    assert loaded.on_epoch_finished[1].patience == 5


def test_checkpoints_belong_to_the_machine(path):
    net = small_faces.small(
        on_epoch_finished=[EarlyStopping(), Checkpoint("net.checkpoint")]
    )
    (callback,) = saved_and_loaded(net, path).on_epoch_finished
    assert isinstance(callback, EarlyStopping)
    assert len(net.on_epoch_finished) == 2


@pytest.mark.parametrize("name", nets.NETS)
def test_the_tutorials_nets_come_back(path, name):
    net = nets.make(name)
    loaded = saved_and_loaded(net, path)
    assert loaded.get_params().keys() == net.get_params().keys()
    assert loaded.layers == net.layers
    assert [vars(c) for c in loaded.on_epoch_finished] == [
        vars(c) for c in net.on_epoch_finished
    ]
    for key, value in net.get_params(deep=False).items():
        if isinstance(value, (int, float, str, tuple)) or inspect.isroutine(value):
            assert getattr(loaded, key) == value, key
    ours, theirs = loaded.batch_iterator_train, net.batch_iterator_train
    assert type(ours) is type(theirs)
    assert ours.batch_size == theirs.batch_size
    assert ours.random.randint(10**9) == theirs.random.randint(10**9)


@pytest.mark.process
@parametrize("name", nets.NETS, fast=["net6"])
def test_a_net_comes_back_where_only_storage_is_imported(tmp_path, name):
    net = nets.make(name)
    storage.save(net, tmp_path / "net.npz")
    code = "from kfkd import storage; print(storage.load('net.npz').max_epochs)"
    assert fresh_process.run(code, tmp_path) == f"{net.max_epochs}\n"


@pytest.mark.process
@pytest.mark.slow
def test_specialists_come_back_in_a_fresh_process(path):
    X, y = small_faces.rows()
    eyes, mouth = ("left_eye_x", "left_eye_y"), ("mouth_x", "mouth_y")
    found = {
        eyes: small_faces.small(output_num_units=2).fit(X, y[:, :2], epochs=1),
        mouth: small_faces.small(output_num_units=2).fit(X, y[:, 2:4], epochs=1),
    }
    storage.save(found, path)
    np.save(path.with_name("X.npy"), X)
    code = """if True:
        import sys, numpy as np
        from kfkd import storage
        nets = storage.load(sys.argv[1])
        X = np.load(sys.argv[2])
        np.save(sys.argv[3], [net.predict(X) for net in nets.values()])
        print(list(nets))
    """
    files = [path, path.with_name("X.npy"), path.with_name("y.npy")]
    done = subprocess.run(
        [sys.executable, "-c", code, *files],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{[eyes, mouth]}\n"
    expected = [net.predict(X) for net in found.values()]
    np.testing.assert_array_equal(np.load(files[2]), expected)


def test_labels_come_back(path):
    X, y = small_faces.rows()
    names = np.where(y[:, 0] > np.median(y[:, 0]), "left", "right")
    net = small_faces.small(
        regression=False,
        use_label_encoder=True,
        output_num_units=2,
        output_nonlinearity=nonlinearities.softmax,
    )
    loaded = saved_and_loaded(net.fit(X, names, epochs=1), path)
    assert set(loaded.predict(X)) <= {"left", "right"}
    np.testing.assert_array_equal(loaded.predict(X), net.predict(X))


class OwnIterator(BatchIterator):
    pass


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(update=lambda *args, **kwargs: None), r"<lambda>; nor can a pickle"),
        (dict(batch_iterator_train=OwnIterator(8)), "OwnIterator; try a pickle"),
        (dict(update_learning_rate=theano.tensor.fscalar()), "Variable; try a pickle"),
        (dict(layers=[layers.InputLayer((None, 9216))]), "InputLayer; try a pickle"),
    ],
)
def test_what_the_file_cannot_hold_is_named(path, changes, message):
    path.write_text("old")
    with pytest.raises(
        StorageError, match=f"cannot hold the net, as net0.* is .*{message}"
    ):
        storage.save(many_parts(**changes), path)
    assert path.read_text() == "old"


# --- Files that are not what they should be -------------------------------------------


def changed(path, change):
    """Write a sound file whose content has been changed."""
    with zipfile.ZipFile(path) as archive:
        about = json.loads(archive.read("about.json"))["about"]
    packed, _ = arrays.read(path, "net")
    change(about, packed)
    arrays.write(path, "net", packed, about)


def named(old, new):
    def change(about, packed):
        text = json.dumps(about)
        assert old in text
        about[:] = json.loads(text.replace(old, new))

    return change


def not_finite(about, packed):
    name = next(n for n, a in packed.items() if a.shape == (9216, 4))
    packed[name][5, 2] = np.nan


def of_another_shape(about, packed):
    name = next(n for n, a in packed.items() if a.shape == (9216, 4))
    packed[name] = packed[name].T


def without_an_output(about, packed):
    name = next(n for n, a in packed.items() if a.shape == (4, 30))
    packed[name] = packed[name][:, :2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (not_finite, "the weights of its layer 'hidden' are not finite"),
        (of_another_shape, "no weights, or too few, have the shape"),
        (without_an_output, "no weights, or too few, have the shape"),
        (named("lasagne.updates:momentum", "os:system"), "it names os:system"),
        (
            named("lasagne.updates:momentum", "lasagne.updates:sys"),
            "names|no attribute",
        ),
        (
            named("kfkd.augment:FlipBatchIterator", "subprocess:Popen"),
            "subprocess:Popen",
        ),
        (
            named("kfkd.augment:FlipBatchIterator", "lasagne.layers.dense:DenseLayer"),
            "DenseLayer",
        ),
        (
            named(
                '["nonlinearity", null]',
                '["nonlinearity", {"name": "lasagne.layers.dense:DenseLayer"}]',
            ),
            "num_units",
        ),
        (
            named(
                '["nonlinearity", null]',
                '["nonlinearity", {"name": "lasagne.init:Normal"}]',
            ),
            "its output is <lasagne.init.Normal",
        ),
        (named('"batch_size"', '"size"'), "no attribute 'batch_size'"),
        (named('["train_history_", []]', '["train_history_", [5]]'), "history holds 5"),
        (named("interrupted_", "__class__"), "it has __class__"),
        (lambda about, packed: about.clear(), "it names none"),
        (lambda about, packed: about.append(about[0]), "two by the same name"),
        (lambda about, packed: about[0].update(key={"a": 1}), "unhashable"),
    ],
)
def test_a_file_that_has_been_tampered_with_is_an_error(path, change, message):
    net = many_parts(batch_iterator_train=FlipBatchIterator(8))
    net.initialize()
    net.interrupted_ = True
    storage.save(net, path)
    changed(path, change)
    message = rf"net\.npz does not hold a valid net: .*({message})"
    with pytest.raises(StorageError, match=message):
        storage.load(path)


def test_a_file_of_another_kind_is_an_error(path):
    arrays.write(path, "checkpoint", {}, {})
    with pytest.raises(StorageError, match=r"net\.npz holds a checkpoint, not a net"):
        storage.load(path)
    np.savez(path, x=np.zeros(3))
    with pytest.raises(StorageError, match=r"its part about\.json is missing"):
        storage.load(path)


def test_a_file_of_a_later_format_is_an_error(path, monkeypatch):
    monkeypatch.setattr(arrays, "_FORMAT", 2)
    storage.save(small_faces.small(), path)
    monkeypatch.undo()
    with pytest.raises(StorageError, match=r"written by a later kfkd .*; update kfkd"):
        storage.load(path)


def squared(found, wanted):
    return (found - wanted) ** 2


@pytest.mark.parametrize(
    ("loss", "npz", "pickled"),
    [
        (squared, r"try a pickle, a file whose name ends in \.pickle", None),
        (
            lambda found, wanted: (found - wanted) ** 2,
            "nor can a pickle hold it: write functions with def, .* as a lambda",
            "must be at the top of a module to be pickled: .* nor a lambda",
        ),
    ],
    ids=["function", "lambda"],
)
def test_functions_that_a_file_cannot_hold(tmp_path, loss, npz, pickled):
    net = regressor(objective_loss_function=loss).fit(*rows())
    with pytest.raises(StorageError, match=npz):
        storage.save(net, tmp_path / "net.npz")
    if pickled:
        with pytest.raises(StorageError, match=pickled):
            storage.save(net, tmp_path / "net.pickle")
        assert list(tmp_path.iterdir()) == []
    else:
        storage.save(net, tmp_path / "net.pickle")
