"""Backported losses and update rules, against PyTorch and their formulas."""

import functools

import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers, nonlinearities, objectives, updates

from tests.helpers.theano_oracle import random
from tests.helpers.torch_reference import F, torch

values = functools.partial(random, dtype="float32")


def losses_of_rows(p, t, y):
    """Losses of predictions, of targets as rows, and of right classes."""
    return {
        "multiclass hinge": objectives.multiclass_hinge_loss(p, y, 0.3),
        "multiclass hinge of rows": objectives.multiclass_hinge_loss(p, t, 0.3),
        "huber": objectives.huber_loss(p, t, 0.4),
        "hinge": objectives.binary_hinge_loss(p, t, log_odds=True),
        "hinge of odds": objectives.binary_hinge_loss(
            p, t, log_odds=False, binary=True
        ),
        "accuracy": objectives.categorical_accuracy(p, y),
        "accuracy of rows": objectives.categorical_accuracy(p, t),
        "accuracy of two": objectives.categorical_accuracy(p, y, top_k=2),
        "binary accuracy": objectives.binary_accuracy(p, t, 0.3),
    }


def test_losses():
    p, t, y = T.fmatrices("p", "t")[0], T.fmatrix(), T.ivector()
    losses = losses_of_rows(p, t, y)
    rng = np.random.default_rng(0)
    prediction = rng.dirichlet(np.ones(4), 6).astype("float32")
    right = np.array([0, 3, 1, 2, 2, 0], "int32")
    rows = np.eye(4, dtype="float32")[right]
    smooth = [name for name in losses if "accuracy" not in name]
    outputs = [*losses.values(), *(T.grad(losses[n].sum(), p) for n in smooth)]
    found = theano.function([p, t, y], outputs)(prediction, rows, right)
    q = torch.tensor(prediction, requires_grad=True)
    best = torch.where(torch.tensor(rows) > 0, -np.inf, q).max(1).values
    hinge = F.relu(best - (q * torch.tensor(rows)).sum(1) + 0.3)
    signs = 2 * torch.tensor(rows) - 1
    order = np.argsort(-prediction, axis=1)
    expected = {
        "multiclass hinge": hinge,
        "multiclass hinge of rows": hinge,
        "huber": F.huber_loss(q, torch.tensor(rows), reduction="none", delta=0.4),
        "hinge": F.relu(1 - q * signs),
        "hinge of odds": F.relu(1 - torch.logit(q) * signs),
        "accuracy": order[:, 0] == right,
        "accuracy of rows": order[:, 0] == right,
        "accuracy of two": (order[:, :2] == right[:, None]).any(1),
        "binary accuracy": (prediction >= 0.3) == rows,
    }
    for name, actual, desired in zip(losses, found, expected.values(), strict=False):
        if name in smooth:
            desired = desired.detach().numpy()
        np.testing.assert_allclose(actual, desired, 1e-4, 1e-5, err_msg=name)
    for name, actual in zip(smooth, found[len(losses) :], strict=True):
        (desired,) = torch.autograd.grad(expected[name].sum(), q, retain_graph=True)
        np.testing.assert_allclose(actual, desired, 1e-4, 1e-5, err_msg=name)


def test_a_column_of_predictions_meets_a_vector_of_targets():
    net = layers.DenseLayer((None, 2), 1, nonlinearity=nonlinearities.sigmoid)
    x, t = T.fmatrix(), T.fvector()
    p = net.get_output_for(x)
    losses = [
        objectives.squared_error(p, t),
        objectives.binary_crossentropy(p, t),
        objectives.huber_loss(p, t),
        objectives.binary_accuracy(p, t),
    ]
    f = theano.function([x, t], [p, *losses])
    target = np.array([0, 1, 1], "float32")
    prediction, square, *others = f(values(0, (3, 2)), target)
    np.testing.assert_allclose(square, (prediction - target[:, None]) ** 2, rtol=1e-5)
    assert all(loss.shape == (3, 1) for loss in others)


def test_errors_of_losses():
    p, t = T.fmatrices("p", "t")
    with pytest.warns(FutureWarning, match="Pass log_odds=True, or log_odds=False"):
        objectives.binary_hinge_loss(p, t)
    with pytest.raises(TypeError, match="pass `binary` by name"):
        objectives.binary_hinge_loss(p, t, True)
    for loss in (objectives.multiclass_hinge_loss, objectives.categorical_accuracy):
        with pytest.raises(TypeError, match="rank mismatch"):
            loss(p, T.ftensor3())


def reference_adamax(p, g, state, t):
    m = 0.9 * state.get("m", 0) + 0.1 * g
    u = np.maximum(0.999 * state.get("u", 0), abs(g))
    state.update(m=m, u=u)
    return p - 0.002 / (1 - 0.9**t) * m / (u + 1e-8)


def reference_amsgrad(p, g, state, t):
    m = 0.9 * state.get("m", 0) + 0.1 * g
    v = 0.999 * state.get("v", 0) + 0.001 * g**2
    top = np.maximum(state.get("top", 0), v)
    state.update(m=m, v=v, top=top)
    rate = 0.001 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return p - rate * m / (np.sqrt(top) + 1e-8)


@pytest.mark.parametrize(
    ("rule", "reference"),
    [(updates.adamax, reference_adamax), (updates.amsgrad, reference_amsgrad)],
)
def test_update_rules(rule, reference):
    param = theano.shared(values(0, (3, 1)), broadcastable=(False, True))
    scale = T.fscalar()
    steps = rule(T.sum(scale * param**2), [param])
    f = theano.function([scale], [], updates=steps)
    value, state = param.get_value(), {}
    for t, number in enumerate((1, 3, -0.5), 1):
        value = reference(value, 2 * number * value, state, t)
        f(number)
        np.testing.assert_allclose(param.get_value(), value, rtol=1e-4)
