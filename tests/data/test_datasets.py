import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import shuffle

from kfkd import data
from kfkd.data import COLUMNS, DataError, load, load2d, read
from kfkd.errors import ArgumentError
from tests.helpers import kaggle_tables

pytestmark = pytest.mark.usefixtures("work")

ROOT = Path(__file__).resolve().parents[2]

EYES = (
    "left_eye_center_x",
    "left_eye_center_y",
    "right_eye_center_x",
    "right_eye_center_y",
)
SUBSETS = [None, EYES, ("nose_tip_y", "nose_tip_x"), list(COLUMNS[::-1])]


def tutorial_load(fname, test=False, cols=None):
    # The text's function; only the parsing of an image is today's.
    df = pd.read_csv(fname)
    df["Image"] = df["Image"].apply(lambda im: np.array(im.split(" "), dtype=float))
    if cols:
        df = df[[*cols, "Image"]]
    print(df.count())
    df = df.dropna()
    X = np.vstack(df["Image"].values) / 255.0
    X = X.astype(np.float32)
    if not test:
        y = df[df.columns[:-1]].values
        y = (y - 48) / 48
        X, y = shuffle(X, y, random_state=42)
        y = y.astype(np.float32)
    else:
        y = None
    return X, y


@pytest.fixture
def folder(tmp_path):
    kaggle_tables.make(tmp_path / "made")
    return tmp_path / "made"


@pytest.mark.parametrize("cols", SUBSETS)
def test_training_set_is_the_tutorials_bit_for_bit(folder, capsys, cols):
    X, y = load(cols=cols, folder=folder)
    printed = capsys.readouterr().out
    X_text, y_text = tutorial_load(folder / "training.csv", cols=cols)
    assert printed == capsys.readouterr().out
    assert X.dtype == y.dtype == np.float32
    np.testing.assert_array_equal(X, X_text, strict=True)
    np.testing.assert_array_equal(y, y_text, strict=True)
    assert 0 < len(y) < 12 or cols != EYES  # rows were dropped, or this shows little


def test_test_set_is_the_tutorials_bit_for_bit(folder, capsys):
    X, y = load(test=True, folder=folder)
    printed = capsys.readouterr().out
    X_text, _ = tutorial_load(folder / "test.csv", test=True)
    assert printed == capsys.readouterr().out
    assert y is None
    np.testing.assert_array_equal(X, X_text, strict=True)


def test_every_grey_value_is_scaled_as_in_the_tutorial(tmp_path, capsys):
    image = np.resize(np.arange(256), 9216)
    kaggle_tables.write(tmp_path / "test.csv", kaggle_tables.test_lines([image]))
    X, _ = load(test=True, folder=tmp_path)
    np.testing.assert_array_equal(X[0], (image / 255.0).astype(np.float32), strict=True)


def test_loading_again_gives_the_same_without_parsing(folder, capsys, monkeypatch):
    first = [load(folder=folder), load(test=True, folder=folder)]
    monkeypatch.setattr(data.datasets, "parse", None)
    again = [load(folder=folder), load(test=True, folder=folder)]
    for (X, y), (X_again, y_again) in zip(first, again, strict=True):
        np.testing.assert_array_equal(X, X_again, strict=True)
        np.testing.assert_array_equal(y, y_again)
    X_eyes, _ = load(cols=EYES, folder=folder)  # other columns of the same copy
    assert len(X_eyes) > len(first[0][0])


def test_a_changed_file_is_read_anew_be_it_as_long_and_as_old(folder):
    path = folder / "test.csv"
    before = path.stat()
    assert read("test", folder).images[0, 1] == 255
    text = path.read_bytes()
    path.write_bytes(text.replace(b"1,0 255 ", b"1,0 254 ", 1))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (
        before.st_size,
        before.st_mtime_ns,
    )
    assert read("test", folder).images[0, 1] == 254


PEAK = """
import re
from kfkd import data

def peak():  # in kB
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

before = peak()
X, _ = data.load()
print(len(X), before, peak())
"""


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="Linux says how much it was"
)
def test_a_hundred_thousand_rows_would_take_less_than_four_gigabytes(tmp_path):
    header, *lines = kaggle_tables.training_lines(*kaggle_tables.draw(rows=300))
    kaggle_tables.write(tmp_path / "training.csv", [header, *10 * lines])
    for _ in ("from the text", "from the copy"):
        done = subprocess.run(
            [sys.executable, "-c", PEAK],
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "KFKD_DATA": str(tmp_path)}
            | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        n, before, peak = map(int, done.stdout.splitlines()[-1].split())
        assert n >= 1000
        assert peak > before
        assert before + (peak - before) * 100_000 / 3000 < 4e6


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize("cols", SUBSETS)
def test_load2d_is_load_with_images_in_two_dimensions(folder, cols, test):
    X, y = load(test=test, cols=cols, folder=folder)
    X2d, y2d = load2d(test=test, cols=cols, folder=folder)
    assert X2d.shape == (len(X), 1, 96, 96)
    np.testing.assert_array_equal(X2d[:, 0, 2, 5], X[:, 2 * 96 + 5])
    np.testing.assert_array_equal(y2d, y)
    assert y is None if test else y.shape == (len(X), len(cols or COLUMNS))


@pytest.mark.parametrize(
    ("cols", "counted"),
    [(EYES, ["Image"]), (("ImageId",), ["ImageId", "Image"])],
)
def test_a_test_set_is_whole_whatever_cols(folder, capsys, cols, counted):
    X, y = load(test=True, cols=cols, folder=folder)
    assert len(X) == 6
    assert y is None
    assert [row.split()[0] for row in capsys.readouterr().out.splitlines()] == [
        *counted,
        "dtype:",
    ]


def test_no_names_in_cols_stand_for_all(folder):
    assert load(cols=[], folder=folder)[1].shape[1] == 30


@pytest.mark.parametrize(
    ("cols", "message"),
    [
        (["nose_tp_x"], r"'nose_tp_x'.*did you mean 'nose_tip_x'"),
        (["nose_tip_x", "Image"], r"'Image', which is not a target column"),
        (["ImageId"], r"'ImageId', which is not a target column"),
        ([3], r"cols names 3, which is not a target column"),
        ("nose_tip_x", r"'nose_tip_x', not a list"),
        (5, "^cols is 5, not a list of column names$"),
        (["nose_tip_x", "nose_tip_y", "nose_tip_x"], r"'nose_tip_x' twice"),
    ],
)
@pytest.mark.parametrize("loader", [load, load2d])
def test_unknown_cols(folder, loader, cols, message):
    with pytest.raises(DataError, match=message):
        loader(cols=cols, folder=folder)


def test_unknown_cols_of_a_test_set(folder):
    with pytest.raises(DataError, match="did you mean 'nose_tip_x'"):
        load(test=True, cols=["nose_tp_x"], folder=folder)


def test_no_row_left(tmp_path):
    labels, images = kaggle_tables.draw(4)
    labels[:, 20] = np.nan
    labels[:, 21] = 5.0
    path = kaggle_tables.write(
        tmp_path / "training.csv", kaggle_tables.training_lines(labels, images)
    )
    with pytest.raises(
        DataError, match=r"no row.*nose_tip_x has 0 values in 4 rows"
    ) as e:
        load(folder=tmp_path)
    assert str(path) in str(e.value)
    assert len(load(cols=["nose_tip_y"], folder=tmp_path)[0]) == 4


@pytest.mark.parametrize("cols", SUBSETS)
def test_rows_with_missing_labels_are_kept_if_wanted(folder, capsys, cols):
    X, y = load(cols=cols, folder=folder, missing="keep")
    whole, complete = load(cols=cols, folder=folder)
    df = pd.read_csv(folder / "training.csv")
    names = list(cols or COLUMNS)
    df = df[df[names].notna().any(axis=1)]
    pixels = np.vstack([np.array(im.split(), float) for im in df["Image"]])
    order = shuffle(np.arange(len(df)), random_state=42)
    np.testing.assert_array_equal(X, (pixels / 255).astype("float32")[order])
    expected = ((df[names].to_numpy() - 48) / 48).astype("float32")[order]
    np.testing.assert_array_equal(y, expected)
    has_all = ~np.isnan(y).any(axis=1)
    assert sorted(map(tuple, y[has_all])) == sorted(map(tuple, complete))
    assert len(whole) <= len(X)
    images, same = load2d(cols=cols, folder=folder, missing="keep")
    np.testing.assert_array_equal(same, y)
    assert images.shape == (len(X), 1, 96, 96)


def test_a_column_without_labels_is_an_error(tmp_path):
    labels, images = kaggle_tables.draw(4)
    labels[:, 20] = np.nan
    kaggle_tables.write(
        tmp_path / "training.csv", kaggle_tables.training_lines(labels, images)
    )
    with pytest.raises(DataError, match="nose_tip_x has no labels in the 4 rows"):
        load(folder=tmp_path, missing="keep")
    with pytest.raises(ArgumentError, match="missing is 'fill'"):
        load(folder=tmp_path, missing="fill")


def test_read_gives_the_table_as_it_stands_in_the_file(tmp_path):
    labels, images = kaggle_tables.make(tmp_path)
    for _ in range(2):  # from the text, then from the copy
        table = read("training", tmp_path)
        assert table.columns == COLUMNS
        assert table.ids is None
        np.testing.assert_array_equal(table.labels, labels, strict=True)
        np.testing.assert_array_equal(
            table.images, images.astype(np.uint8), strict=True
        )
        table = read("test", tmp_path)
        assert table.columns == ()
        assert table.labels.shape == (6, 0)
        np.testing.assert_array_equal(table.ids, np.arange(1, 7), strict=True)
        np.testing.assert_array_equal(table.images, images[::2])


def test_read_knows_two_tables(tmp_path):
    message = r"^name is 'train'; it must be one of training, test \(did you mean"
    with pytest.raises(ArgumentError, match=message):
        read("train", tmp_path)


def test_pixels_with_decimals(tmp_path):
    rng = np.random.default_rng(1)
    images = [np.arange(9216) % 256, rng.uniform(0, 255, 9216).round(3)]
    kaggle_tables.write(tmp_path / "test.csv", kaggle_tables.test_lines(images))
    X, _ = load(test=True, folder=tmp_path)
    assert X.dtype == np.float32
    np.testing.assert_allclose(X, np.stack(images) / 255, rtol=3e-7)
    np.testing.assert_array_equal(X[0], (images[0] / 255).astype(np.float32))


def test_pixel_units():
    y = np.array([[-1, 0, 1], [0.5, -0.25, 0.125]], np.float32)
    pixels = data.to_pixels(y)
    np.testing.assert_array_equal(
        pixels, np.array([[0, 48, 96], [72, 36, 54]], np.float32), strict=True
    )
    np.testing.assert_array_equal(data.from_pixels(pixels), y, strict=True)
    assert data.from_pixels([0, 24, 96]).tolist() == [-1, -0.5, 1]


def test_names_are_the_tutorials():
    # The ends of the list that the text prints, and what its specialists predict.
    assert COLUMNS[:10] == (
        *EYES,
        "left_eye_inner_corner_x",
        "left_eye_inner_corner_y",
        "left_eye_outer_corner_x",
        "left_eye_outer_corner_y",
        "right_eye_inner_corner_x",
        "right_eye_inner_corner_y",
    )
    assert COLUMNS[-6:] == (
        "mouth_right_corner_x",
        "mouth_right_corner_y",
        "mouth_center_top_lip_x",
        "mouth_center_top_lip_y",
        "mouth_center_bottom_lip_x",
        "mouth_center_bottom_lip_y",
    )
    assert len(set(COLUMNS)) == 30
    eyebrows = {
        f"{side}_eyebrow_{end}_end_{axis}"
        for side in ("left", "right")
        for end in ("inner", "outer")
        for axis in "xy"
    }
    assert eyebrows < set(COLUMNS)


@pytest.mark.skipif(
    "KFKD_TEST_LABELS" not in os.environ,
    reason="KFKD_TEST_LABELS names no file with the labels of Kaggle's training set",
)
def test_kaggles_labels(tmp_path, capsys):
    with open(os.environ["KFKD_TEST_LABELS"], encoding="utf-8", newline="") as file:
        header, *rows = file.read().split("\r\n")[:-1]
    assert header == ",".join(COLUMNS)
    images = [" ".join([str(grey)] * 9216) for grey in range(256)]
    lines = [f"{row},{images[i % 256]}" for i, row in enumerate(rows)]
    kaggle_tables.write(
        tmp_path / "training.csv", [f"{header},Image", *lines], end="\r\n"
    )

    X, y = load(folder=tmp_path)
    printed = capsys.readouterr().out.split()
    assert X.shape == (2140, 9216)
    assert y.shape == (2140, 30)
    # The tutorial's own output, whose copy of the file had 5 rows less, but not of
    # the complete ones.
    assert f"{y.min():.3f} {y.max():.3f}" == "-0.920 0.996"
    assert printed[printed.index("Image") + 1] == "7049"
    assert printed[printed.index("nose_tip_x") + 1] == "7049"
    assert printed[printed.index("left_eye_center_x") + 1] == "7039"
    df = pd.read_csv(os.environ["KFKD_TEST_LABELS"])
    complete = (df.dropna().values - 48) / 48
    y_text = shuffle(complete, random_state=42).astype(np.float32)
    np.testing.assert_array_equal(y, y_text, strict=True)
    eyes = load(cols=EYES, folder=tmp_path)[1]
    assert len(eyes) == len(df[list(EYES)].dropna())
