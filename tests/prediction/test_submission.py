import os
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kfkd.data import COLUMNS, DataError, load
from kfkd.errors import ArgumentError
from kfkd.faces.points import asked
from kfkd.prediction import PredictionError, predict, scoring, submission
from kfkd.storage import StorageError
from tests.helpers import kaggle_tables, stubs

pytestmark = pytest.mark.usefixtures("work")

HEADER = "RowId,ImageId,FeatureName,Location"


def lookup_lines(images=6):
    """Ask for what Kaggle's pattern has, but the second half in another order."""
    wanted, _ = asked(images)
    pairs = [(i + 1, COLUMNS[c]) for i, c in np.argwhere(wanted)]
    pairs[len(pairs) // 2 :] = pairs[: len(pairs) // 2 - 1 : -1]
    rows = (f"{n},{i},{name}," for n, (i, name) in enumerate(pairs, start=1))
    return [HEADER, *rows]


@pytest.fixture
def folder(tmp_path):
    kaggle_tables.make(tmp_path / "made", rows=12)
    kaggle_tables.write(tmp_path / "made" / "IdLookupTable.csv", lookup_lines())
    return tmp_path / "made"


def tutorial_predict(specialists, folder, lookup_csv, path):
    # kfkd.py of the tutorial, with .loc in the place of .ix.
    X = load(test=True, folder=folder)[0]
    y_pred = np.empty((X.shape[0], 0))
    for model in specialists.values():
        y_pred1 = model.predict(X)
        y_pred = np.hstack([y_pred, y_pred1])
    columns = ()
    for cols in specialists:
        columns += cols
    y_pred2 = y_pred * 48 + 48
    y_pred2 = y_pred2.clip(0, 96)
    df = pd.DataFrame(y_pred2, columns=columns)
    lookup_table = pd.read_csv(lookup_csv)
    values = []
    for _, row in lookup_table.iterrows():
        values.append((row["RowId"], df.loc[row.ImageId - 1][row.FeatureName]))
    pd.DataFrame(values, columns=("RowId", "Location")).to_csv(path, index=False)


@pytest.mark.parametrize("nets", [stubs.specialists(), stubs.Linear()])
def test_the_file_is_the_tutorials_byte_for_byte(folder, tmp_path, nets):
    path, _ = submission.submit(nets, folder, tmp_path / "ours.csv")
    crew = nets if isinstance(nets, dict) else {COLUMNS: nets}
    theirs = tmp_path / "theirs.csv"
    tutorial_predict(crew, folder, folder / "IdLookupTable.csv", theirs)
    assert path.read_bytes() == theirs.read_bytes()
    locations = pd.read_csv(path)["Location"]
    assert 0 < (locations == 0).sum() < len(locations) / 2
    assert 0 < (locations == 96).sum() < len(locations) / 2
    assert locations.between(0, 96).all()


@pytest.mark.skipif(
    "KFKD_TEST_LOOKUP" not in os.environ,
    reason="KFKD_TEST_LOOKUP does not name Kaggle's IdLookupTable.csv",
)
def test_kaggles_own_table(tmp_path):
    shutil.copy(os.environ["KFKD_TEST_LOOKUP"], tmp_path / "IdLookupTable.csv")
    images = np.random.default_rng(0).integers(0, 256, (1783, 9216), np.uint8)
    kaggle_tables.write(tmp_path / "test.csv", kaggle_tables.test_lines(images))
    crew = stubs.specialists()
    path, _ = submission.submit(crew, tmp_path, tmp_path / "ours.csv")
    theirs = tmp_path / "theirs.csv"
    tutorial_predict(crew, tmp_path, tmp_path / "IdLookupTable.csv", theirs)
    assert path.read_bytes() == theirs.read_bytes()
    assert len(pd.read_csv(path)) == 27124


def test_images_are_looked_up_by_id_not_by_position(folder, tmp_path):
    net = stubs.Linear(spread=0.1)
    before, _ = submission.submit(net, folder, tmp_path / "before.csv")
    header, *rows = (folder / "test.csv").read_text().splitlines()
    kaggle_tables.write(folder / "test.csv", [header, *rows[::-1]])
    after, _ = submission.submit(net, folder, tmp_path / "after.csv")
    pd.testing.assert_frame_equal(pd.read_csv(after), pd.read_csv(before), rtol=1e-6)


def test_locations_are_in_the_order_of_the_table(folder):
    _, *rows = lookup_lines()
    rng = np.random.default_rng(0)
    rng.shuffle(rows)
    kaggle_tables.write(folder / "IdLookupTable.csv", [HEADER, *rows])
    predictions = pd.DataFrame(
        [[100 * i + c for c in range(30)] for i in range(1, 7)],
        index=range(1, 7),
        columns=COLUMNS,
    )
    lookup = submission.read_lookup(folder)
    made = submission.answer(predictions / 10, lookup)
    for row, (row_id, location) in zip(rows, made.to_numpy(), strict=True):
        number, image, name, _ = row.split(",")
        assert row_id == int(number)
        expected = (100 * int(image) + COLUMNS.index(name)) / 10
        assert location == pytest.approx(min(expected, 96))


def test_its_name_has_the_time_and_its_place_is_the_current_folder(folder):
    net = stubs.Linear()
    first, predictions = submission.submit(net, folder)
    second, _ = submission.submit(net, folder)
    assert {first, second} == set(map(Path, os.listdir()))
    assert first != second
    pattern = r"submission-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d{6})?\.csv"
    assert re.fullmatch(pattern, str(first))
    X = load(test=True, folder=folder)[0]
    pd.testing.assert_frame_equal(predictions, predict(net, X), rtol=1e-6)


def test_a_feature_that_no_specialist_predicts(folder):
    crew = stubs.specialists()
    del crew["nose_tip_x", "nose_tip_y"]
    row = next(n for n, line in enumerate(lookup_lines()) if "nose_tip" in line)
    name = lookup_lines()[row].split(",")[2]
    message = (
        f"^IdLookupTable.csv asks, with RowId {row}, for FeatureName {name}, which is "
        r"not predicted \(and for 1 more such\)$"
    )
    X, _ = load(test=True, folder=folder)
    lookup = submission.read_lookup(folder)
    with pytest.raises(PredictionError, match=message):
        submission.answer(predict(crew, X), lookup)


def test_specialists_that_are_missing_are_named_before_anything_is_predicted(folder):
    crew = {
        columns: object.__new__(stubs.Linear)  # which could not predict
        for columns in stubs.GROUPS
        if columns[0] not in ("nose_tip_x", "mouth_left_corner_x")
    }
    message = (
        "^the 4 specialists predict 11 of the 15 key points that IdLookupTable.csv "
        "asks for; those for nose_tip, mouth_left_corner, mouth_right_corner, "
        "mouth_center_top_lip are missing$"
    )
    with pytest.raises(PredictionError, match=message):
        submission.submit(crew, folder)
    assert not os.listdir()


def test_an_image_that_is_not_in_the_test_set(folder):
    with open(folder / "IdLookupTable.csv", "a", encoding="utf-8") as file:
        file.write("1001,1784,nose_tip_x,\n")
    message = (
        "^IdLookupTable.csv asks, with RowId 1001, for ImageId 1784, which the test "
        "set does not have$"
    )
    with pytest.raises(DataError, match=message):
        submission.submit(stubs.Linear(), folder)
    assert not os.listdir()


@pytest.mark.parametrize(
    ("rewrite", "message"),
    [
        (
            lambda lines: ["RowId,ImageId,Feature", *lines[1:]],
            "line 1: there is no column 'FeatureName'; there are 'RowId', 'ImageId', "
            "'Feature'$",
        ),
        (
            lambda lines: ["RowId,ImageId,FeatureName,RowId", *lines[1:]],
            "line 1: column 'RowId' appears twice",
        ),
        (lambda lines: ["<!DOCTYPE html>", "<p>"], "answer of a web site: log in"),
        (lambda lines: lines[:1], "holds a header, but no rows; download it again$"),
        (lambda lines: [], " is empty; download it again$"),
        (
            lambda lines: ["", *lines[1:]],
            r"line 2: there is no column 'RowId' \(nor 2 more\); there are '1', '",
        ),
        (
            lambda lines: [*lines[:3], "1e300,1,nose_tip_x,"],
            "line 4, column RowId: 1e\\+300 is too large$",
        ),
        (
            lambda lines: [*lines[:3], "3,1,nose_tip_x"],
            "line 4: 3 values for 4 columns$",
        ),
        (
            lambda lines: [*lines[:3], "", "x,1,nose_tip_x,"],
            "line 5, column RowId: 'x' is not a number$",
        ),
        (
            lambda lines: [*lines[:3], "3,1.5,nose_tip_x,"],
            "line 4, column ImageId: 1.5 is not a whole number$",
        ),
        (
            lambda lines: ["", *lines[:3], f"3,{2**53 + 1},nose_tip_x,"],
            "line 5, column ImageId: 9007199254740993 is too large$",
        ),
        (
            lambda lines: [*lines[:3], ",1,nose_tip_x,"],
            "line 4, column RowId: the value is missing$",
        ),
        (
            lambda lines: [*lines[:3], "2,1,nose_tip_x,"],
            "line 4, column RowId: 2 appears twice$",
        ),
        (
            lambda lines: [*lines[:3], "3,1,nose_tipp_x,"],
            r"line 4, column FeatureName: 'nose_tipp_x' is not a target column \(di",
        ),
        (
            lambda lines: [*lines[:3], "3,1,,"],
            "line 4, column FeatureName: the value is missing$",
        ),
        (lambda lines: [*lines[:3], 'a"\0b,1,,'], "line 4"),
    ],
)
def test_faults_of_the_table_are_named(folder, rewrite, message):
    path = kaggle_tables.write(folder / "IdLookupTable.csv", rewrite(lookup_lines()))
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}.*{message}"):
        submission.submit(stubs.Linear(), folder)
    assert not os.listdir()


def test_a_table_in_another_encoding(folder):
    kaggle_tables.write(folder / "IdLookupTable.csv", lookup_lines(), encoding="utf-16")
    with pytest.raises(DataError, match="is not plain text"):
        submission.read_lookup(folder)


def test_ways_of_writing_the_same_table(folder, tmp_path):
    expected = submission.read_lookup(folder)
    path, lines = folder / "IdLookupTable.csv", lookup_lines()
    for written, options in (
        (lines, {"end": "\r\n", "encoding": "utf-8-sig"}),
        ([line.replace(",", ";") for line in lines], {}),
        (['"' + line.replace(",", '","') + '"' for line in lines], {}),
        ([line[: line.rindex(",")] for line in lines], {}),  # without Location
        ([*lines, ",,,", ""], {}),
    ):
        kaggle_tables.write(path, written, **options)
        pd.testing.assert_frame_equal(submission.read_lookup(folder), expected)
    with zipfile.ZipFile(folder / "facial-keypoints-detection.zip", "w") as archive:
        archive.write(path, "IdLookupTable.csv")
    path.unlink()
    pd.testing.assert_frame_equal(submission.read_lookup(folder), expected)


LOOKUP = pd.DataFrame({"RowId": [1, 2, 3]})


@pytest.mark.parametrize(
    ("ids", "locations", "message"),
    [
        ([1, 2], [0, 1], "RowId 3 is missing$"),
        ([1], [0], "RowId 2 is missing, like 1 other row$"),
        ([1, 2, 3, 4], [0] * 4, "RowId 4 is not in IdLookupTable.csv$"),
        ([1, 2, 3, 2], [0] * 4, "RowId 2 appears twice$"),
        ([1, 2, 3], [0, np.nan, 1], r"RowId 2 has no location within 0 \.\.\. 96 pi"),
        ([1, 2, 3], [0, 1, 96.1], r"RowId 3 has no location within"),
        ([1, 2, 3], [np.inf, 1, 2], r"RowId 1 has no location within"),
    ],
)
def test_what_kaggle_would_refuse_is_not_written(ids, locations, message):
    made = pd.DataFrame({"RowId": ids, "Location": locations})
    with pytest.raises(PredictionError, match=message):
        submission.write(made, LOOKUP, "submission.csv")
    assert not os.listdir()


def test_other_columns_are_refused():
    made = pd.DataFrame({"Location": [0.0] * 3, "RowId": [1, 2, 3]})
    message = "has the columns RowId and Location, not Location, RowId$"
    with pytest.raises(PredictionError, match=message):
        submission.check(made, LOOKUP)


def test_what_is_not_a_table():
    made = pd.DataFrame({"RowId": [], "Location": []})
    for call, message in [
        (lambda: submission.answer(5, LOOKUP), "predictions is 5; it must be a pandas"),
        (lambda: submission.answer(made, "a.csv"), "lookup is 'a.csv'; it must be a"),
        (lambda: submission.write(made, "a.csv"), "lookup is 'a.csv'; it must be a"),
        (lambda: submission.write(5, LOOKUP), "submission is 5; it must be a pandas"),
        (lambda: scoring.asked_for(5, LOOKUP), "labels is 5; it must be a pandas"),
        (
            lambda: submission.answer(made, LOOKUP),
            "lookup has no column 'ImageId'; it must have RowId, ImageId, FeatureName$",
        ),
    ]:
        with pytest.raises(ArgumentError, match=f"^{message}"):
            call()
    assert not os.listdir()


def test_rows_may_come_in_any_order():
    made = pd.DataFrame({"RowId": [2, 3, 1], "Location": [0.0, 96.0, 1.0]})
    path = submission.write(made, LOOKUP, "submission.csv")
    assert path.read_text() == "RowId,Location\n2,0.0\n3,96.0\n1,1.0\n"


def test_a_file_that_cannot_be_written(folder, monkeypatch):
    monkeypatch.setattr(stubs.Linear, "predict", None)  # nothing is predicted before
    with pytest.raises(StorageError, match="absent"):
        submission.submit(stubs.Linear(), folder, "absent/submission.csv")
    with pytest.raises(ArgumentError, match=r"^path is 5; it must be a path"):
        submission.submit(stubs.Linear(), folder, 5)
