import numpy as np
import pandas as pd
import pytest
from nolearn.lasagne import BatchIterator
from sklearn.dummy import DummyRegressor

from kfkd import nets
from kfkd.data import COLUMNS, load2d
from kfkd.errors import ArgumentError
from kfkd.prediction import PredictionError, predict, predict_test_set
from tests.helpers import kaggle_tables, stubs

X = np.random.default_rng(0).random((5, 1, 96, 96), np.float32)


class Fixed:
    def __init__(self, outputs):
        self.outputs = np.asarray(outputs)

    def predict(self, X):
        return self.outputs


def test_a_single_net_in_pixels_by_column():
    net = stubs.Linear()
    table = predict(net, X)
    y = net.predict(X.reshape(5, 9216))
    assert table.columns.tolist() == list(COLUMNS)
    assert table.index.name == "ImageId"
    assert table.index.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(table["nose_tip_y"], 48 + 48 * y[:, 21], rtol=1e-6)
    assert (table < 0).any(axis=None)  # not clipped


def test_specialists_by_column_in_kaggles_order():
    crew = stubs.specialists()
    table = predict(crew, X, ids=[7, 3, 9, 1, 2])
    assert table.columns.tolist() == list(COLUMNS)
    assert table.index.tolist() == [7, 3, 9, 1, 2]
    for columns, net in crew.items():
        y = net.predict(X.reshape(5, 9216)).astype(np.float64)
        np.testing.assert_array_equal(table[list(columns)], y * 48 + 48)


def test_some_specialists_give_some_columns():
    crew = stubs.specialists()
    table = predict({columns: crew[columns] for columns in stubs.GROUPS[:2]}, X)
    assert table.columns.tolist() == list(COLUMNS[20:28])


@pytest.mark.parametrize("name", ["net1", "net2"])
@pytest.mark.parametrize("shape", [(9216,), (1, 96, 96)])
def test_nets_of_the_tutorial_take_images_of_either_shape(name, shape):
    small = {
        "net1": dict(hidden_num_units=2),
        "net2": dict(
            conv1_num_filters=1,
            conv2_num_filters=1,
            conv3_num_filters=1,
            hidden4_num_units=2,
            hidden5_num_units=2,
        ),
    }
    net = nets.make(name, verbose=0, **small[name]).seed(0)
    net.initialize()
    own = X.reshape(5, *net.input_shape[1:])
    table = predict(net, X.reshape(5, *shape))
    np.testing.assert_allclose(table, 48 + 48 * net.predict(own), rtol=1e-5)


def test_other_estimators_do():
    mean = np.linspace(-1, 1, 30)
    net = DummyRegressor().fit(X.reshape(5, 9216), np.tile(mean, (5, 1)))
    np.testing.assert_allclose(predict(net, X), np.tile(48 + 48 * mean, (5, 1)))


def test_the_test_set(work, tmp_path):
    kaggle_tables.make(tmp_path, rows=6)
    text = (tmp_path / "test.csv").read_text()
    (tmp_path / "test.csv").write_text(text.replace("\n2,", "\n17,"))
    net = stubs.Linear()
    table = predict_test_set(net, tmp_path)
    expected = predict(net, load2d(test=True, folder=tmp_path)[0], [1, 17, 3])
    pd.testing.assert_frame_equal(table, expected)


NOSE = ("nose_tip_x", "nose_tip_y")
NAN = np.zeros((5, 30))
NAN[3, 4] = np.nan


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": 1}, "^1 is neither a trained net nor one of a set of specialists$"),
        ([1, 2], r"^\[1, 2\] is neither a trained net"),
        ({}, "^the set of specialists is empty$"),
        (
            {"nose_tip_x": Fixed(0)},
            "^a set of specialists maps tuples of columns to nets; 'nose_tip_x' is "
            "not such a tuple$",
        ),
        (
            {("nose_tipp_x", "nose_tip_y"): Fixed(0)},
            r"'nose_tipp_x', which is not a target column \(did you mean",
        ),
        (
            {NOSE: Fixed(np.zeros((5, 2))), NOSE[::-1]: Fixed(np.zeros((5, 2)))},
            "^'nose_tip_y' is predicted twice$",
        ),
        (
            {("nose_tip_x",): Fixed(np.zeros((5, 1)))},
            "^'nose_tip_x' is predicted, but 'nose_tip_y' is not$",
        ),
        (
            {NOSE: Fixed(np.zeros((5, 4)))},
            "^the specialist for nose_tip_x predicts 4 columns, where 2 are wanted$",
        ),
        (
            Fixed(np.zeros((5, 4))),
            r"^the net predicts 4 columns, where 30 are wanted; is it one of a set of "
            r"specialists\?$",
        ),
        (
            Fixed(np.zeros(5)),
            r"^the net predicts an array of shape \(5,\), where 30 are",
        ),
        (
            Fixed(NAN),
            "^the net predicts NaN or infinity for 1 of 5 images; its tr",
        ),
        (nets.make("net1", verbose=0), "^the net has not been trained$"),
    ],
)
def test_what_is_no_set_of_nets(given, message):
    with pytest.raises(PredictionError, match=message):
        predict(given, X)


def test_a_net_for_other_images():
    net = nets.make("net1", input_shape=(None, 64), hidden_num_units=2, verbose=0)
    net.initialize()
    message = r"^the net takes inputs of the shape \(64,\), not 96 x 96 pixels$"
    with pytest.raises(PredictionError, match=message):
        predict(net, X)


@pytest.mark.parametrize("shape", [(5, 96, 96), (5, 64), (9216,)])
def test_images_of_another_shape(shape):
    with pytest.raises(ArgumentError, match=r"^X has the shape"):
        predict(stubs.Linear(), np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("ids", "shown"),
    [([1], r"\[1\]"), (range(6), r"range\(0, 6\)"), (5, "5"), ("abcde", "'abcde'")],
)
def test_names_of_other_images(ids, shown):
    message = f"^ids is {shown}; it must be a list of 5 names, as X has rows$"
    with pytest.raises(ArgumentError, match=message):
        predict(stubs.Linear(), np.zeros((5, 9216), np.float32), ids)


def test_more_images_than_a_batch():
    net = nets.make(
        "net1",
        hidden_num_units=2,
        verbose=0,
        batch_iterator_test=BatchIterator(batch_size=2),
    )
    net.seed(0).initialize()
    whole = predict(net, X).to_numpy()
    one_by_one = [predict(net, X[i : i + 1]).to_numpy()[0] for i in range(5)]
    np.testing.assert_allclose(whole, one_by_one, rtol=1e-5)
