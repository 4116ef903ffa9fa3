"""Rows that mark faces in another way: data, outputs and predictions of their own."""

import numpy as np
import pandas as pd
import pytest

from kfkd import data, faces, nets, plots, prediction
from kfkd.data import ALL_COLUMNS, COLUMNS, SPARSE_COLUMNS, from_pixels, to_pixels
from kfkd.errors import ArgumentError, DataError
from kfkd.prediction import scoring, submission
from tests.helpers import kaggle_tables

pytestmark = pytest.mark.usefixtures("work")

rng = np.random.default_rng()
FOUR = [name.removeprefix("sparse_") for name in SPARSE_COLUMNS]


def labels(rows=9):
    """Return labels as a table whose last third is sparse, one of them with less."""
    table = pd.DataFrame(rng.uniform(0, 96, (rows, 30)), columns=COLUMNS)
    sparse = slice(2 * rows // 3, None)
    table.loc[table.index[sparse], table.columns.difference(FOUR)] = np.nan
    table.loc[rows - 1, ["nose_tip_x", "nose_tip_y"]] = np.nan
    table.loc[0, ["nose_tip_x", "nose_tip_y"]] = np.nan  # a full row that lacks some
    return table


def write(folder, table):
    images = rng.integers(0, 256, (len(table), 9216))
    lines = kaggle_tables.training_lines(table.to_numpy(), images)
    kaggle_tables.write(folder / "training.csv", lines)
    return images


class Constant:
    """Predicts the same for every image: a number of its own in each output."""

    def __init__(self, n):
        self.y = (np.arange(n) / 100).astype("float32")

    def predict(self, X):
        return np.tile(self.y, (len(X), 1))


def test_their_labels_get_columns_of_their_own(tmp_path, capsys):
    table = labels()
    write(tmp_path, table)
    X, y = data.load(cols=ALL_COLUMNS, folder=tmp_path, missing="keep")
    assert len(X) == 9
    found = pd.DataFrame(to_pixels(y), columns=ALL_COLUMNS)
    is_sparse = found[list(SPARSE_COLUMNS)].notna().any(axis=1)
    assert is_sparse.sum() == 3
    assert found.loc[is_sparse, list(COLUMNS)].isna().all(axis=None)
    assert found.loc[~is_sparse, list(SPARSE_COLUMNS)].isna().all(axis=None)
    # Put together again, they are the table.
    found[FOUR] = found[FOUR].fillna(found[list(SPARSE_COLUMNS)].set_axis(FOUR, axis=1))
    by_brow = dict(na_position="last", by=["left_eye_center_x"])
    np.testing.assert_allclose(
        found[list(COLUMNS)].sort_values(**by_brow),
        table.sort_values(**by_brow),
        atol=1e-4,
    )
    assert "sparse_left_eye_center_x            3\n" in capsys.readouterr().out


def test_a_table_without_them_has_one_way(tmp_path):
    table = labels().iloc[:6]
    write(tmp_path, table)
    _, y = data.load(cols=ALL_COLUMNS, folder=tmp_path, missing="keep", holdout=0.2)
    found = pd.DataFrame(y, columns=ALL_COLUMNS)
    assert found.notna().sum().sum() > 100
    np.testing.assert_array_equal(found[FOUR], found[list(SPARSE_COLUMNS)])


def test_no_row_is_of_both(tmp_path):
    write(tmp_path, labels())
    with pytest.raises(DataError, match="no row has all the columns wanted"):
        data.load(cols=ALL_COLUMNS, folder=tmp_path)
    _, y = data.load(cols=SPARSE_COLUMNS[:2], folder=tmp_path)
    assert len(y) == 3
    with pytest.raises(DataError, match=r"did you mean 'sparse_nose_tip_[xy]'"):
        data.load(cols=["sparse_nose_tip"], folder=tmp_path)


def test_predictions_are_those_that_are_wanted():
    X, net = rng.random((4, 9216), dtype="float32"), Constant(38)
    expected = pd.Series(to_pixels(net.y), ALL_COLUMNS)
    table = prediction.predict(net, X, sparse=[False, True, True, False])
    for i, is_sparse in enumerate([False, True, True, False]):
        for name in COLUMNS:
            source = f"sparse_{name}" if is_sparse and name in FOUR else name
            assert table[name].iloc[i] == pytest.approx(expected[source])
    everywhere = np.tile(expected[list(COLUMNS)], (4, 1))
    np.testing.assert_allclose(prediction.predict(net, X), everywhere, atol=1e-4)


@pytest.mark.parametrize("sparse", [[True], [0, 1, 1, 0], [[True] * 4], "yes"])
def test_which_images_are_sparse_must_be_said_of_each(sparse):
    X = rng.random((4, 9216), dtype="float32")
    with pytest.raises(ArgumentError, match=r"sparse is .* an array of 4 booleans"):
        prediction.predict(Constant(38), X, sparse=sparse)


def test_mirrored_predictions_of_sparse_rows():
    X, net = rng.random((2, 9216), dtype="float32"), Constant(38)
    table = prediction.predict(net, X, mirror=True, sparse=[True, False])
    pixels = pd.Series(to_pixels(net.y), ALL_COLUMNS)
    for row, prefix in enumerate(["sparse_", ""]):
        left, right = (
            pixels[f"{prefix}{side}_eye_center_x"] for side in ("left", "right")
        )
        expected = (left + 96 - right) / 2
        assert table["left_eye_center_x"].iloc[row] == pytest.approx(expected)
        expected = pixels[f"{prefix}nose_tip_y"]
        assert table["nose_tip_y"].iloc[row] == pytest.approx(expected)
        assert table["nose_tip_x"].iloc[row] == pytest.approx(48)


def test_a_net_of_30_outputs_predicts_all_rows_alike():
    X, net = rng.random((2, 9216), dtype="float32"), Constant(30)
    table = prediction.predict(net, X, sparse=[True, False])
    np.testing.assert_array_equal(table.iloc[0], table.iloc[1])


def test_scores_compare_each_row_with_its_own_way():
    net, table = Constant(38), labels()
    pixels = to_pixels(net.y)
    for name, sparse in zip(FOUR, SPARSE_COLUMNS, strict=True):
        rows = table.index[6:]
        table.loc[rows, name] = pixels[ALL_COLUMNS.index(sparse)]
    for i, name in enumerate(COLUMNS):
        table.loc[table.index[:6], name] = pixels[i]
    X = rng.random((9, 9216), dtype="float32")
    # In any order of the columns.
    for columns in (COLUMNS, COLUMNS[::-1]):
        y = from_pixels(table[list(columns)].to_numpy())
        score = scoring.score(*scoring.evaluate(net, X, y, columns))
        assert score == pytest.approx(0, abs=1e-4)
    # And as `load` returns them, with columns of their own.
    y = data.split_sparse(from_pixels(table.to_numpy()))
    for arguments in ((y,), (y[:, ::-1], ALL_COLUMNS[::-1])):
        predictions, labels_ = scoring.evaluate(net, X, *arguments)
        pd.testing.assert_frame_equal(labels_, table.set_axis(labels_.index))
        assert scoring.score(predictions, labels_) == pytest.approx(0, abs=1e-4)


def test_a_submission_gives_what_is_asked_for(tmp_path):
    images = rng.integers(0, 256, (3, 9216))
    kaggle_tables.write(tmp_path / "test.csv", kaggle_tables.test_lines(images))
    asked = [(1, COLUMNS), (2, FOUR), (3, ["nose_tip_x", "left_eyebrow_inner_end_y"])]
    pairs = [(i, name) for i, names in asked for name in names]
    lines = [f"{row},{i},{name}," for row, (i, name) in enumerate(pairs, start=1)]
    header = "RowId,ImageId,FeatureName,Location"
    kaggle_tables.write(tmp_path / "IdLookupTable.csv", [header, *lines])
    assert submission.sparse_images(submission.read_lookup(tmp_path)) == [2]
    net = Constant(38)
    path, _ = submission.submit(net, tmp_path, tmp_path / "out.csv")
    expected = pd.Series(to_pixels(net.y), ALL_COLUMNS)
    locations = pd.read_csv(path)["Location"]
    for location, (i, name) in zip(locations, pairs, strict=True):
        source = f"sparse_{name}" if i == 2 else name
        assert location == pytest.approx(expected[source])


def test_plots_leave_these_outputs_out():
    X, net = rng.random((2, 9216), dtype="float32"), Constant(38)
    axes, expected = (
        plots.plot_predictions(X, net.predict(X)[:, :k]) for k in (38, 30)
    )
    for marks, others in zip(axes.collections, expected.collections, strict=True):
        assert marks.get_offsets().shape == (15, 2)
        np.testing.assert_array_equal(marks.get_offsets(), others.get_offsets())
    assert len(axes.collections) == 2


@pytest.mark.parametrize("name", ["modern_sources", "modern_adam"])
def test_a_net_learns_both_ways(name, tmp_path):
    """The one nose of all pictures is marked in two places, by which row it is."""
    table = labels(30)
    table.iloc[:20] = np.where(table.iloc[:20].isna(), np.nan, 5)
    table.iloc[20:] = np.where(table.iloc[20:].isna(), np.nan, 91)
    write(tmp_path, table)
    small = {f"conv{i}_num_filters": 2 for i in (1, 2, 3)} | dict(hidden4_num_units=8)
    net = nets.make(name, verbose=0, max_epochs=3, **small).seed(1)
    options = nets.load_options(net)
    X, y = data.load2d(folder=tmp_path, **options)
    assert y.shape == (30, 38)
    net.fit(X, y)
    assert net.predict(X).shape == (30, 38)
    with pytest.raises(ArgumentError, match=r"38 outputs; load .*options"):
        nets.make(name, verbose=0, **small).fit(X, y[:, :30])
    # Of the two biases, each follows its labels.
    before = nets.make(name, verbose=0, **small).seed(1)
    before.initialize()
    moved = net.layers_["output"].b.get_value() - before.layers_["output"].b.get_value()
    start = before.layers_["output"].b.get_value()
    for names, pixels in ((COLUMNS, 5), (SPARSE_COLUMNS, 91)):
        at = [ALL_COLUMNS.index(name) for name in names]
        towards = np.sign(from_pixels(pixels) - start[at])
        assert np.mean(np.sign(moved[at]) == towards) > 0.9


@pytest.mark.parametrize("name", nets.MODERN_STEPS)
def test_load_options(name):
    wanted = None if name == "modern_rows" else ALL_COLUMNS
    assert nets.load_options(nets.make(name)) == dict(missing="keep", cols=wanted)
    assert nets.load_options(nets.net2) == dict(missing="drop", cols=None)
    with pytest.raises(ArgumentError, match=r"^net is '.*'; it must be a net, as from"):
        nets.load_options(name)


def test_drawn_faces_of_sparse_rows_are_marked_otherwise(tmp_path):
    """As far as Kaggle's are: in distances between the eyes, from nose to lower lip."""
    folder = faces.make(tmp_path / "drawn", 3, n_train=300, n_test=40)
    training = pd.read_csv(folder / "training.csv")[list(COLUMNS)]
    truth = scoring.read_labels(folder / "test_labels.csv")
    for table in (training, truth):
        sparse = data.sparse_rows(table.notna())
        assert sparse.mean() == pytest.approx(2 / 3, abs=0.04)
        points = {
            name: table[[f"{name}_x", f"{name}_y"]].to_numpy()
            for name in ("left_eye_center", "right_eye_center", "nose_tip")
        }
        points["lip"] = table[[f"mouth_center_bottom_lip_{a}" for a in "xy"]].to_numpy()
        eyes = np.hypot(*(points["left_eye_center"] - points["right_eye_center"]).T)
        ratio = np.hypot(*(points["nose_tip"] - points["lip"]).T) / eyes
        assert np.nanmean(ratio[sparse]) == pytest.approx(0.34, abs=0.04)
        assert np.nanmean(ratio[~sparse]) == pytest.approx(0.69, abs=0.06)
    # What a submission must give is known, and of sparse images nothing else.
    lookup = submission.read_lookup(folder)
    for i in submission.sparse_images(lookup):
        asked = lookup.loc[lookup["ImageId"] == i, "FeatureName"]
        assert set(truth.columns[truth.loc[i].notna()]) == set(asked)
