"""Rows of the training set that are held out to score on."""

import re

import numpy as np
import pytest

from kfkd import data
from kfkd.data import load, load2d
from kfkd.errors import ArgumentError, DataError
from tests.helpers import kaggle_tables

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture
def made(tmp_path):
    labels, _ = kaggle_tables.make(tmp_path / "many", rows=20)
    return tmp_path / "many", labels


def test_rows_held_out_are_the_others(made):
    folder, labels = made
    X_out, y_out = data.load_held_out(0.3, folder=folder)
    assert X_out.shape == (6, 9216)
    assert y_out.shape == (6, 30)
    out = {image.tobytes() for image in X_out}
    for cols in (None, ("nose_tip_x", "nose_tip_y"), ("left_eye_center_x",)):
        X, _ = data.load(cols=cols, folder=folder)
        X_in, y_in = data.load(cols=cols, folder=folder, holdout=0.3)
        every, kept = ({image.tobytes() for image in images} for images in (X, X_in))
        assert kept == every - out
        assert not np.isnan(y_in).any()
    # Labels may be missing; what is there is that of the file.
    table = data.read("training", folder)
    rows = {
        data.scale_images(image).tobytes(): i for i, image in enumerate(table.images)
    }
    expected = labels[[rows[image.tobytes()] for image in X_out]]
    assert np.isnan(expected).any()
    np.testing.assert_allclose(data.to_pixels(y_out), expected, atol=1e-5)


def test_counts_are_those_without_the_rows_held_out(made, capsys):
    folder, _ = made
    data.load(folder=folder, holdout=0.3)
    assert re.search(r"^Image +14$", capsys.readouterr().out, re.MULTILINE)


def test_a_share_of_nothing_holds_nothing_out(made):
    folder, _ = made
    for ours, theirs in zip(
        data.load2d(folder=folder, holdout=0), data.load2d(folder=folder), strict=True
    ):
        assert np.array_equal(ours, theirs)
    with pytest.raises(ArgumentError, match="no rows are held out"):
        data.load_held_out(0, folder=folder)


def test_a_share_that_leaves_no_row(made):
    folder, labels = made
    complete = ~np.isnan(labels).any(axis=1)
    assert complete.any()
    message = "^holdout is 0.99, which leaves 0 rows to train on, none with all the"
    with pytest.raises(DataError, match=message):
        data.load(folder=folder, holdout=0.99)


def test_a_share_of_less_than_a_row(made):
    folder, _ = made
    message = "^holdout is 1e-09, .* none of 20 rows; the smallest share .* is 0.05$"
    for function in (data.load, data.load_held_out):
        with pytest.raises(ArgumentError, match=message):
            function(folder=folder, holdout=1e-9)
    assert len(data.load_held_out(0.05, folder=folder)[0]) == 1


@pytest.mark.parametrize("share", [-0.1, 1, 2, float("nan"), "a"])
def test_shares_out_of_range(share, made):
    folder, _ = made
    for function in (load, load2d):
        with pytest.raises(ArgumentError, match="it must be a share from 0 to less"):
            function(folder=folder, holdout=share)
    with pytest.raises(ArgumentError, match="not of the test set"):
        data.load(test=True, folder=folder, holdout=0.5)
