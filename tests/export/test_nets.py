"""Exported nets compute what the nets predict, by another library's arithmetic."""

import json
import sys

import numpy as np
import pytest

from kfkd import data, export, nets, storage, weights
from kfkd.choices import NETS
from kfkd.data import ALL_COLUMNS, COLUMNS
from kfkd.errors import ExportError, StorageError
from kfkd.mirrored import flip_pairs
from kfkd.specialists import SPECIALIST_SETTINGS
from tests.helpers import cases, onnx_models

IMAGES = 3


def images():
    return np.random.default_rng(5).random((IMAGES, 9216), np.float32)


def check(model, predict, X):
    """Check that a model gives what a function of a net does, in any number."""
    for n in (IMAGES, 1):
        found = onnx_models.run(model, X[:n])
        # Relative where outputs are beyond 1, as those of nets that have not learnt.
        np.testing.assert_allclose(found, predict(X[:n]), rtol=1e-5, atol=1e-5)


@cases.parametrize("name", NETS, fast=("net1", "net6", "modern"))
@pytest.mark.parametrize("half", [False, True])
def test_every_net(name, half, tmp_path):
    net = nets.make(name).seed(1)
    net.initialize()
    model = export.to_onnx(net, half=half)
    if half:  # which storage rounds in the same way
        whole = export.to_onnx(net).ByteSize()
        assert model.ByteSize() < 0.51 * whole
        storage.save(net, tmp_path / "net.npz", half=True)
        net = storage.load(tmp_path / "net.npz")
    check(model, net.predict, net.reshape_input(images()))


def test_the_net_that_comes_with_the_package(tmp_path):
    net = weights.load()
    X = net.reshape_input(images())
    export.save(net, tmp_path / "modern.onnx")
    check(onnx_models.read(tmp_path / "modern.onnx"), net.predict, X)
    about = onnx_models.about(tmp_path / "modern.onnx")
    assert json.loads(about["columns"]) == list(ALL_COLUMNS)
    assert "drawn faces" in about["trained_on"]
    assert "48 + 48 * value" in about["points"]


def test_batch_normalization_uses_its_averages():
    net = weights.load()
    X = net.reshape_input(images())
    before = onnx_models.run(export.to_onnx(net), X)
    for layer in net.get_all_layers():
        if hasattr(layer, "inv_std"):
            rng = np.random.default_rng(1)
            for param in (layer.mean, layer.inv_std, layer.beta, layer.gamma):
                values = param.get_value()
                noise = rng.uniform(0.8, 1.2, values.shape).astype(values.dtype)
                param.set_value(values * noise)
    check(export.to_onnx(net), net.predict, X)
    assert abs(onnx_models.run(export.to_onnx(net), X) - before).max() > 0.01


def test_a_flat_net_that_averages_over_mirrored_images():
    from kfkd.augment import FlipBatchIterator

    pairs = flip_pairs()
    net = nets.make("net1", mirror=True, hidden_num_units=7)
    net.batch_iterator_train = FlipBatchIterator(32, flip_indices=pairs)
    net.seed(3).initialize()
    plain = nets.make("net1", hidden_num_units=7).seed(3)
    plain.initialize()
    model = export.to_onnx(net)
    check(model, net.predict, images())
    assert abs(onnx_models.run(model, images()) - plain.predict(images())).max() > 0.1


@pytest.mark.parametrize("half", [False, True])
def test_specialists_are_one_model_of_all_columns(half, tmp_path):
    found = {}
    for i, setting in enumerate(SPECIALIST_SETTINGS):
        columns = setting["columns"]
        net = nets.make("net1", output_num_units=len(columns), hidden_num_units=3 + i)
        net.seed(i).initialize()
        found[columns] = net
    model = export.to_onnx(found, half=half)
    if half:
        storage.save(found, tmp_path / "set.npz", half=True)
        found = storage.load(tmp_path / "set.npz")
    parts = {}
    for columns, net in found.items():
        parts |= dict(zip(columns, net.predict(images()).T, strict=True))
    expected = np.stack([parts[name] for name in COLUMNS], axis=1)
    np.testing.assert_allclose(onnx_models.run(model, images()), expected, atol=1e-5)
    assert json.loads(onnx_models.about(model)["columns"]) == list(COLUMNS)
    assert "trained_on" not in onnx_models.about(model)


def test_columns_of_a_net_for_some_points(tmp_path):
    from tests.helpers import kaggle_tables

    kaggle_tables.make(tmp_path / "made", rows=12)
    columns = ["nose_tip_x", "nose_tip_y"]
    X, y = data.load(cols=columns, folder=tmp_path / "made")
    net = nets.make("net1", output_num_units=2, hidden_num_units=2, verbose=0)
    net.seed(0).fit(X, y, epochs=1)
    model = export.to_onnx(net)
    assert json.loads(onnx_models.about(model)["columns"]) == columns
    check(model, net.predict, X[:IMAGES])
    unknown = nets.make("net1", output_num_units=4, hidden_num_units=2)
    unknown.initialize()
    about = onnx_models.about(export.to_onnx(unknown))
    assert {*about} == {"made_by", "images"}


def test_what_cannot_be_exported(tmp_path, monkeypatch):
    with pytest.raises(ExportError, match=r"^the net has not been trained$"):
        export.to_onnx(nets.make("net1"))
    with pytest.raises(ExportError, match=r"^a builtins\.object is not a kfkd\.Neu"):
        export.to_onnx(object())
    with pytest.raises(ExportError, match=r"^the set of specialists is empty$"):
        export.to_onnx({})
    flat, square = nets.make("net1", hidden_num_units=1), nets.make("net2")
    for net in (flat, square):
        net.initialize()
    with pytest.raises(ExportError, match="images of other shapes"):
        export.to_onnx({COLUMNS: flat, COLUMNS[:2]: square})
    with pytest.raises(ExportError, match=r"as keys, not 'net1'; export one net"):
        export.to_onnx({"net1": flat})
    with pytest.raises(ExportError, match="has 30 outputs, and 2 columns"):
        export.to_onnx({COLUMNS[:2]: flat})
    large = nets.make("net1", hidden_num_units=1)
    large.initialize()
    large.layers_["hidden"].b.set_value(np.array([1e5], np.float32))
    with pytest.raises(ExportError, match=r"hidden.*beyond 65504"):
        export.to_onnx(large, half=True)
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(StorageError):
        export.save(flat, tmp_path / "folder.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ExportError, match=r"the package onnx.*pip install .*onnx"):
        export.save(flat, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()
