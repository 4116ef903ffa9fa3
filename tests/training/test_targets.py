"""Numbers of any type that say what a net needs are taken, and no others."""

import nolearn.lasagne
import numpy as np
import pytest
import theano.tensor as T
from lasagne.objectives import binary_crossentropy, categorical_crossentropy
from nolearn.lasagne import BatchIterator
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score

from kfkd import storage
from kfkd.errors import ArgumentError, DivergedError
from kfkd.estimator import NeuralNet
from tests.helpers.cases import parametrize
from tests.helpers.small_nets import classifier, labelled, regressor, rows

# Epochs are on the device, or batch by batch.
WAYS = pytest.mark.parametrize(
    "options",
    [{}, {"custom_scores": [("one", lambda y, p: 1.0)]}],
    ids=["device", "batches"],
)
KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])
FLOATS = ["float16", "float32", "longdouble"]


@WAYS
@parametrize("dtype", ["float64", "uint8", *FLOATS, "int64", "bool"], fast=2)
def test_a_regressor_takes_numbers_of_all_types(dtype, options):
    X, y = ((array * 9).astype(dtype) for array in rows())
    as_floats = X.astype("float32"), y.astype("float32")
    made = regressor(**options).seed(1).fit(X, y)
    expected = regressor(**options).seed(1).fit(*as_floats)
    losses = [[row["train_loss"] for row in n.train_history_] for n in (made, expected)]
    assert losses[0] == losses[1]
    np.testing.assert_array_equal(made.predict(X), expected.predict(as_floats[0]))
    assert np.isfinite(cross_val_score(regressor(**options), X, y, cv=3)).all()


@WAYS
@parametrize("dtype", ["int64", "float64", *FLOATS, "uint8", "uint64"], fast=2)
def test_a_classifier_takes_whole_numbers_of_all_types(dtype, options):
    X, y = labelled()
    made = classifier(**options).seed(1).fit(X.astype("float64"), y.astype(dtype))
    expected = classifier(**options).seed(1).fit(X, y.astype("int32"))
    losses = [[row["train_loss"] for row in n.train_history_] for n in (made, expected)]
    assert losses[0] == losses[1]
    assert made.score(X, y) == expected.score(X, y)


@WAYS
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y * 0.5, "y has the value 0.5 in row 1, which int32 cannot hold"),
        (
            lambda y: y + 2**32,
            "y has the value 4294967296 in row 0, which int32 cannot",
        ),
        (
            lambda y: np.where(y == 2, np.nan, y),
            "y has the value nan in row 2, which int",
        ),
        (
            lambda y: y + 1,
            "y has labels from 1 to 3; a classifier with 3 outputs takes 0",
        ),
        (lambda y: y - 1, "y has labels from -1 to 1; a classifier with 3 outputs"),
        (lambda y: y.astype(str), "not numbers; use_label_encoder=True takes any"),
        (
            lambda y: y[:, None],
            r"shape (60, 1); the net takes an array of 1 dimension; y.r",
        ),
        (
            lambda y: np.eye(3)[y],
            "y has the shape (60, 3); the net takes an array of 1 dim",
        ),
    ],
)
def test_labels_that_would_become_others(change, message, options):
    X, y = labelled()
    with pytest.raises(ArgumentError) as caught:
        classifier(**options).fit(X, change(y))
    assert message in str(caught.value)


def test_values_too_large_for_a_net():
    X, y = (array.astype("float64") for array in rows())
    for name in "Xy":
        data = {"X": X.copy(), "y": y.copy()}
        data[name][7, 1] = -1e300
        with pytest.raises(
            ArgumentError, match=f"^{name} has .* 1 of 60 rows, .* row 7"
        ):
            regressor().fit(**data)


@WAYS
def test_probabilities_are_targets_of_a_classifier(options):
    X, y = labelled()
    soft = np.eye(3)[y] * 0.8 + 0.1 * (1 - np.eye(3)[y])
    net = classifier(y_tensor_type=T.matrix, max_epochs=20, **options).seed(1)
    net.fit(X, soft)
    # The first fold, which is set aside where nothing is stratified.
    p, y_valid = net.predict_proba(X[:12]), y[:12]
    row = net.train_history_[-1]
    loss = -(soft[:12] * np.log(p)).sum(axis=1).mean()
    np.testing.assert_allclose(row["valid_loss"], loss, rtol=1e-4)
    np.testing.assert_allclose(row["valid_accuracy"], (p.argmax(1) == y_valid).mean())
    assert net.score(X, soft) == net.score(X, y)


class WideLabels(BatchIterator):
    def transform(self, Xb, yb):
        return Xb.astype("float64"), yb.astype("int64")


def test_an_iterator_may_change_the_types():
    X, y = labelled()
    made, expected = classifier().seed(1), classifier().seed(1)
    made.batch_iterator_train = WideLabels(16)
    expected.batch_iterator_train = BatchIterator(16)
    made.fit(X, y)
    expected.fit(X, y)
    np.testing.assert_allclose(
        made.predict_proba(X), expected.predict_proba(X), rtol=1e-4
    )


@pytest.mark.parametrize("name", ["net.pickle", "net.npz"])
def test_predictions_of_a_vector_are_a_vector(name, tmp_path):
    X, y = rows()
    made = regressor(output_num_units=1).fit(X, y[:, 0])
    storage.save(made, tmp_path / name)
    for net in (made, storage.load(tmp_path / name)):
        assert net.predict(X).shape == (60,)
        assert net.predict_proba(X).shape == (60, 1)
        assert net.score(X, y[:, 0]) == pytest.approx(r2_score(y[:, 0], net.predict(X)))
    assert made.fit(X, y[:, :1]).predict(X).shape == (60, 1)


@pytest.mark.parametrize("names", [["a", "b", "c"], [7, 8, 30]])
def test_labels_stay_what_they_are_in_later_trainings(names):
    X, y = labelled()
    labels = np.array(names)[y]
    made = classifier(use_label_encoder=True, update_learning_rate=0.1, max_epochs=300)
    made.seed(1).fit(X, labels)
    assert made.score(X, labels) > 0.8
    some = labels != names[0]
    made.partial_fit(X[some], labels[some])
    assert made.classes_.tolist() == names
    assert made.score(X, labels) > 0.7
    with pytest.raises(ArgumentError, match=r"y has the label .* not among those that"):
        made.fit(X, np.array([*names, names[0] * 2])[np.arange(60) % 4])


def test_a_training_that_fails_leaves_nothing_behind():
    X, y = labelled()
    made = classifier(use_label_encoder=True)
    with pytest.raises(ArgumentError, match="4 labels; a classifier with 3 outputs"):
        made.fit(X, np.array(["a", "b", "c", "d"])[np.arange(60) % 4])
    made.fit(X, np.array(["b", "c", "d"])[y])
    assert made.classes_.tolist() == ["b", "c", "d"]
    made = regressor(output_num_units=1).fit(X, y)
    with pytest.raises(ArgumentError, match="X has 59 rows"):
        made.fit(X[1:], y[:, None])
    assert made.predict(X).shape == (60,)


def test_all_labels_can_be_given_before():
    X, y = labelled()
    labels = np.array(["a", "b", "c"])[y]
    made = classifier(use_label_encoder=True, update_learning_rate=0.1).seed(1)
    made.partial_fit(X[y < 2], labels[y < 2], classes=["a", "b", "c"])
    made.fit(X, labels, epochs=300)
    assert made.score(X, labels) > 0.6


@pytest.mark.parametrize(
    ("loss", "outputs"),
    [(categorical_crossentropy, 3), (binary_crossentropy, 1)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_classifier_without_probabilities_is_told_what_it_lacks(loss, outputs):
    X, y = labelled()
    options = dict(objective_loss_function=loss, output_num_units=outputs)
    if outputs == 1:
        options |= dict(y_tensor_type=T.fmatrix)
        y = (y[:, None] > 0).astype("float32")
    net = classifier(output_nonlinearity=None, **options)
    net.initialize()
    net.layers_["output"].b.set_value(np.full(outputs, -100, "float32"))
    wanted = f"The loss, {loss.__name__}, takes the logarithm .*nonlinearities.softmax"
    with pytest.raises(DivergedError, match=wanted):
        net.fit(X, y)


def test_labels_that_are_none():
    X, _ = labelled()
    net = classifier(use_label_encoder=True)
    with pytest.raises(ArgumentError, match=r"^y: Unknown label type: continuous"):
        net.fit(X, rows()[1][:, 0])
    with pytest.raises(ArgumentError, match=r"^y: Input y contains NaN"):
        net.fit(X, np.where(np.arange(60) == 3, np.nan, 1.0))
    with pytest.raises(ArgumentError, match=r"^y: .*NoneType"):
        net.fit(X, np.array(["a", None] * 30, dtype=object))
