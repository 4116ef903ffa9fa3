"""What is drawn of faces, and where."""

import hashlib
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kfkd import faces
from kfkd.data.columns import COLUMNS
from kfkd.faces import photo

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def drawn():
    images, where = faces.draw(400, seed=5)
    return images.astype(float), where


def at(images, x, y):
    """Mean grey of the 3x3 pixels about (x, y), one place for each image."""
    x, y = np.floor(x).astype(int), np.floor(y).astype(int)
    around = range(-1, 2)
    i = np.arange(len(images))
    return np.mean(
        [
            images[i, np.clip(y + dy, 0, 95), np.clip(x + dx, 0, 95)]
            for dy in around
            for dx in around
        ],
        axis=0,
    )


def test_left_and_right_mirror_each_other_in_the_mean(drawn):
    mean = dict(zip(COLUMNS, drawn[1].mean(0), strict=True))
    lefts = [name for name in COLUMNS if "left" in name]
    assert len(lefts) == 12
    for left in lefts:
        right = left.replace("left", "right")
        if left.endswith("_x"):
            assert mean[left] > 48 > mean[right]
            assert mean[left] + mean[right] == pytest.approx(96, abs=1.2)
        else:
            assert mean[left] == pytest.approx(mean[right], abs=1.5)


def test_features_are_where_the_labels_say(drawn):
    images, where = drawn
    x, y = where[:, 0::2].T, where[:, 1::2].T
    for eye, corner, inner, outer in ((0, 11, 6, 7), (1, 12, 8, 9)):
        cheek = at(images, (x[eye] + x[corner]) / 2, 0.6 * y[eye] + 0.4 * y[corner])
        forehead = at(images, x[eye], np.minimum(y[inner], y[outer]) - 7)
        pupil = at(images, x[eye], y[eye])
        assert np.mean(pupil < cheek) > 0.8
        assert np.median(cheek - pupil) > 15
        brow_x, brow_y = (x[inner] + x[outer]) / 2, (y[inner] + y[outer]) / 2
        brow = np.min([at(images, brow_x, brow_y - up) for up in range(5)], axis=0)
        assert np.mean(brow < forehead) > 0.7
    # Nostrils and their shadow beneath the tip of the nose, its back above it.
    beneath = at(images, x[10], y[10] + 4)
    assert np.mean(beneath < at(images, x[10], y[10] - 5)) > 0.7
    # Whatever the face: pupils are darker where its own labels are than where
    # those of the next face are.
    own = at(images, x[0], y[0]) + at(images, x[1], y[1])
    other = [np.roll(part, 1, axis=1) for part in (x, y)]
    shifted = at(images, other[0][0], other[1][0]) + at(
        images, other[0][1], other[1][1]
    )
    assert np.mean(own < shifted) > 0.75


def test_features_follow_their_labels(drawn):
    # The darkest spot near an eye moves with its label, one pixel for each.
    images, where = drawn
    for column in (0, 2):
        x, y = where[:, column], where[:, column + 1]
        mean = x.mean()
        across = np.arange(-5, 6)
        dark = np.array(
            [at(images, np.full(len(x), mean + step), y) for step in across]
        )
        weight = np.maximum(np.median(dark, axis=0) - dark, 0) + 1e-9
        place = (weight * across[:, None]).sum(0) / weight.sum(0)
        slope = np.polyfit(x - mean, place, 1)[0]
        assert 0.4 < slope < 1.3
        assert np.corrcoef(x, place)[0, 1] > 0.5


def test_faces_differ_in_everything(drawn):
    images, _ = drawn
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)
    light, contrast = images.mean((1, 2)), images.std((1, 2))
    assert light.std() > 15
    assert contrast.std() > 8
    sharpness = np.abs(np.diff(images, axis=2)).mean((1, 2)) / contrast
    assert np.percentile(sharpness, 95) > 2.5 * np.percentile(sharpness, 5)


def test_draw_depends_on_the_seed_alone():
    images, where = faces.draw(3, seed=7)
    assert (images.dtype, images.shape) == (np.uint8, (3, 96, 96))
    assert (where.dtype, where.shape) == (np.float32, (3, 30))
    more, where_more = faces.draw(5, seed=7)
    np.testing.assert_array_equal(more[:3], images)
    np.testing.assert_array_equal(where_more[:3], where)
    other, _ = faces.draw(3, seed=8)
    assert not (other == images).all((1, 2)).any()
    assert faces.draw(0)[0].shape == (0, 96, 96)


def test_pixels_are_reckoned_in_single_precision(monkeypatch):
    # In double precision a face would take twice the time.
    seen = []
    monkeypatch.setattr(
        photo, "camera", lambda picture, dice: seen.append(picture.dtype)
    )
    for number in range(100):
        photo.face(0, photo.DRAWN, number)
    assert set(seen) == {np.dtype(np.float32)}


def test_contact_sheet(tmp_path, monkeypatch, capsys):
    out = tmp_path / "sheet.png"
    script = str(ROOT / "scripts" / "contact_sheet.py")
    monkeypatch.setattr(sys, "argv", [script, "--out", str(out), "--rows", "2"])
    runpy.run_path(script, run_name="__main__")
    assert str(out) in capsys.readouterr().out
    with Image.open(out) as picture:
        assert picture.size == (386, 386)
        colours = {colour for _, colour in picture.convert("RGB").getcolors()}
    assert {(255, 165, 0), (0, 191, 255)} <= colours


@pytest.mark.process
@pytest.mark.slow
def test_other_processors_draw_the_same():
    # NumPy without its vector instructions, as on an older machine.
    code = (
        "import hashlib, kfkd.faces as f; x, y = f.draw(40, seed=3); "
        "print(hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest())"
    )
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    if not found:
        pytest.skip("NumPy uses no vector instructions here")
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "NPY_DISABLE_CPU_FEATURES": " ".join(found),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    images, where = faces.draw(40, seed=3)
    here = hashlib.sha256(images.tobytes() + where.tobytes()).hexdigest()
    assert result.stdout.split()[-1] == here
