"""Lengths that a program computes: one program serves all, with Theano's results."""

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.ifelse import ifelse

W = np.random.default_rng(0).normal(size=(5, 4))


def last(rows):
    """Return the last state of a loop over rows."""
    states, _ = theano.scan(
        lambda row, state: 0.5 * state + T.tanh(row.sum()),
        sequences=rows,
        outputs_info=T.zeros((), "float64"),
    )
    return states[-1]


def log_loss(p, t, rows):
    return T.nnet.categorical_crossentropy(p[rows], t[rows]).mean()


# Functions of class probabilities, targets, and the rows that a mask chooses.
OF_CHOSEN_ROWS = {
    "loss": log_loss,
    "picked": lambda p, t, rows: T.log(p[rows])[T.arange(rows.shape[0]), t[rows]].sum(),
    "increased": lambda p, t, rows: (
        T.inc_subtensor(p[rows][T.arange(rows.shape[0]), t[rows]], 1) ** 2
    ).sum(),
    "ones": lambda p, t, rows: T.dot(T.ones(rows.shape), p[rows]).prod(),
    "zeros": lambda p, t, rows: (T.zeros((rows.shape[0], 4)) + p[rows] ** 2).sum(),
    "one more": lambda p, t, rows: (
        T.ones((rows.shape[0] + 1,))[:-1] * p[rows, 0]
    ).sum(),
    "identity": lambda p, t, rows: T.dot(T.eye(rows.shape[0]), p[rows] ** 2).sum(),
    "numbers": lambda p, t, rows: (
        (T.arange(1, rows.shape[0] + 1, 2) ** 2).sum() * p[0, 0]
    ),
    "flat": lambda p, t, rows: (p[rows].flatten() ** 3).sum(),
    "reshaped": lambda p, t, rows: p[rows].reshape((-1, 2)).prod(axis=1).sum(),
    "sorted": lambda p, t, rows: p[rows][p[rows, 1].argsort()][0, 2],
    "joined": lambda p, t, rows: T.concatenate([p[rows, 0], p[:, 1], p[rows, 2]]).std(),
    "differences": lambda p, t, rows: (T.extra_ops.diff(p[rows, 0]) ** 2).sum(),
    "as rows": lambda p, t, rows: (
        p[rows].dimshuffle(1, 0, "x").flatten(2).reshape((2, 2, -1)) ** 2
    )[1].sum(),
    "outer": lambda p, t, rows: (
        T.outer(p[rows, 0], p[rows, 1]).flatten() * T.arange(rows.shape[0] ** 2)
    ).sum(),
    "one of two": lambda p, t, rows: ifelse(
        T.gt(p[0, 0], 0.25), p[rows, 0], p[:, 1] ** 2
    ).sum(),
    "loop": lambda p, t, rows: last(p[rows]),
}


def test_rows_that_a_mask_chooses():
    x, t, mask, w = T.dmatrix(), T.ivector(), T.dvector(), theano.shared(W)
    p, rows = T.nnet.softmax(T.dot(x, w)), mask.nonzero()[0]
    costs = [function(p, t, rows) for function in OF_CHOSEN_ROWS.values()]
    outputs = [*costs, T.grad(sum(costs), w)]
    f, expected = (
        theano.function([x, t, mask], outputs, mode=mode)
        for mode in ("xla", "FAST_RUN")
    )
    rng = np.random.default_rng(1)
    for n in (1, 4, 9, 2):
        mask = rng.permutation(np.arange(9) < n).astype(float)
        given = rng.normal(size=(9, 5)), rng.integers(0, 4, 9, "int32"), mask
        names = [*OF_CHOSEN_ROWS, "gradient"]
        for name, *values in zip(names, f(*given), expected(*given), strict=True):
            np.testing.assert_allclose(*values, rtol=1e-9, atol=1e-12, err_msg=name)
    assert len(f.fn.jitted) == 1


# Functions of a row and how much of it counts, within a loop.
OF_PART_OF_A_ROW = {
    "largest": lambda row, n: row[:n].max(),
    "softmax": lambda row, n: (T.nnet.softmax(row[None, :n]) ** 2).sum(),
    "reversed": lambda row, n: (row[:n][::-1] * T.arange(n)).sum(),
    "sorted": lambda row, n: T.sort(row[:n])[0],
    "filled": lambda row, n: T.alloc(row[0], n).sum(),
    "ones": lambda row, n: T.dot(T.ones((n,)), row[:n]),
    "outer": lambda row, n: T.outer(row[:n], row[:n] ** 2).sum(),
    "joined": lambda row, n: T.concatenate([row[:n], T.ones((6 - n,))]).prod(),
    "columns": lambda row, n: (row.reshape((2, 3))[:, : n // 2 + 1] ** 2).sum(),
    "part of a row": lambda row, n: row.reshape((2, 3))[1, -n:][::-1][0],
    "written": lambda row, n: (
        T.set_subtensor(row.reshape((3, 2))[:n, 1], row[:n][:3]) ** 2
    ).sum(),
    "running": lambda row, n: T.cumsum(row[:n])[-1],
    "product": lambda row, n: T.dot(row[:n], T.arange(6.0)[:n]),
    "rows": lambda row, n: row[T.arange(n)].sum(),
    "weights with more room": lambda row, n: T.dot(
        T.nnet.softmax(row[None, :n]) ** 2, T.arange(n) * 1.0
    ).sum(),
    "columns with more room": lambda row, n: (
        T.concatenate([row[None, :n], T.ones((1, n))], axis=0).prod(axis=0).sum()
    ),
    "targets with more room": lambda row, n: T.nnet.categorical_crossentropy(
        T.nnet.softmax(row.reshape((6, 1))[:n] * np.arange(3.0)), T.arange(n) % 3
    ).sum(),
    "batches with more room": lambda row, n: T.batched_dot(
        row[:n, None, None], T.ones((n, 1, 2))
    ).sum(),
    "loop": lambda row, n: last(row[:n, None]),
    "loop over columns": lambda row, n: theano.scan(
        lambda column, state: T.tanh(0.5 * state + column),
        sequences=row.reshape((3, 2))[:, : n // 4 + 1].T,
        outputs_info=T.zeros((3,), "float64"),
    )[0].mean(),
    "counted loop": lambda row, n: theano.scan(
        lambda state, a: 0.5 * state + a,
        non_sequences=row[0],
        n_steps=n,
        outputs_info=T.zeros((), "float64"),
    )[0][-1],
}


@pytest.mark.slow
def test_parts_of_rows_within_a_loop():
    x, lengths = T.dmatrix(), T.ivector()

    def step(row, n):
        return [function(row, n) for function in OF_PART_OF_A_ROW.values()]

    found, _ = theano.map(step, [x, lengths])
    outputs = [*found, T.grad(sum(found).sum(), x)]
    f, expected = (
        theano.function([x, lengths], outputs, mode=mode)
        for mode in ("xla", "FAST_RUN")
    )
    rng = np.random.default_rng(2)
    for lengths in ([2, 6, 3, 1], [6, 1, 5, 4]):
        given = rng.normal(size=(4, 6)), np.array(lengths, "int32")
        names = [*OF_PART_OF_A_ROW, "gradient"]
        for name, *values in zip(names, f(*given), expected(*given), strict=True):
            np.testing.assert_allclose(*values, rtol=1e-9, atol=1e-12, err_msg=name)
    assert len(f.fn.jitted) == 1


def test_repeated_entries():
    x, repeats = T.dmatrix(), T.lvector()
    outputs = [
        T.repeat(x, repeats, axis=0),
        T.repeat(x.T, repeats, axis=-1).sum(axis=1),
        T.repeat(repeats, repeats),
    ]
    f = theano.function([x, repeats], outputs, mode="xla")
    rng = np.random.default_rng(3)
    for n in (2, 5, 3, 4, 7):
        given = rng.normal(size=(n, 3)), rng.integers(3, size=n)
        rows, sums, numbers = f(*given)
        np.testing.assert_array_equal(rows, np.repeat(*given, axis=0))
        np.testing.assert_allclose(sums, rows.sum(axis=0), rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(numbers, np.repeat(given[1], given[1]))
    assert len(f.fn.jitted) == 3  # two lengths have one each
    for times in (3, 9, 30):  # one number for all
        np.testing.assert_array_equal(
            f(given[0], [times])[0], np.repeat(given[0], times, axis=0)
        )
    for wrong in ([1] * 6, [1, 2, -1, 1]):
        with pytest.raises(ValueError, match="repeats"):
            f(np.zeros((4, 3)), wrong)


def test_one_number_of_repeats_for_all():
    x, times = T.dvector(), T.lscalar()
    f = theano.function([x, times], T.extra_ops.RepeatOp(0)(x, times), mode="xla")
    for n, k in ((2, 3), (30, 2), (7, 20), (5, 1), (9, 0)):
        values = np.arange(n) / 2
        np.testing.assert_array_equal(f(values, k), np.repeat(values, k))


def test_a_size_that_is_given_as_minus_one():
    x, mask, n = T.dmatrix(), T.dvector(), T.lscalar()
    f = theano.function([x, mask, n], x[mask.nonzero()].reshape((n, 2)), mode="xla")
    for size in (4, -1, 4, -1):
        found = f(np.eye(4), [1, 0, 0, 1], size)
        np.testing.assert_array_equal(found, np.eye(4)[[0, 3]].reshape((-1, 2)))
    with pytest.raises(ValueError, match="test_computed_lengths"):
        f(np.eye(4), [1, 0, 0, 1], 3)


def test_pairs_of_rows_of_which_there_may_be_none():
    x = T.dvector()
    chosen = x[(x > 0).nonzero()]
    n = chosen.shape[0] // 2
    pairs = chosen[: 2 * n].reshape((n, 2))
    outputs = [pairs, T.grad((pairs.sum(axis=1) ** 2).sum(), x)]
    f = theano.function([x], outputs, mode="xla")
    for values in ([1.0], [], [-1.0], [1.0, 2.0, -1.0, 3.0], [5.0, 4.0]):
        places = np.flatnonzero(np.array(values) > 0)
        rows = places[: len(places) // 2 * 2].reshape(-1, 2)
        found, gradient = f(values)
        desired, expected = np.take(values, rows), np.zeros(len(values))
        expected[rows] = 2 * desired.sum(axis=1, keepdims=True)
        np.testing.assert_array_equal(found, desired)
        np.testing.assert_array_equal(gradient, expected)


def test_shapes_with_lengths_that_are_computed_are_numbers_like_others():
    x, mask = T.dmatrix(), T.dvector()
    shape = x[mask.nonzero()].shape
    outputs = [
        shape,
        T.concatenate([shape, shape])[1:3],
        shape.reshape((2, 1)),
        T.alloc(shape, 3, 2),
        T.split(shape, [1, 1], 2)[0],
        shape.sum() * shape.prod() - shape.max(),
        T.stack([shape[0], shape[1] - 2 * shape[0]]) ** 2,
    ]
    f = theano.function([x, mask], outputs, mode="xla")
    for n in (0, 2, 3):
        found = f(np.zeros((3, 4)), np.arange(3) < n)
        total = (n + 4) * n * 4 - max(n, 4)
        expected = [n, 4], [4, n], [[n], [4]], [[n, 4]] * 3, [n], total
        squares = [n**2, (4 - 2 * n) ** 2]
        for value, other in zip(found, [*expected, squares], strict=True):
            np.testing.assert_array_equal(value, other)
    assert len(f.fn.jitted) == 1


def test_numbers_from_a_length_that_is_computed():
    mask = T.dvector()
    n = mask.nonzero()[0].shape[0]
    outputs = [T.arange(n, 5), T.arange(5, n, -1), T.arange(0, n), T.eye(3, n, n - 1)]
    f = theano.function([mask], outputs, mode="xla")
    for n in (0, 2, 3):
        expected = (
            np.arange(n, 5),
            np.arange(5, n, -1),
            np.arange(n),
            np.eye(3, n, n - 1),
        )
        for value, other in zip(f(np.arange(3) < n), expected, strict=True):
            np.testing.assert_array_equal(value, other)


def test_lengths_that_differ_are_an_error():
    x, mask, other = T.dvectors(3)
    chosen, others = x[mask.nonzero()], x[other.nonzero()]
    functions = [
        theano.function([x, mask, other], outputs, mode="xla")
        for outputs in (
            T.dot(chosen, others),
            chosen * others,
            T.set_subtensor(T.ones((3, 2))[:, 0][mask.nonzero()], others),
            T.set_subtensor(T.zeros((chosen.shape[0], 2))[:, 1], others),
        )
    ]
    values = np.arange(1.0, 4)
    for f in functions:
        assert f(values, [1, 0, 1], [0, 1, 1]).shape in ((), (2,), (2, 2), (3,))
        with pytest.raises((ValueError, IndexError), match="test_computed_lengths"):
            f(values, [1, 0, 1], [0, 1, 0])


def test_a_step_beyond_its_rows_is_an_error():
    x, lengths = T.dmatrix(), T.ivector()
    found, _ = theano.map(lambda row, n: row[:n][2], [x, lengths])
    f = theano.function([x, lengths], found, mode="xla")
    np.testing.assert_array_equal(f(np.eye(3), [3, 3, 3]), [0, 0, 1])
    with pytest.raises(IndexError, match="out of bounds"):
        f(np.eye(3), [3, 2, 3])
