import math
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import root_mean_squared_error

from kfkd.data import COLUMNS, DataError, from_pixels
from kfkd.errors import ArgumentError
from kfkd.prediction import predict, scoring, submission
from tests.helpers import kaggle_tables, stubs

rng = np.random.default_rng(0)
LABELS = pd.DataFrame(rng.uniform(0, 96, (7, 30)), index=range(1, 8), columns=COLUMNS)
GUESSES = LABELS + rng.normal(0, 9, LABELS.shape)
SPARSE = LABELS.mask(rng.random(LABELS.shape) < 0.4)


def test_by_hand():
    labels = pd.DataFrame({"nose_tip_x": [10.0, 20.0], "nose_tip_y": [30.0, np.nan]})
    guesses = pd.DataFrame({"nose_tip_x": [13.0, 20.0], "nose_tip_y": [34.0, 7.0]})
    assert scoring.score(guesses, labels) == pytest.approx(math.sqrt(25 / 3))
    by_point = scoring.score_by_point(guesses, labels)
    assert by_point.to_dict("index") == {
        "nose_tip": {"locations": 3, "rmse": pytest.approx(math.sqrt(25 / 3))}
    }


def test_score_is_the_rmse_over_all_locations_given():
    given = SPARSE.notna().to_numpy()
    clipped = GUESSES.clip(0, 96)
    assert (clipped != GUESSES).any(axis=None)
    expected = root_mean_squared_error(LABELS.values[given], clipped.values[given])
    assert scoring.score(GUESSES, SPARSE) == pytest.approx(expected)


def test_points_add_up_to_the_score():
    by_point = scoring.score_by_point(GUESSES, SPARSE)
    assert by_point.index.tolist() == [name[:-2] for name in COLUMNS[::2]]
    assert by_point["locations"].sum() == SPARSE.notna().to_numpy().sum()
    mean = np.average(by_point["rmse"] ** 2, weights=by_point["locations"])
    assert math.sqrt(mean) == pytest.approx(scoring.score(GUESSES, SPARSE))
    mouth = ["mouth_left_corner_x", "mouth_left_corner_y"]
    expected = scoring.score(GUESSES, SPARSE[mouth])
    assert by_point["rmse"]["mouth_left_corner"] == pytest.approx(expected)


def test_rows_and_columns_find_each_other():
    expected = scoring.score_by_point(GUESSES, SPARSE)
    moved = GUESSES.loc[[7, 1, 2, 6, 5, 4, 3], list(COLUMNS[::-1])]
    pd.testing.assert_frame_equal(scoring.score_by_point(moved, SPARSE), expected)


def test_points_without_labels_need_no_predictions():
    labels = SPARSE.copy()
    labels[["nose_tip_x", "nose_tip_y"]] = np.nan
    labels.loc[3] = np.nan
    fewer = GUESSES.drop(columns=["nose_tip_x", "nose_tip_y"]).drop(index=3)
    assert scoring.score(fewer, labels) == scoring.score(GUESSES, labels)
    assert "nose_tip" not in scoring.score_by_point(fewer, labels).index


@pytest.mark.parametrize(
    ("guesses", "labels", "message"),
    [
        (GUESSES, LABELS * np.nan, "^there is no label to score against$"),
        (GUESSES, 5, "^labels is 5; it must be a pandas.DataFrame$"),
        (GUESSES.to_numpy(), LABELS, "^predictions is array.*; it must be a pandas"),
        (GUESSES.drop(columns="nose_tip_x"), LABELS, "for column nose_tip_x$"),
        (GUESSES.drop(index=4), LABELS, "for image 4$"),
        (
            GUESSES.where(GUESSES.iloc[2, 20] != GUESSES),
            LABELS,
            "missing in column nose_tip_x$",
        ),
    ],
)
def test_what_cannot_be_scored(guesses, labels, message):
    with pytest.raises(ArgumentError, match=message):
        scoring.score(guesses, labels)


def test_evaluation_of_nets_on_rows_held_out():
    X = rng.random((7, 1, 96, 96), np.float32)
    crew = stubs.specialists(spread=0.2)
    predictions, labels = scoring.evaluate(crew, X, from_pixels(SPARSE.to_numpy()))
    pd.testing.assert_frame_equal(predictions, predict(crew, X))
    np.testing.assert_allclose(labels, SPARSE)
    one = stubs.GROUPS[1]
    some = scoring.evaluate({one: crew[one]}, X, from_pixels(SPARSE[list(one)]), one)
    pd.testing.assert_frame_equal(
        scoring.score_by_point(*some),
        scoring.score_by_point(predictions, labels[list(one)]),
    )
    with pytest.raises(
        ArgumentError, match=r"^y has the shape \(7, 29\), not \(7, 30\)"
    ):
        scoring.evaluate(crew, X, np.zeros((7, 29)))


def test_report():
    header, *lines = scoring.report(GUESSES, SPARSE).splitlines()
    assert header.split() == ["key", "point", "locations", "RMSE", "(pixels)"]
    by_point = scoring.score_by_point(GUESSES, SPARSE)
    shown = {}
    for line in lines:
        point, count, rmse = line.split()
        shown[point] = int(count), float(rmse)
    count, rmse = shown.pop("all")
    assert list(shown) == by_point.index.tolist()
    assert count == SPARSE.notna().to_numpy().sum()
    assert rmse == pytest.approx(scoring.score(GUESSES, SPARSE), abs=1e-3)
    for point, values in shown.items():
        assert values == pytest.approx(tuple(by_point.loc[point]), abs=1e-3)
    assert len({len(line) for line in (header, *lines)}) == 1  # columns


def test_labels_of_a_file(tmp_path):
    path = tmp_path / "labels.csv"
    SPARSE.rename_axis("ImageId").to_csv(path)
    pd.testing.assert_frame_equal(scoring.read_labels(path), SPARSE, check_names=False)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["nose_tip_x", "1"], "line 1: there is no column 'ImageId'"),
        (["ImageId,nose_x", "1,2"], "line 1: column 2 is called 'nose_x' (did"),
        (["ImageId,nose_tip_x,nose_tip_x", "1,2,3"], "'nose_tip_x' appears twice"),
        (["ImageId,nose_tip_x", "1,2", "2,?"], "line 3, column nose_tip_x: '?' is no"),
        (["ImageId,nose_tip_x", "1,2", "1,2"], "line 3, column ImageId: 1 appears"),
    ],
)
def test_faults_of_labels_are_named(tmp_path, lines, message):
    path = kaggle_tables.write(tmp_path / "labels.csv", lines)
    with pytest.raises(DataError, match=re.escape(message)):
        scoring.read_labels(path)


def test_labels_are_found_beside_the_test_set(tmp_path):
    with pytest.raises(DataError, match=r"test\.csv"):
        scoring.find_labels(tmp_path)
    (tmp_path / "test.csv").write_text("ImageId,Image\n")
    assert scoring.find_labels(tmp_path) is None
    labels = tmp_path / "test_labels.csv"
    labels.write_text("ImageId,nose_tip_x\n1,2\n")
    assert scoring.find_labels(tmp_path) == labels


def test_no_file_of_labels(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv cannot be read: No such file"):
        scoring.read_labels(tmp_path / "absent.csv")


def test_only_what_is_asked_for_is_scored():
    asked = SPARSE.notna()
    pairs = [(i, name) for i in asked.index for name in COLUMNS if asked.loc[i, name]]
    pairs.append((99, "nose_tip_x"))  # has no label
    lookup = pd.DataFrame(pairs, columns=["ImageId", "FeatureName"])
    lookup["RowId"] = range(1, len(lookup) + 1)
    wanted = scoring.asked_for(LABELS, lookup)
    pd.testing.assert_frame_equal(wanted, SPARSE)
    # Kaggle's way: by the rows of the submission.
    rows = submission.answer(GUESSES, lookup[:-1])["Location"]
    truth = submission.answer(LABELS, lookup[:-1])["Location"]
    expected = root_mean_squared_error(truth, rows)
    assert scoring.score(GUESSES, wanted) == pytest.approx(expected)
    with pytest.raises(DataError, match=r"none of the locations to be submitted$"):
        scoring.asked_for(LABELS, lookup[-1:])
