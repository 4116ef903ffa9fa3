"""What a split of the user's own returns is checked as the data of fit are."""

import nolearn.lasagne
import numpy as np
import pytest
from nolearn.lasagne import TrainSplit

from kfkd.errors import ArgumentError
from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import classifier, labelled, regressor, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])
X, Y = rows()
WRONG = {
    "three": (
        (X, X, Y),
        r"^train_split has returned .* X_train, X_valid, y_tr",
    ),
    "nothing": (None, "^train_split has returned None; it must return"),
    "width": ((X, X[:, :3], Y, Y), r"X_valid and y_valid: X has the shape \(60, 3\)"),
    "lengths": ((X, X, Y, Y[:9]), "X_valid and y_valid: X has 60 rows, y has 9"),
    "targets": (
        (X, X, Y, Y[:, :2]),
        r"y_valid: y has the shape \(60, 2\), but the",
    ),
    "missing": ((X, X * np.nan, Y, Y), "X_valid and y_valid: X has .* missing"),
    "texts": ((X.astype(str), X, Y, Y), "X_train and y_train: X holds values of the"),
    "no rows": ((X[:0], X, Y[:0], Y), "^train_split leaves no samples to train on"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_split_that_returns_what_no_net_takes(kind):
    parts, message = WRONG[kind]
    net = regressor(train_split=lambda X, y, net: parts)
    with pytest.raises(ArgumentError, match=message):
        net.fit(X, Y)
    assert net.train_history_ == []


def test_validation_data_from_elsewhere():
    net = regressor(output_num_units=1)
    net.train_split = lambda X, y, net: (X, X[:9].tolist(), y, Y[:9, 0])
    net.fit(X, Y[:, 0])
    loss = ((net.predict(X[:9]) - Y[:9, 0]) ** 2).mean()
    assert net.train_history_[-1]["valid_loss"] == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize("nothing", [None, [], X[:0]], ids=["None", "list", "array"])
def test_a_split_may_leave_no_validation_data(nothing):
    for scores in (None, [("one", lambda y, p: 1.0)]):
        net = regressor(custom_scores=scores)
        net.train_split = lambda X, y, net: (X, nothing, y, nothing)
        net.fit(X, Y)
        assert np.isnan(net.train_history_[-1]["valid_loss"])


def test_labels_from_elsewhere_are_encoded():
    X, y = labelled()
    names = np.array(["eye", "mouth", "nose"])[y]
    net = classifier(use_label_encoder=True, update_learning_rate=0.2, max_epochs=30)
    net.train_split = lambda X, y, net: (X, X[:9], y, names[:9])
    net.fit(X, names)
    right = (net.predict(X[:9]) == names[:9]).mean()
    assert net.train_history_[-1]["valid_accuracy"] == pytest.approx(right)


@KINDS
def test_too_few_samples_of_each_class(kind):
    X, y = labelled(9)
    net = classifier(kind)
    wanted = r"^train_split .* 0.2 of each class .* takes 5 samples .* stratify=False\)"
    with pytest.raises(ArgumentError, match=wanted):
        net.fit(X, y)
    net.train_split = TrainSplit(0.2, stratify=False)
    assert len(net.fit(X, y).train_history_) == 3


@KINDS
@pytest.mark.parametrize("share", [0.7, -0.1])
def test_a_share_that_cannot_be(kind, share):
    wanted = f"^train_split.eval_size is {share}; it must be from 0 to 0.6"
    with pytest.raises(ArgumentError, match=wanted):
        regressor(kind, train_split=TrainSplit(share)).fit(X, Y)


def test_scores_without_validation_data():
    scores = [("one", lambda y, p: 1.0)]
    net = regressor(train_split=TrainSplit(0), custom_scores=scores).fit(X, Y)
    assert np.isnan(net.train_history_[-1]["one"])
    net.train_split = TrainSplit(0.2)
    net.fit(X, Y)
    rows_ = net.train_history_[3:]
    assert [row["one"] for row in rows_] == [1, 1, 1]
    losses = [row["valid_loss"] for row in rows_]
    assert losses == sorted(losses, reverse=True)
    assert [row["valid_loss_best"] for row in rows_] == [True] * 3
