"""Which data a training set is, and what arrays of it are known by."""

import gc

import numpy as np
import pytest

from kfkd import data, faces
from kfkd.data import origin
from tests.helpers import kaggle_tables


def identify(folder):
    return data.read("training", folder).origin


def test_drawn_faces_are_known_again(tmp_path):
    folder = faces.make(tmp_path / "drawn", n_train=30, n_test=3)
    found = identify(folder)
    complete = int((~np.isnan(data.read("training", folder).labels)).all(1).sum())
    assert (found.kind, found.rows, found.complete) == ("drawn", 30, complete)
    assert found.name == "training.csv"
    assert found.fingerprint == data.fingerprint(folder / "training.csv")
    assert found.title == "drawn faces (kfkd.faces)"
    assert found.size == f"30 faces, {complete} of them with all 30 labels"
    assert data.read("test", folder).origin is None


def test_other_data_are_not_taken_for_drawn_or_for_kaggles(tmp_path):
    kaggle_tables.make(tmp_path / "other")
    assert identify(tmp_path / "other").kind == "other"
    # Drawn faces whose file has been changed since.
    folder = faces.make(tmp_path / "drawn", n_train=30, n_test=3)
    assert identify(folder).kind == "drawn"
    lines = (folder / "training.csv").read_text().splitlines(keepends=True)
    (folder / "training.csv").write_text("".join(lines[:-1]))
    assert identify(folder).kind == "other"


@pytest.mark.parametrize(
    ("rows", "complete", "off", "kind"),
    [
        (7049, 2140, 0, "kaggle"),
        (7044, 2140, 0, "kaggle"),
        (7049, 2141, 0, "other"),
        (7048, 2140, 0, "other"),
        (7049, 2140, 0.1, "other"),  # as drawn faces without their record
    ],
)
def test_kaggles_data_are_known_by_numbers_and_means(
    rows, complete, off, kind, tmp_path
):
    labels = np.full((rows, 30), 50.0)
    labels[:, [0, 1, 28, 29]] = np.array([66.359, 37.651, 48.570, 78.970]) + off
    labels[complete:, 10] = np.nan
    assert origin.identify(tmp_path / "training.csv", "0", labels).kind == kind


def test_arrays_that_were_loaded_are_known(tmp_path):
    kaggle_tables.make(tmp_path / "made")
    cols = ["nose_tip_x", "nose_tip_y"]
    X, y = data.load2d(cols=cols, folder=tmp_path / "made", missing="keep")
    found, columns = origin.recall(X)
    assert found == identify(tmp_path / "made")
    assert columns == tuple(cols)
    assert origin.recall(X[1:].reshape(-1, 9216))[0] == found
    for other in (X + 0, X.copy(), X[[0, 1]], y, X.tolist(), None):
        assert origin.recall(other) is None


def test_what_is_gone_is_forgotten(tmp_path):
    kaggle_tables.make(tmp_path / "made")
    gc.collect()
    before = len(origin._known)
    X, _ = data.load(folder=tmp_path / "made")
    assert len(origin._known) == before + 1
    del X
    gc.collect()
    assert len(origin._known) == before
