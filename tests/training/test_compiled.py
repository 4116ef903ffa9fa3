"""A net's functions against nolearn's own, and when they are compiled."""

import pickle

import lasagne
import nolearn.lasagne
import numpy as np
import pytest
import theano
from lasagne import layers, nonlinearities

from kfkd import stack
from kfkd.estimator import NeuralNet
from kfkd.training.seeding import seeded_initialization
from tests.helpers import small_faces
from tests.helpers.cases import parametrize

LABELS = np.arange(50, dtype="int32") % 3
DROPOUT = [
    ("input", layers.InputLayer),
    ("dropout", layers.DropoutLayer),
    ("hidden", layers.DenseLayer),
    ("output", layers.DenseLayer),
]
KINDS = {
    "as in the tutorial": {},
    "dropout": dict(layers=DROPOUT),
    "scores": dict(
        scores_train=[("off", lambda p, y: abs(p[0] - y).mean())],
        scores_valid=[
            ("far", lambda p, y: abs(p[0] - y).max()),
            ("off", lambda p, y: abs(p[0] - y).mean()),
        ],
    ),
    "classes": dict(
        regression=False,
        output_num_units=3,
        output_nonlinearity=nonlinearities.softmax,
    ),
    "penalties and another rule": dict(
        objective_l1=0.001,
        objective_l2=0.01,
        objective_loss_function=lasagne.objectives.binary_crossentropy,
        output_nonlinearity=nonlinearities.sigmoid,
        update=lambda grads, params, learning_rate, momentum: lasagne.updates.adam(
            grads, params, learning_rate, beta1=momentum
        ),
    ),
}


def made(kind, **changes):
    """Return a net that slows the biases of its output layer down."""
    net = small_faces.small(kind, **changes)
    with seeded_initialization(3):
        net.initialize_layers()
    net.layers_["output"].b.tag.grad_scale = 0.25
    net.initialize()
    return net


@parametrize("kind", KINDS, fast=3)
def test_they_are_nolearns(kind):
    X, y = small_faces.rows()
    y = LABELS if kind == "classes" else np.clip(y, 0, 1) if "rule" in kind else y
    answers = []
    for whose in (NeuralNet, nolearn.lasagne.NeuralNet):
        net = made(whose, **KINDS[kind])
        before = small_faces.params(net)
        steps = [net.train_iter_(X, y) for _ in range(4)]
        after = small_faces.params(net)
        assert abs(after - before).max() > 1e-4
        answers.append([*steps, net.eval_iter_(X, y), net.predict_iter_(X), after])
    for ours, theirs in zip(*answers, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


@pytest.fixture
def compiled(monkeypatch):
    """The inputs of each function that has been compiled."""
    found, function = [], theano.function

    def counted(inputs, *args, **kwargs):
        found.append([v.name for v in inputs])
        return function(inputs, *args, **kwargs)

    monkeypatch.setattr(theano, "function", counted)
    return found


def linker(net):
    return type(net.predict_iter_.maker.linker).__name__


def test_the_mode_of_the_users_settings_is_not_theirs(monkeypatch):
    for mode in ("FAST_RUN", "DebugMode"):
        with theano.config.change_flags(mode=mode):
            # As if it were in .theanorc.
            monkeypatch.setattr(stack, "DEFAULT_MODE", mode)
            assert linker(made(NeuralNet)) == "XLALinker"


def test_the_mode_that_the_program_sets_is_theirs():
    with theano.config.change_flags(mode="FAST_COMPILE"):
        assert linker(made(NeuralNet)) == "VMLinker"


@pytest.mark.parametrize(
    "settings",
    [
        dict(compute_test_value="raise", compute_test_value_opt="raise"),
        dict(check_stack_trace="raise"),
        dict(warn_float64="raise", on_opt_error="raise", on_shape_error="raise"),
        dict(optimizer="None", linker="py", allow_gc=False, on_unused_input="raise"),
    ],
    ids=" ".join,
)
def test_settings_for_other_programs_do_not_matter(settings):
    def train():
        net = (
            small_faces.small(**KINDS["dropout"])
            .seed(3)
            .fit(*small_faces.rows(), epochs=2)
        )
        return small_faces.params(net)

    expected = train()
    with theano.config.change_flags(settings):
        found = train()
    np.testing.assert_array_equal(found, expected)


def test_half_precision_is_slow_and_right():
    X, y = small_faces.rows()
    expected = made(NeuralNet).predict(X)
    with theano.config.change_flags(floatX="float16"):
        net = made(NeuralNet)
        found = net.predict(X)
        net.fit(X, y, epochs=1)
    assert found.dtype == "float16"
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_they_are_compiled_when_they_are_needed(compiled):
    X, y = small_faces.rows()
    pickled = pickle.dumps(small_faces.small().fit(X, y, epochs=1))
    compiled.clear()
    net = pickle.loads(pickled)
    assert compiled == []
    net.predict(X)
    net.predict(X)
    assert compiled == [["input"]]
    net.eval_iter_(X, y)
    net.eval_iter_(X, y)
    assert compiled == [["input"], ["input", "y"]]
    net.fit(X, y, epochs=1)
    assert compiled == [["input"], ["input", "y"], ["input", "y"]]


def test_a_loaded_net_can_be_given_another_rate():
    X, y = small_faces.rows()
    net = pickle.loads(pickle.dumps(small_faces.small().fit(X, y, epochs=1)))
    before = small_faces.params(net)
    net.update_learning_rate = 0.0
    net.fit(X, y, epochs=1)
    np.testing.assert_array_equal(small_faces.params(net), before)
