"""scripts/plot_samples.py, in this process, as a user runs it."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kfkd import augment, faces, storage
from kfkd.data import COLUMNS, from_pixels
from tests.helpers import kaggle_tables, small_faces, stubs

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "scripts" / "plot_samples.py")

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture
def content(tmp_path):
    """The labels and images of a training set, in "made", and its test images."""
    labels, images = kaggle_tables.make(tmp_path / "work" / "made", rows=40)
    return labels, images, images[::2]


@pytest.fixture
def net():
    net = stubs.Linear(spread=0.1)
    storage.save(net, "net.pickle")
    return net


def shown_points(ax, i, label=None):
    """Return the points of the i-th face, as far as they are numbers."""
    marks = [m for m in ax.collections if label is None or m.get_label() == label]
    left, _, _, top = ax.images[i].get_extent()
    points = np.ma.getdata(marks[i].get_offsets()) - [left, top]
    return points[np.isfinite(points).all(axis=1)]


def grey(images):
    return np.divide(images, np.float32(255), dtype=np.float32)


def test_predictions(run, saved, content, net):
    *_, images = content
    status, printed = run("predictions", "net.pickle", "--data", "made", "--image", 2)
    assert status == 0
    assert printed.endswith("Drawn in predictions.png\n")
    assert saved[0].get_title() == "Predictions of net"
    assert len(saved[0].images) == 16
    for i in range(16):
        face = saved[0].images[i].get_array()
        np.testing.assert_allclose(face.ravel(), grey(images[i + 2]))
        expected = 48 + 48 * net.predict(grey(images[i + 2 : i + 3])).reshape(15, 2)
        np.testing.assert_allclose(shown_points(saved[0], i), expected, atol=1e-3)
    with Image.open("predictions.png") as picture:
        assert picture.format == "PNG"
    # Fewer are left from there on.
    assert run("predictions", "net.pickle", "--data", "made", "--image", 18)[0] == 0
    assert len(saved[1].images) == 2


@pytest.mark.parametrize("training", [True, False])
def test_comparison(run, saved, content, net, training):
    labels, images, test_images = content
    storage.save(stubs.specialists(spread=0.1), "crew.pickle")
    arguments = ["net.pickle", "crew.pickle", "--data", "made", "--out", "a.pdf"]
    if training:
        arguments.append("--training")
    else:
        images = test_images
    assert run("comparison", *arguments)[0] == 0
    assert Path("a.pdf").read_bytes().startswith(b"%PDF")
    (ax,) = saved
    np.testing.assert_allclose(ax.images[1].get_array().ravel(), grey(images[6]))
    assert [text.get_text().split()[0] for text in ax.texts] == ["net", "crew"]
    expected = 48 + 48 * net.predict(grey(images[6:7])).reshape(15, 2)
    np.testing.assert_allclose(shown_points(ax, 0, "predicted"), expected, atol=1e-3)
    if training:
        known = labels[6].reshape(15, 2)
        np.testing.assert_allclose(shown_points(ax, 0, "true"), known, atol=1e-3)
    assert (ax.get_legend() is not None) == training


def test_comparison_of_drawn_test_faces_has_their_true_points(run, saved, tmp_path):
    made = faces.make(tmp_path / "faces", n_train=4, n_test=3)
    storage.save(stubs.Linear(spread=0.1), "net.pickle")
    arguments = ["net.pickle", "--data", made, "--image", 2, 0]
    assert run("comparison", *arguments)[0] == 0
    (ax,) = saved
    known = pd.read_csv(made / "test_labels.csv", index_col="ImageId")
    for tile, image_id in enumerate([3, 1]):
        expected = known.loc[image_id, list(COLUMNS)].to_numpy().reshape(15, 2)
        expected = expected[~np.isnan(expected).any(axis=1)]
        np.testing.assert_allclose(shown_points(ax, tile, "true"), expected, atol=1e-3)


def test_flip(run, saved, content):
    labels, images, _ = content
    assert run("flip", "--data", "made", "--image", 3)[0] == 0
    (ax,) = saved
    face = images[3].reshape(96, 96)
    np.testing.assert_allclose(ax.images[0].get_array(), grey(face))
    np.testing.assert_allclose(ax.images[1].get_array(), grey(face[:, ::-1]))
    y = from_pixels(labels[3])
    y[::2] *= -1
    for a, b in augment.flip_pairs():
        y[a], y[b] = y[b], y[a]
    left = [i for i, name in enumerate(COLUMNS) if "left" in name]
    expected = (48 + 48 * y[left]).reshape(-1, 2)
    np.testing.assert_allclose(shown_points(ax, 1, "the person's left"), expected)


def test_weights(run, saved):
    small = small_faces.small()
    small.initialize()
    storage.save(small, "small.pickle")
    assert run("weights", "small.pickle", "--units", 3) == (0, "Drawn in weights.png\n")
    (ax,) = saved
    assert ax.get_title() == "hidden: the 3 strongest of 4 units"
    assert Path("weights.png").exists()


def test_drawn_faces_where_there_are_no_others(run, saved, content, monkeypatch):
    monkeypatch.setattr(faces, "make", lambda: "made")
    status, printed = run("flip")
    assert status == 0
    assert "drawn faces take their place" in printed
    assert run("flip", "--synthetic")[0] == 0
    np.testing.assert_array_equal(*(ax.images[0].get_array() for ax in saved))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predictions", "no.pickle", "--data", "made"], "no.pickle cannot be read"),
        (
            ["predictions", "few.pickle", "--data", "made"],
            "predicts 4 columns, where 30",
        ),
        (
            ["predictions", "net.pickle", "--data", "made", "--image", "20"],
            "test.csv has 20 images, counted from 0: there is no image 20",
        ),
        (["flip", "--data", "no"], "--data: there is no folder no"),
        (["flip", "--data", "made", "--out", "no/a.png"], "there is no folder no"),
        (["comparison", "net.pickle", "./net.pickle"], "net.pickle is named twice"),
        (
            ["weights", "three.pickle"],
            "three.pickle holds 3 (int), not a net",
        ),
        (
            ["weights", "net.pickle", "--device", "abacus"],
            "--device: 'abacus' is not",
        ),
    ],
)
def test_errors_are_one_message_and_nothing_is_written(
    run, content, net, arguments, message
):
    storage.save(stubs.Linear(4), "few.pickle")
    storage.save(3, "three.pickle")
    before = set(os.listdir())
    status, _ = run(*arguments)
    assert status.startswith("plot_samples.py: ")
    assert message in status
    assert set(os.listdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["comparison"],
        ["flip", "--data", "x", "--synthetic"],
        ["flip", "--image", "-1"],
        ["weights", "net.pickle", "--out", "a.gif"],
        ["weights", "net.pickle", "--units", "0"],
    ],
)
def test_wrong_use(run, arguments):
    assert run(*arguments)[0] == 2
