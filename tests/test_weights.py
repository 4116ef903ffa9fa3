"""The trained net that comes with the package."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import cbook
from PIL import Image

import kfkd
from kfkd import data, faces, prediction, storage, weights
from kfkd.cli import predict
from kfkd.data import COLUMNS, scale_images

SCRIPT = str(Path(__file__).resolve().parents[1] / "scripts" / "predict.py")

pytestmark = pytest.mark.usefixtures("work")

UNSEEN = 77  # no seed of what the net was trained on


@pytest.fixture(scope="module")
def seen():
    """Faces that no net has seen, and their points."""
    images, points = faces.draw(60, UNSEEN)
    return images, points


def test_it_finds_the_points_of_faces_it_has_never_seen(seen):
    images, points = seen
    table = prediction.predict(weights.load(), scale_images(images.reshape(60, -1)))
    error = np.sqrt(np.mean((table[list(COLUMNS)] - points) ** 2))
    average = np.sqrt(np.mean((points.mean(axis=0) - points) ** 2))
    assert error < 0.5 * average
    # Of an image and its mirror image the same.
    flipped = scale_images(images[:, :, ::-1].reshape(60, -1))
    other = prediction.predict(weights.load(), flipped)
    np.testing.assert_allclose(
        other["right_eye_center_x"], 96 - table["left_eye_center_x"], atol=0.01
    )


@pytest.mark.parametrize("shift", [(-18, -14), (-18, 14), (18, -14), (18, 14)])
def test_it_finds_a_face_in_a_photograph_that_it_has_never_seen(shift):
    """Grace Hopper's, which Matplotlib ships; the points were marked by hand."""
    truth = pd.Series(
        dict(
            left_eye_center=(303, 187),
            right_eye_center=(221, 189),
            mouth_left_corner=(310, 272),
            mouth_right_corner=(228, 278),
        )
    )
    corner, side = np.array([154, 104]) + shift, 218
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        box = (*corner, *(corner + side))
        face = (
            Image.open(file)
            .convert("L")
            .crop(box)
            .resize((96, 96), Image.Resampling.BOX)
        )
    X = scale_images(np.asarray(face).reshape(1, -1))
    table = prediction.predict(weights.load(), X).iloc[0]
    for name, point in truth.items():
        expected = (point - corner) * 96 / side
        found = table[[f"{name}_x", f"{name}_y"]]
        np.testing.assert_allclose(found, expected, atol=5.5, err_msg=name)


def test_each_call_gives_another_net():
    one, other = weights.load(), weights.load()
    before = other.get_all_params_values()
    one.layers_["output"].b.set_value(one.layers_["output"].b.get_value() + 1)
    for name, values in other.get_all_params_values().items():
        np.testing.assert_equal(values, before[name])


def test_its_file_is_small_and_has_a_card():
    assert weights.PATH.stat().st_size < 3_000_000
    card = weights.PATH.with_name("README.md").read_text(encoding="utf-8")
    assert "scripts/make_weights.py" in card
    # It loads where nothing else of the package's folder is.
    shutil.copy(weights.PATH, "copy.npz")
    assert storage.load(Path("copy.npz")).max_epochs == weights.load().max_epochs


def test_predict_uses_it_where_no_net_is_named(seen, run):
    images, _ = seen
    Image.fromarray(images[0]).save("me.png")
    status, printed = run("me.png", "--no-detect", "--out", "points.csv")
    assert status == 0, printed
    table = pd.read_csv("points.csv", index_col="File")[list(data.COLUMNS)]
    expected = prediction.predict(
        weights.load(), scale_images(images[:1].reshape(1, -1))
    )
    np.testing.assert_allclose(table.loc["me.png"], expected.iloc[0], atol=1e-3)


def test_without_images_it_predicts_the_test_set(run, tmp_path):
    folder = faces.make(tmp_path / "made", n_train=4, n_test=3)
    status, _ = run("--data", folder, "--out", "points.csv")
    assert status == 0
    assert list(pd.read_csv("points.csv")["ImageId"]) == [1, 2, 3]


def test_the_package_has_it():
    assert kfkd.weights is weights
    assert predict.parse_args(["a.png", "b.jpg"]).net is None
