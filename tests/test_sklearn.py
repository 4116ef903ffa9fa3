"""Nets, nolearn's and ours, as classifiers and regressors of scikit-learn."""

import inspect
import pickle
import re
from pathlib import Path

import lasagne
import nolearn.lasagne
import numpy as np
import pandas as pd
import pytest
from lasagne import layers, nonlinearities
from sklearn import ensemble, model_selection
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted

from kfkd import storage
from kfkd.errors import ArgumentError
from kfkd.estimator import NeuralNet
from tests.helpers.small_nets import classifier, labelled, regressor, rows

KINDS = pytest.mark.parametrize("kind", [NeuralNet, nolearn.lasagne.NeuralNet])
LEARNS = dict(update_learning_rate=0.2, max_epochs=30)


class AnyWidth(NeuralNet):
    """A net that gets its inputs and outputs from the data of the first training.

    scikit-learn's checks have data of many shapes, and no random_state to give.
    """

    def __init__(self, hidden_num_units=16, update_learning_rate=0.01, **options):
        given = dict(
            layers=[
                ("input", layers.InputLayer),
                ("hidden", layers.DenseLayer),
                ("output", layers.DenseLayer),
            ],
            update=lasagne.updates.adam,
            hidden_nonlinearity=nonlinearities.tanh,
            max_epochs=60,
        )
        super().__init__(
            hidden_num_units=hidden_num_units,
            update_learning_rate=update_learning_rate,
            **given | options,
        )

    def fit(self, X, y, epochs=None):
        if not hasattr(self, "layers_") and y is not None:
            lasagne.random.set_rng(np.random.RandomState(0))
            shapes = np.asarray(X).shape, np.asarray(y).shape
            self._units = [max([1, *shape[1:2]]) for shape in shapes]
            if not self.regression:
                self._units[1] = len(np.unique(np.asarray(y)))
        return super().fit(X, y, epochs)

    def _get_params_for(self, name):
        inputs, outputs = vars(self).get("_units", (1, 1))
        further = {
            "input": {"shape": (None, inputs)},
            "output": {"num_units": outputs},
        }
        return super()._get_params_for(name) | further.get(name, {})


GOES_ON = "fit goes on where an earlier one has ended, as nolearn's does"
EXPECTED = {
    "check_no_attributes_set_in_init": "programs read train_history_ before training",
    "check_fit_idempotent": GOES_ON,
    "check_supervised_y_2d": GOES_ON,
}
EXPECTED_OF_REGRESSORS = EXPECTED | {
    "check_regressor_multioutput": "predictions are of floatX, float32",
    "check_regressors_no_decision_function": "nolearn's regressors have predict_proba",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (dict(regression=True, output_nonlinearity=None), EXPECTED_OF_REGRESSORS),
        (
            dict(output_nonlinearity=nonlinearities.softmax, use_label_encoder=True),
            EXPECTED,
        ),
    ],
    ids=["regressor", "classifier"],
)
def test_scikit_learns_own_checks(options, expected):
    check_estimator(AnyWidth(**options), expected_failed_checks=expected, on_skip=None)


def test_the_page_names_the_checks_that_do_not_apply():
    page = Path(__file__).parents[1] / "docs" / "estimator.md"
    named = set(re.findall(r"`(check_\w+)`", page.read_text("utf-8")))
    skipped = {"check_pipeline_consistency", "check_array_api_input"}
    assert named - {"check_estimator"} == EXPECTED_OF_REGRESSORS.keys() | skipped


@KINDS
def test_it_is_a_regressor_or_a_classifier_and_fitted_when_it_is(kind):
    assert is_regressor(regressor(kind))
    assert not is_classifier(regressor(kind))
    assert is_classifier(classifier(kind))
    net = regressor(kind)
    with pytest.raises(NotFittedError):
        check_is_fitted(net)
    check_is_fitted(net.fit(*rows()))
    check_is_fitted(pickle.loads(pickle.dumps(net)))
    with pytest.raises(NotFittedError):
        check_is_fitted(clone(net))


@KINDS
def test_classes_are_the_labels_of_the_outputs(kind):
    X, y = labelled()
    net = classifier(kind)
    assert not hasattr(net, "classes_")
    np.testing.assert_array_equal(net.fit(X, y).classes_, [0, 1, 2])
    names = np.array(["eye", "mouth", "nose"])[y]
    net = classifier(kind, use_label_encoder=True).fit(X, names)
    assert net.classes_.tolist() == ["eye", "mouth", "nose"]
    assert pickle.loads(pickle.dumps(net)).classes_.tolist() == net.classes_.tolist()
    assert not hasattr(clone(net), "classes_")
    assert not hasattr(regressor(kind).fit(*rows()), "classes_")


@KINDS
def test_sorted_labels_are_split_into_alike_parts(kind):
    X, y = labelled()
    order = np.argsort(y, kind="stable")
    scores = cross_val_score(classifier(kind, **LEARNS), X[order], y[order], cv=3)
    assert scores.min() > 0.8


@KINDS
def test_scores_that_need_probabilities(kind):
    X, y = labelled()
    net = classifier(kind, **LEARNS)
    folds = model_selection.StratifiedKFold(3)
    lasagne.random.set_rng(np.random.RandomState(0))
    probabilities = cross_val_predict(net, X, y, cv=folds, method="predict_proba")
    parts = [test for _, test in folds.split(X, y)]
    metrics = {
        "roc_auc_ovr": lambda y, p: roc_auc_score(y, p, multi_class="ovr"),
        "neg_log_loss": lambda y, p: -log_loss(y, p),
    }
    for name, metric in metrics.items():
        lasagne.random.set_rng(np.random.RandomState(0))
        found = cross_val_score(net, X, y, cv=folds, scoring=name)
        expected = [metric(y[part], probabilities[part]) for part in parts]
        np.testing.assert_allclose(found, expected, atol=1e-4)
    binary = classifier(kind, output_num_units=2, **LEARNS)
    found = cross_val_score(binary, X, y == 0, cv=3, scoring="roc_auc")
    assert found.min() > 0.8


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize(
    "combine",
    [
        lambda net: ensemble.BaggingClassifier(net, 2, random_state=0),
        lambda net: ensemble.VotingClassifier([("a", net), ("b", net)], voting="soft"),
        lambda net: ensemble.StackingClassifier([("a", net), ("b", net)], cv=2),
        lambda net: CalibratedClassifierCV(net, cv=2),
        lambda net: ensemble.AdaBoostClassifier(net, n_estimators=2),
        lambda net: model_selection.GridSearchCV(net, {"update_momentum": [0.8]}, cv=2),
    ],
    ids=lambda combine: inspect.getsource(combine).split("(")[0].split(".")[-1],
)
@pytest.mark.parametrize("names", [False, True], ids=["numbers", "names"])
def test_ensembles_of_classifiers(kind, combine, names):
    X, y = labelled()
    y = np.array(["eye", "mouth", "nose"])[y] if names else y
    made = combine(classifier(kind, use_label_encoder=names, **LEARNS))
    if isinstance(made, ensemble.AdaBoostClassifier):
        with pytest.raises(ValueError, match="doesn't support sample_weight"):
            made.fit(X, y)
        return
    made.fit(X, y)
    assert made.score(X, y) > 0.8
    assert made.classes_.tolist() == sorted(set(y.tolist()))


@pytest.mark.slow
@pytest.mark.parametrize(
    "combine",
    [
        lambda net: ensemble.BaggingRegressor(net, 2, random_state=0),
        lambda net: ensemble.VotingRegressor([("a", net), ("b", net)]),
        lambda net: ensemble.StackingRegressor([("a", net), ("b", net)], cv=2),
    ],
    ids=["bagging", "voting", "stacking"],
)
def test_ensembles_of_regressors(combine):
    X, y = rows()
    adam = dict(update=lasagne.updates.adam, update_learning_rate=0.02, max_epochs=150)
    made = combine(regressor(output_num_units=1, **adam))
    assert made.fit(X, y[:, 0]).score(X, y[:, 0]) > 0.5


def test_columns_of_a_table_are_remembered(tmp_path):
    X, y = rows()
    table = pd.DataFrame(X, columns=list("abcdefgh"))
    net = regressor().fit(table, y)
    assert net.n_features_in_ == 8
    expected = net.predict(table)
    swapped = table[["b", "a", *"cdefgh"]]
    path = tmp_path / "net.npz"
    storage.save(net, path)
    for one_net in (net, pickle.loads(pickle.dumps(net)), storage.load(path)):
        assert one_net.feature_names_in_.tolist() == list("abcdefgh")
        np.testing.assert_array_equal(one_net.predict(table), expected)
        for call in (one_net.predict, lambda X, net=one_net: net.fit(X, y)):
            with pytest.raises(ArgumentError, match=r"feature names .* same order"):
                call(swapped)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        np.testing.assert_array_equal(net.predict(X), expected)
    assert not hasattr(clone(net), "feature_names_in_")
    assert not hasattr(regressor().fit(X, y), "feature_names_in_")


class Wrapped(NeuralNet):
    """Takes what NeuralNet takes."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class Sized(NeuralNet):
    """Names some parameters, and hands the others on."""

    def __init__(self, layers, hidden_num_units=4, **kwargs):
        super().__init__(layers, hidden_num_units=hidden_num_units, **kwargs)


class Fixed(NeuralNet):
    """Has parameters of its own only."""

    def __init__(self, size=4, max_epochs=3):
        self.size = size
        net = regressor(hidden_num_units=size)
        super().__init__(**net.get_params() | {"max_epochs": max_epochs})


@pytest.mark.parametrize(
    "made",
    [regressor(Wrapped, max_epochs=2), regressor(Sized, max_epochs=2), Fixed(5, 2)],
    ids=["Wrapped", "Sized", "Fixed"],
)
def test_subclasses_with_constructors_of_their_own_are_cloned(made):
    X, y = rows()
    copy = clone(made)
    assert type(copy) is type(made)
    assert copy.get_params().keys() == made.get_params().keys()
    assert len(copy.fit(X, y).train_history_) == 2
    assert copy.layers_["hidden"].num_units == 5
    assert np.isfinite(cross_val_score(made, X, y, cv=2)).all()
    assert len(clone(copy).set_params(max_epochs=1).fit(X, y).train_history_) == 1


def test_parameters_are_those_that_were_given():
    net = regressor()
    assert "log_every" in inspect.signature(NeuralNet).parameters
    assert net.get_params()["layers"] is net.layers
    for value in (None, -np.inf, "text"):
        net.set_params(**dict.fromkeys(["layers", "update", "max_epochs"], value))
        assert net.get_params()["layers"] is value
