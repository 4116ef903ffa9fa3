import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check, check_gradient, random


def masked(x):
    """A mask that is computed from floats."""
    return T.gt(x[:, 0], 0)


@parametrize("seed", [0, 1], fast=[0])
def test_rows_that_a_mask_chooses(seed):
    check(
        lambda x: [
            x[masked(x)],
            x[masked(x).nonzero()],
            x[masked(x).nonzero()[0]],
            x[x > 0],
            x[(x > 0).nonzero()],
            (x[masked(x)] * 2 + x[0]) ** 2,
            x[x > 0] - x[x > 0].sum(),
            x[x > 0].shape,
        ],
        random(seed, (5, 3)),
    )


def test_no_rows():
    x = -np.ones((5, 3))
    check(lambda x: [x[x > 0], x[masked(x)], x[x > 0].sum(), x[masked(x)].prod(0)], x)
    f = theano.function([v := T.dmatrix()], v[v > 0].max(), mode="xla")
    with pytest.raises(ValueError, match="no rows"):
        f(x)


@parametrize("dtype", ["float64", "float32", "int8"], fast=1)
def test_reducing_chosen_rows(dtype):
    def build(x):
        rows = x[masked(x)]
        return [
            *(f(rows) for f in (T.sum, T.prod, T.max, T.min, T.mean)),
            *(f(rows, axis=0) for f in (T.sum, T.prod, T.max, T.min, T.mean)),
            *(f(rows, axis=1) for f in (T.sum, T.prod, T.max, T.min)),
            T.any(rows > 1),
            T.all(rows > -100, axis=0),
        ]

    check(build, random(2, (6, 3), dtype), tolerance=1e-5)


def test_writing_to_what_a_mask_chooses():
    check(
        lambda x, y: [
            T.set_subtensor(x[x > 0], 0),
            T.inc_subtensor(x[x > 0], 1),
            T.set_subtensor(x[(x > 0).nonzero()], x[x > 0] * 2),
            T.inc_subtensor(x[masked(x).nonzero()[0]], y),
            T.set_subtensor(x[masked(x)], y),
        ],
        random(3, (5, 3)),
        random(4, 3),
    )


def test_gradients_through_chosen_rows():
    def build(x):
        return [
            (x[masked(x).nonzero()] ** 2).sum(),
            (x[x > 0] ** 3).mean(),
            T.exp(x[masked(x).nonzero()[0]]).sum(axis=0),
        ]

    check_gradient(build, random(5, (5, 3)))


def test_one_row_is_not_broadcast_unless_declared():
    x, y = T.dmatrices("xy")
    f = theano.function([x, y], x[masked(x)] + y, mode="xla")
    one = np.ones((1, 2))
    assert f(one, one).shape == (1, 2)
    with pytest.raises(ValueError, match="mismatch"):
        f(-one, one)


def test_other_numbers_of_rows_are_an_error():
    x = T.dmatrix()
    f = theano.function([x], x[x > 0] + x[x < 0], mode="xla")
    f(np.array([[1.0, -1], [-1, 1]]))
    with pytest.raises(ValueError, match="mismatch"):
        f(np.array([[1.0, 1], [-1, 1]]))


@pytest.mark.parametrize("seed", [0, 1])
def test_chosen_rows_where_their_number_must_be_known(seed):
    check(
        lambda x: [
            x[masked(x)].T,
            T.dot(x[masked(x)].T, x[masked(x)]),
            x[masked(x)].T[0] + x[masked(x)][:, 0],
            T.sort(x[x > 0] * 2),
            T.concatenate([x[x > 0], x[x < 0]]),
            x[[0, 2, 4], x[0] > -9],
        ],
        random(seed, (5, 3)),
    )


def test_sizes_that_are_computed_from_floats():
    check(
        lambda x: [
            T.zeros((T.cast(abs(x).max(), "int64") + 1, 2)),
            T.arange(x.min(), x.max()),
            T.eye(T.argmax(x) + 1),
        ],
        random(6, (5, 3)) * 3,
    )
    stop = T.dscalar()
    f = theano.function([stop], T.arange(0.0, stop), mode="xla")
    assert [f(n).tolist() for n in (2.5, 1, 2.5)] == [[0, 1, 2], [0], [0, 1, 2]]


@pytest.mark.parametrize(
    "of",
    [
        lambda rows: rows.argmax(0),
        lambda rows: T.max_and_argmax(rows, 0)[1],
        lambda rows: rows.argmax(),
        lambda rows: rows.T.argmax(1),
        lambda rows: T.sort(rows.T, 1)[:, -1],
        lambda rows: T.dot(rows.T, rows),
    ],
)
def test_what_is_computed_of_chosen_rows(of):
    x = T.dmatrix()
    outputs = of(x[(x[:, 0] > 0).nonzero()])
    f, own = (theano.function([x], outputs, mode=m) for m in ("xla", "FAST_RUN"))
    for n in (5, 7, 9, 12, 20):
        values = np.random.default_rng(n).normal(size=(n, 4))
        values[-1, 0] = 1
        np.testing.assert_allclose(f(values), own(values), rtol=1e-9)


def test_rows_chosen_of_a_shared_variable_replace_it():
    kept = theano.shared(np.arange(4.0))
    f = theano.function([], updates=[(kept, kept[kept > kept.min()])], mode="xla")
    for left in ([1, 2, 3], [2, 3], [3]):
        f()
        assert kept.get_value().tolist() == left


def test_what_is_wrong_with_a_size_is_said_each_time():
    x = T.dvector()
    f = theano.function([x], T.sort(x[T.cast(x, "int64")][x > 0]), mode="xla")
    for _ in range(2):
        with pytest.raises(IndexError, match="out of bounds"):
            f([1.0, 5.0])
    assert f([1.0, 0.5]).tolist() == [0.5, 1]


def test_within_a_loop_the_number_of_rows_may_change():
    x = T.dmatrix()
    found, _ = theano.scan(lambda row: T.sort(row[row > 0])[0], x)
    f = theano.function([x], found, mode="xla")
    assert f(np.array([[3.0, 1, 2], [-1, 4, 3], [-9, -7, 5]])).tolist() == [1, 3, 5]
    with pytest.raises(IndexError, match="out of bounds"):
        f(np.array([[1.0, 1], [-1, -1]]))


def test_within_a_loop_a_number_of_rows_that_changes_can_be_refused_by_name():
    x = T.dmatrix()
    found, _ = theano.scan(lambda row: T.extra_ops.Unique()(row[row > 0])[0], x)
    f = theano.function([x], found, mode="xla")
    with pytest.raises(
        NotImplementedError, match=r"same at each step(.|\n)*Unique(.|\n)*FAST_RUN"
    ):
        f(np.array([[1.0, 1], [-1, 1]]))
