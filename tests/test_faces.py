"""Drawn faces against what is known of the competition's labels.

Of the set that is as large as the competition's, the pictures are drawn only if
KFKD_CASES asks for all cases: its labels do not depend on them.
"""

import hashlib
import json
import os
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases import ALL
from PIL import Image

from kfkd import faces
from kfkd._layout import COLUMNS
from kfkd.faces import photo, points

ROOT = Path(__file__).parent.parent
FILES = ("training.csv", "test.csv", "IdLookupTable.csv", "test_labels.csv")

# Of the competition's training.csv: labels in each column (x and y alike) ...
COUNTS = {
    "left_eye_center": 7039,
    "right_eye_center": 7036,
    "left_eye_inner_corner": 2271,
    "left_eye_outer_corner": 2267,
    "right_eye_inner_corner": 2268,
    "right_eye_outer_corner": 2268,
    "left_eyebrow_inner_end": 2270,
    "left_eyebrow_outer_end": 2225,
    "right_eyebrow_inner_end": 2270,
    "right_eyebrow_outer_end": 2236,
    "nose_tip": 7049,
    "mouth_left_corner": 2269,
    "mouth_right_corner": 2270,
    "mouth_center_top_lip": 2275,
    "mouth_center_bottom_lip": 7016,
}
# ... mean and standard deviation of its complete rows, in the order of the columns,
MEAN = [
    *(66.2, 36.8, 29.6, 37.1, 59.3, 37.9, 73.4, 37.6, 36.6, 37.9, 22.4, 38.0),
    *(56.1, 29.2, 79.6, 29.7, 39.3, 29.4, 15.8, 30.5, 48.0, 57.3, 63.4, 75.9),
    *(33.0, 76.1, 48.1, 72.7, 48.1, 82.6),
]
SPREAD = [
    *(2.1, 2.3, 2.1, 2.2, 2.0, 2.0, 2.7, 2.7, 1.8, 2.0, 2.8, 2.7, 2.8, 2.9, 3.3),
    *(3.6, 2.6, 2.8, 3.3, 3.6, 3.3, 4.5, 3.7, 4.4, 3.6, 4.3, 2.7, 5.1, 3.0, 4.8),
]
# ... some correlations among them,
CORRELATIONS = [
    ("left_eye_center_x", "left_eye_outer_corner_x", 0.81),
    ("left_eye_center_x", "right_eye_center_x", -0.08),
    ("left_eye_center_y", "right_eye_center_y", 0.31),
    ("left_eyebrow_inner_end_y", "right_eyebrow_inner_end_y", 0.79),
    ("left_eyebrow_outer_end_x", "right_eyebrow_outer_end_x", -0.47),
    ("nose_tip_x", "mouth_center_top_lip_x", 0.61),
    ("nose_tip_y", "mouth_left_corner_y", 0.43),
    ("mouth_left_corner_x", "mouth_right_corner_x", 0.16),
    ("mouth_left_corner_y", "mouth_right_corner_y", 0.85),
    ("mouth_center_top_lip_y", "mouth_center_bottom_lip_y", 0.42),
]
# ... and the mean of all its rows, in the columns that almost all rows have.
MEAN_OF_ALL = {
    "left_eye_center": (66.4, 37.7),
    "right_eye_center": (30.3, 38.0),
    "nose_tip": (48.4, 62.7),
    "mouth_center_bottom_lip": (48.6, 79.0),
}


def unpainted(seed, stream, number, *, sparse=False):
    """Do what `photo.face` does, but leave the picture black."""
    rng = np.random.default_rng([seed, stream, number])
    return np.zeros((96, 96), np.uint8), points.sample(rng, sparse=sparse), rng


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        if not ALL:
            patch.setattr("kfkd.faces.table.face", unpainted)
        return faces.make(tmp_path_factory.mktemp("faces") / "full", seed=0)


@pytest.fixture(scope="module")
def painted(full, tmp_path_factory):
    """Fewer of the same faces, with their pictures."""
    if ALL:
        return full
    return faces.make(tmp_path_factory.mktemp("faces") / "part", 0, 300, 60)


@pytest.fixture(scope="module")
def training(full):
    return pd.read_csv(full / "training.csv")


@pytest.fixture(scope="module")
def drawn():
    images, where = faces.draw(400, seed=5)
    return images.astype(float), where


def content(folder):
    return [(folder / name).read_bytes() for name in FILES]


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


def test_training_has_the_competitions_columns_and_missing_labels(training):
    assert tuple(training.columns) == (*COLUMNS, "Image")
    assert len(training) == 7049
    for name, count in COUNTS.items():
        assert training[f"{name}_x"].count() == count
        assert training[f"{name}_y"].count() == count
    assert len(training.dropna()) == 2140
    # As there, the completely labelled come first.
    assert training.dropna().index.max() < 2284


def test_images_are_96_by_96_greys(painted):
    for name in ("training.csv", "test.csv"):
        images = pd.read_csv(painted / name)["Image"]
        for text in images.iloc[:: len(images) // 50]:
            values = np.array(text.split(" "), dtype=int)
            assert values.shape == (9216,)
            assert values.min() >= 0
            assert values.max() <= 255
            assert values.std() > 5


def test_test_set_and_look_up_table(full):
    test = pd.read_csv(full / "test.csv")
    assert list(test.columns) == ["ImageId", "Image"]
    assert list(test["ImageId"]) == list(range(1, 1784))
    table = pd.read_csv(full / "IdLookupTable.csv")
    assert list(table.columns) == ["RowId", "ImageId", "FeatureName", "Location"]
    assert list(table["RowId"]) == list(range(1, 27125))
    assert table["Location"].isna().all()
    assert set(table["FeatureName"]) == set(COLUMNS)
    assert not table.duplicated(["ImageId", "FeatureName"]).any()
    wanted = table.groupby("ImageId").size()
    assert list(wanted.index) == list(range(1, 1784))
    assert (wanted == 30).sum() == 556
    assert (wanted == 8).sum() == 1190
    truth = pd.read_csv(full / "test_labels.csv")
    assert tuple(truth.columns) == ("ImageId", *COLUMNS)
    assert list(truth["ImageId"]) == list(test["ImageId"])
    assert truth.notna().all(axis=None)


def test_constant_prediction_scores_as_on_the_real_labels(training):
    complete = training.dropna()[list(COLUMNS)].to_numpy()
    error = np.sqrt(np.mean((complete - complete.mean(0)) ** 2))
    assert error == pytest.approx(3.18, abs=0.12)


def test_points_are_distributed_as_the_real_labels(training):
    complete = training.dropna()[list(COLUMNS)]
    np.testing.assert_allclose(complete.mean(), MEAN, atol=0.6)
    np.testing.assert_allclose(complete.std(), SPREAD, rtol=0.15)
    for one, other, real in CORRELATIONS:
        assert complete[one].corr(complete[other]) == pytest.approx(real, abs=0.15)
    for name, (x, y) in MEAN_OF_ALL.items():
        assert training[f"{name}_x"].mean() == pytest.approx(x, abs=0.6)
        assert training[f"{name}_y"].mean() == pytest.approx(y, abs=0.8)


def test_all_points_are_inside_the_image(full, training):
    for table in (training, pd.read_csv(full / "test_labels.csv")):
        labels = table[list(COLUMNS)]
        assert labels.min(axis=None) > 0
        assert labels.max(axis=None) < 96


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


def test_equal_seeds_give_equal_files_and_others_differ(tmp_path):
    one, same, other = (
        content(faces.make(tmp_path / name, seed=seed, n_train=12, n_test=6))
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert one == same
    for name, before, after in zip(FILES, one, other, strict=True):
        assert (before == after) is (name == "IdLookupTable.csv")


def test_fewer_images_keep_the_proportions():
    for n in (100, 700):
        present, sparse = points.labelled(n)
        assert present.shape == (n, 30)
        assert present.all(1).sum() == pytest.approx(n * 2140 / 7049, abs=0.02 * n)
        assert sparse.sum() == pytest.approx(n * 4765 / 7049, abs=1)
    assert points.asked(179)[0].sum() == pytest.approx(2712, abs=60)


def test_labels_of_training_are_a_little_off(painted):
    training = pd.read_csv(painted / "training.csv", usecols=["nose_tip_x"], nrows=90)
    where = [photo.face(0, photo.TRAINING, i)[1][20] for i in range(0, 90, 3)]
    off = training["nose_tip_x"].to_numpy()[::3] - where
    assert 0.15 < off.std() < 0.5
    test = pd.read_csv(painted / "test_labels.csv", nrows=5)
    where = [photo.face(0, photo.TEST, i)[1] for i in range(5)]
    np.testing.assert_array_equal(test[list(COLUMNS)], where)


def test_default_folder_is_in_the_cache_and_used_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = faces.make(seed=4, n_train=5, n_test=3)
    assert folder == tmp_path / "kfkd" / f"faces-{faces.VERSION}-4-5-3"
    before = [(folder / name).stat().st_mtime_ns for name in FILES]
    assert faces.make(seed=4, n_train=5, n_test=3) == folder
    assert [(folder / name).stat().st_mtime_ns for name in FILES] == before
    good = content(folder)
    (folder / "test.csv").write_bytes(good[1][:100])
    (folder / "training.csv").unlink()
    faces.make(seed=4, n_train=5, n_test=3)
    assert content(folder) == good
    assert {path.name for path in folder.iterdir()} == {*FILES, "faces.json"}


@pytest.mark.parametrize("name", ["training.csv", "test.zip"])
def test_files_of_others_are_never_lost(tmp_path, name):
    faces.make(tmp_path, n_train=4, n_test=2)
    (tmp_path / name).write_bytes(b"all my labels")
    before = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())
    with pytest.raises(FileExistsError, match=rf"holds {name}, not made by"):
        faces.make(tmp_path, seed=1, n_train=4, n_test=2)
    after = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())
    assert after == before


def test_own_files_are_replaced(tmp_path):
    faces.make(tmp_path, seed=1, n_train=4, n_test=2)
    faces.make(tmp_path, seed=2, n_train=6, n_test=2)
    assert len(pd.read_csv(tmp_path / "training.csv")) == 6
    assert json.loads((tmp_path / "faces.json").read_text())["seed"] == 2


def test_nothing_is_left_when_making_fails(tmp_path, monkeypatch):
    faces.make(tmp_path, seed=1, n_train=4, n_test=2)
    before = content(tmp_path)
    drawn = photo.face

    def fail(seed, stream, number, **options):
        if stream == photo.TEST:
            raise KeyboardInterrupt
        return drawn(seed, stream, number, **options)

    monkeypatch.setattr("kfkd.faces.table.face", fail)
    with pytest.raises(KeyboardInterrupt):
        faces.make(tmp_path, seed=2, n_train=4, n_test=2)
    assert content(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "faces.json"}


def test_several_may_make_the_same_set_at_once(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        tasks = [
            pool.submit(faces.make, tmp_path / "set", 3, n_train=20, n_test=10)
            for _ in range(4)
        ]
        assert {task.result() for task in tasks} == {tmp_path / "set"}
    alone = faces.make(tmp_path / "alone", 3, n_train=20, n_test=10)
    assert content(tmp_path / "set") == content(alone)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed must be a whole number, 0 or more, not -1"),
        ({"n_train": 2.5}, "n_train must be a whole number, 0 or more, not 2.5"),
        ({"n_test": 0}, "n_test must be 1 or more"),
    ],
)
def test_bad_arguments_give_one_clear_error(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        faces.make(tmp_path / "set", **arguments)
    assert not (tmp_path / "set").exists()


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="is a file: the drawn faces need a"):
        faces.make(path, n_train=2, n_test=2)
    assert path.read_text() == "mine"


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


def test_drafts_of_killed_processes_are_cleared_away(tmp_path):
    old, new = tmp_path / ".draft-old", tmp_path / ".draft-new"
    for draft in (old, new):
        draft.mkdir()
        (draft / "training.csv").write_text("half")
    os.utime(old, (0, 0))
    faces.make(tmp_path, n_train=2, n_test=2)
    assert not old.exists()
    assert new.exists()
