"""Loops over batches against the same function called with one after the other."""

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStream

from kfkd.xla import formulations
from kfkd.xla.device import get_device
from kfkd.xla.loop import BatchLoop, NoLoopError
from kfkd.xla.thunk import nonblocking
from tests.helpers.cases import parametrize

rng = np.random.default_rng(0)
X = rng.normal(size=(23, 4)).astype("float32")
y = rng.normal(size=23).astype("float32")


def make(mode="xla", noise=False):
    """Return a training step of a linear model, and what it updates."""
    w = theano.shared(np.ones(4, "float32"))
    steps = theano.shared(0)
    x, t = T.fmatrix(), T.fvector()
    kept = x
    if noise:
        kept = x * MRG_RandomStream(3).binomial(x.shape, p=0.5, dtype="float32")
    error = T.dot(kept, w) - t
    loss = T.mean(error**2)
    function = theano.function(
        [x, t],
        [loss, error.max()],
        updates=[(w, w - 0.1 * T.grad(loss, w)), (steps, steps + 1)],
        mode=mode,
        allow_input_downcast=True,
    )
    return function, (w, steps)


def batches(size, *arrays):
    return [
        [a[start : start + size] for a in arrays] for start in range(0, len(X), size)
    ]


def together(returned):
    whole, rest = returned
    columns = [np.asarray(c) for c in whole] if whole else [np.empty(0)] * len(rest)
    if rest:
        columns = [np.append(c, r) for c, r in zip(columns, rest, strict=True)]
    return np.transpose(columns)


@pytest.mark.parametrize("noise", [False, True])
@parametrize("size", [1, 5, 22, 23, 100], fast=[5, 22, 100])
def test_a_loop_does_what_single_calls_do(size, noise):
    single, (w, steps) = make(noise=noise)
    looped, (w2, steps2) = make(noise=noise)
    loop = BatchLoop(looped, [X, y], size)
    for _ in range(3):
        expected = [single(*batch) for batch in batches(size, X, y)]
        np.testing.assert_allclose(together(loop()), expected, rtol=1e-6)
        np.testing.assert_allclose(w2.get_value(), w.get_value(), rtol=1e-6)
        assert steps2.get_value() == steps.get_value()


def test_rows_are_taken_in_the_order_that_is_asked_for():
    single, (w, _) = make()
    looped, (w2, _) = make()
    loop = BatchLoop(looped, [X, y], 5)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(X))
        expected = [single(*batch) for batch in batches(5, X[order], y[order])]
        np.testing.assert_allclose(together(loop(order=order)), expected, rtol=1e-6)
    np.testing.assert_allclose(w2.get_value(), w.get_value(), rtol=1e-6)


def test_batches_are_transformed_with_what_was_drawn():
    def scale(batch, factors):
        return batch[0] * factors[:, None], batch[1]

    single, _ = make()
    looped, _ = make()
    loop = BatchLoop(looped, [X, y], 5, scale)
    factors = rng.uniform(size=len(X)).astype("float32")
    expected = [single(*batch) for batch in batches(5, X * factors[:, None], y)]
    np.testing.assert_allclose(together(loop(factors)), expected, rtol=1e-5)


def test_loops_and_calls_of_several_functions_share_their_variables():
    step, (w, _) = make()
    x = T.fmatrix()
    predict = theano.function([x], T.dot(x, w))
    loop, look = BatchLoop(step, [X, y], 5), BatchLoop(predict, [X], 5)
    loop()
    whole, rest = look()
    found = np.append(np.asarray(whole[0]), rest[0])
    np.testing.assert_allclose(found, X @ w.get_value(), rtol=1e-5)
    np.testing.assert_allclose(found, predict(X), rtol=1e-5)
    w.set_value(np.zeros(4, "float32"))
    assert not np.any(look()[0][0])


def test_arrays_are_converted_as_arguments_are():
    step, _ = make()
    again, _ = make()
    exact = together(BatchLoop(step, [X, y], 5)())
    assert np.array_equal(
        together(BatchLoop(again, [X.astype("float64"), y.tolist()], 5)()), exact
    )
    with pytest.raises(TypeError):
        BatchLoop(step, [X[0], y], 5)


def test_a_program_is_traced_once():
    traced = []
    step, _ = make()

    def transform(batch, drawn):
        traced.append(1)
        return batch

    loop = BatchLoop(step, [X, y], 5, transform)
    loop.prepare()
    n = len(traced)
    assert n >= 2  # the whole batches, and the rest
    loop()
    loop()
    assert len(traced) == n


def test_preparing_changes_nothing():
    step, (w, steps) = make()
    BatchLoop(step, [X, y], 5).prepare()
    assert steps.get_value() == 0
    assert np.array_equal(w.get_value(), np.ones(4))


def test_a_broken_condition_is_an_error_and_nothing_is_updated():
    total = theano.shared(np.zeros(3, "float32"))
    i = T.ivector()
    f = theano.function([i], updates=[(total, T.inc_subtensor(total[i], 1))])
    loop = BatchLoop(f, [np.array([0, 1, 2, 2, 1], "int32")], 2)
    loop()
    assert total.get_value().tolist() == [1, 2, 2]
    bad = BatchLoop(f, [np.array([0, 1, 2, 3, 1], "int32")], 2)
    with pytest.raises(IndexError, match="out of bounds for an axis of size 3"):
        bad()
    assert total.get_value().tolist() == [1, 2, 2]


def test_functions_that_cannot_be_looped_over():
    x = T.fmatrix()
    with pytest.raises(NoLoopError, match="mode"):
        BatchLoop(make(mode="FAST_COMPILE")[0], [X, y], 5)
    with pytest.raises(NoLoopError, match="arguments"):
        BatchLoop(make()[0], [X], 5)
    k = T.ivector()
    sized = theano.function([x, k], T.zeros((k[0],)) + x.sum(), mode="xla")
    with pytest.raises(NoLoopError, match="depends on the values"):
        BatchLoop(sized, [X, np.zeros(23, "int32")], 5)()
    grows = theano.shared(np.zeros(1, "float32"))
    more = theano.function([x], updates=[(grows, T.concatenate([grows, x[:, 0]]))])
    with pytest.raises(NoLoopError, match="changes a shape"):
        BatchLoop(more, [X], 5).prepare()
    assert grows.get_value().shape == (1,)
    total = theano.shared(np.float32(0))
    f = theano.function([x], total.clone() * 2, updates=[(total, total + x.sum())])
    with pytest.raises(NoLoopError, match="by two names"):
        BatchLoop(f, [X], 5)


def test_a_device_that_prefers_single_calls_gets_them(monkeypatch):
    monkeypatch.setattr(formulations, "loops", lambda nodes: False)
    with pytest.raises(NoLoopError, match="faster"):
        BatchLoop(make()[0], [X, y], 5)


def test_calls_can_be_nonblocking():
    step, (w, _) = make()
    again, (w2, _) = make()
    with nonblocking(step):
        losses = [step(*batch)[0] for batch in batches(5, X, y)]
    assert not isinstance(losses[0], np.ndarray)
    expected = [again(*batch)[0] for batch in batches(5, X, y)]
    assert np.array_equal(np.array(losses), expected)
    assert np.array_equal(w.get_value(), w2.get_value())
    assert isinstance(step(X, y)[0], np.ndarray)
    with nonblocking(len):  # which is no compiled function
        assert len("ab") == 2


def test_loops_share_a_program_if_they_do_the_same():
    traced = []
    step, _ = make()

    def scale(by):
        def transform(batch, drawn):
            traced.append(by)
            return batch[0] * np.float32(by), batch[1]

        return transform

    first = together(BatchLoop(step, [X, y], 23, scale(2), key=2)())
    n = len(traced)
    again = together(BatchLoop(step, [X * 2, y], 23, scale(1), key=2)())
    assert len(traced) == n
    other = together(BatchLoop(step, [X * 4, y], 23, scale(1), key=1)())
    assert len(traced) > n
    single, _ = make()
    expected = [single(X * by, y) for by in (2, 4, 4)]
    np.testing.assert_allclose(np.vstack([first, again, other]), expected, rtol=1e-5)


def test_tall_matrices_may_be_held_transposed():
    wide = rng.normal(size=(23, 600))
    start = rng.normal(size=(600, 20)) / 25
    assert formulations.holds_transposed(start.shape) == (
        get_device().platform == "cpu"
    )

    def tall():
        w, v = theano.shared(start), theano.shared(np.zeros_like(start))
        x, t = T.dmatrix(), T.dvector()
        loss = T.mean((T.tanh(T.dot(x, w)).sum(axis=1) - t) ** 2)
        gradient = T.grad(loss, w)
        step = theano.function(
            [x, t],
            [loss, gradient, w.sum(axis=0), w[3:5]],
            updates=[(v, 0.9 * v - 0.01 * gradient), (w, w + 0.9 * v * abs(w).max())],
        )
        return step, (w, v)

    single, variables = tall()
    looped, others = tall()
    expected = [single(*batch) for batch in batches(5, wide, y)]
    whole, rest = BatchLoop(looped, [wide, y], 5)()
    for i, row in enumerate([*zip(*whole, strict=True), rest]):
        for ours, theirs in zip(row, expected[i], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    for ours, theirs in zip(others, variables, strict=True):
        assert np.abs(theirs.get_value() - start).max() > 0.01
        np.testing.assert_allclose(
            ours.get_value(), theirs.get_value(), rtol=1e-9, atol=1e-12
        )
