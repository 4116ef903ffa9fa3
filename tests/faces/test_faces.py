"""Drawn faces against what is known of the competition's labels.

Of the set that is as large as the competition's, the pictures are drawn only if
KFKD_CASES asks for all cases: its labels do not depend on them.
"""

import numpy as np
import pandas as pd
import pytest

from kfkd import faces
from kfkd.data.columns import COLUMNS
from kfkd.faces import photo, points
from tests.helpers.cases import ALL

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
    # Of the others, what is asked for and nothing else.
    asked = table.assign(is_asked=True).pivot(
        index="ImageId", columns="FeatureName", values="is_asked"
    )[list(COLUMNS)]
    known = truth[list(COLUMNS)].notna().to_numpy()
    assert known[:591].all()
    np.testing.assert_array_equal(known[591:], asked.notna().to_numpy()[591:])


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
