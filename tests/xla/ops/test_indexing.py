import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.helpers.cases import parametrize, some
from tests.helpers.theano_oracle import PYTHON, check, check_gradient, random, same

DTYPES = some(("float32", "float64", "int8", "int64"), "float64", "int8")
ROWS = np.array([2, 0, 2, -1])
COLUMNS = np.array([0, 3, 1, -4])
MASK = np.array([True, False, True, True])

BASIC = [
    lambda x, i: x[1],
    lambda x, i: x[-1, 2],
    lambda x, i: x[1:],
    lambda x, i: x[::2, ::-1],
    lambda x, i: x[-1:0:-2],
    lambda x, i: x[:-1, 1:3],
    lambda x, i: x[5:2],
    lambda x, i: x[10:],
    lambda x, i: x[-10:2],
    lambda x, i: x[2:100:2, -1],
    lambda x, i: x[:: 2**40, :: -(2**40)],
    lambda x, i: x[None, 1, :, None],
    lambda x, i: x[..., -2],
    lambda x, i: x[i],
    lambda x, i: x[-i, i],
    lambda x, i: x[i:],
    lambda x, i: x[:i, i:-1],
    lambda x, i: x[:, :: i + 1],
    lambda x, i: x[x.shape[0] - 1],
    lambda x, i: x[: x.shape[0] // 2],
]
ADVANCED = [
    lambda x, i: x[ROWS],
    lambda x, i: x[:, ROWS],
    lambda x, i: x[ROWS, COLUMNS],
    lambda x, i: x[ROWS, 1],
    lambda x, i: x[ROWS, 1:3],
    lambda x, i: x[1:, ROWS],
    lambda x, i: x[ROWS[:, None], COLUMNS],
    lambda x, i: x[ROWS.reshape(2, 2)],
    lambda x, i: x[MASK],
    lambda x, i: x[:, MASK],
    lambda x, i: x[T.arange(x.shape[0]), i + T.zeros_like(x[:, 0], "int64")],
    lambda x, i: x[None, ROWS],
    lambda x, i: x[ROWS, None, COLUMNS],
    lambda x, i: T.take(x, ROWS, axis=1),
    lambda x, i: x.take(ROWS),
    lambda x, i: x[T.constant(np.random.default_rng(0).random((4, 4)) < 0.5)],
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_parts(dtype):
    x = random(0, (4, 4), dtype)
    check(lambda x, i: [b(x, i) for b in (*BASIC, *ADVANCED)], x, np.int64(1))


@parametrize("dtype", DTYPES, fast=["float64"])
def test_writing_into_parts(dtype):
    x = random(1, (4, 4), dtype)

    def build(x, i):
        parts = [b(x, i) for b in (*BASIC, *ADVANCED)]
        parts = [p for p in parts if can_be_written(p)]
        assert len(parts) > 25
        return [
            write(p, value)
            for p in parts
            for write in (T.set_subtensor, T.inc_subtensor)
            for value in (p * 2 + 1, np.int8(3))
            if write is T.inc_subtensor or not repeats(p)
        ]

    check(build, x, np.int64(1))


def can_be_written(part):
    try:
        T.inc_subtensor(part, part)
    except TypeError:  # of a dimshuffle or a reshape of a part
        return False
    return True


def repeats(part):
    """Whether a part may hold an entry twice, so that what is set is not clear."""
    return "Advanced" in str(part.owner.op)


@pytest.mark.parametrize("dtype", DTYPES)
def test_repeated_indices_add_up_and_the_last_one_set_stays(dtype):
    rows = np.array([1, 1, 3, 1])
    check(
        lambda x, y: [
            T.inc_subtensor(x[rows], y),
            T.inc_subtensor(x[rows, rows], y[0]),
        ],
        random(2, (4, 4), dtype),
        random(3, (4, 4), dtype),
    )
    check(lambda x: T.set_subtensor(x[[1, 3, 1]], 7), random(4, (4, 2), dtype))


def test_writing_over_all_of_an_array():
    def build(x, y):
        wholes = x, T.zeros_like(x), T.eye(3) > 0
        parts = [p for w in wholes for p in (w[:], w[::-1], w[0:3, ::-1], w[-5:, :])]
        writes = T.set_subtensor, T.inc_subtensor
        written = [write(p, T.cast(y, p.dtype)) for p in parts for write in writes]
        return [w[::-1, ::-1] for w in written]

    check(build, random(11, (3, 3)), random(12, (3, 3)))


def test_increments_of_booleans_are_or():
    def build(x, y):
        places = np.array([0, 2])
        return [T.inc_subtensor(x[1], y[0]), T.inc_subtensor(x[places], y)]

    check(build, random(9, (3, 8), "bool"), random(10, (2, 8), "bool"))


def test_indices_that_are_inputs():
    x, rows = random(5, (4, 4)), np.array([3, -4, 0, 3], "int32")
    check(
        lambda x, rows, i: [
            x[rows],
            x[rows, 1],
            x[rows, i],
            x[i, rows[:2]],
            x[rows[0]],
            x[:, i],
            T.inc_subtensor(x[rows], 1),
            T.inc_subtensor(x[i], 2),
            x[rows.reshape((2, 2))],
            T.inc_subtensor(x[rows, i], 1),
        ],
        x,
        rows,
        np.int8(-2),
    )


@pytest.mark.parametrize(
    "build",
    [
        lambda x, i: x[i[0]],
        lambda x, i: x[:, i[0]],
        lambda x, i: x[i],
        lambda x, i: x[i, 0],
        lambda x, i: x[0, i],
        lambda x, i: x[i.reshape((1, 2))],
        lambda x, i: x[:, None, i],
        lambda x, i: T.inc_subtensor(x[i[0]], 1),
        lambda x, i: T.set_subtensor(x[i], 1),
        lambda x, i: T.inc_subtensor(x[i, i], 1),
    ],
)
def test_indices_out_of_range_are_an_error_and_nothing_is_updated(build):
    x, i = theano.shared(np.ones((3, 3))), T.lvector("i")
    count = theano.shared(0)
    f = theano.function([i], build(x, i), updates=[(count, count + 1)], mode="xla")
    f([2, -3])
    for wrong in (3, -4):
        with pytest.raises(
            IndexError, match=r"out of bounds(.|\n)*Subtensor(.|\n)*line"
        ):
            f([wrong, wrong])
    assert count.get_value() == 1
    g = theano.function([i], build(x, i), mode=PYTHON)
    same(f([1, 0]), g([1, 0]))


def test_known_indices_out_of_range_are_an_error():
    x = T.dmatrix("x")
    for part in (x[3], x[:, -4], x[[0, 5]], x[[0, 1], [0, 7]]):
        f = theano.function([x], part, mode="xla")
        with pytest.raises(IndexError, match="out of bounds"):
            f(np.ones((3, 3)))


@pytest.mark.parametrize(
    "build",
    [
        lambda x, i: x[i],
        lambda x, i: x[i, i],
        lambda x, i: x[i[0]],
        lambda x, i: x[(i >= 0).nonzero()],
        lambda x, i: x.take(i, axis=1),
        lambda x, i: T.set_subtensor(x[i], 1),
        lambda x, i: T.grad((x[i] ** 2).sum(), x),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_any_index_of_an_empty_array_is_an_error(build, late):
    x, i = T.dmatrix("x"), T.lvector("i")
    f = theano.function([x, i], build(x, i), mode="xla")
    for n in range(1, 6) if late else ():
        f(np.ones((n, n)), np.arange(n))
    with pytest.raises(IndexError, match="out of bounds"):
        f(np.ones((0, 0)), [0])


def test_slices_that_are_inputs():
    x = theano.shared(random(13, (5, 2)))
    part = theano.tensor.type_other.SliceType()()
    f = theano.function([part], x[part], mode="xla")
    for which in (slice(1, None), slice(None, None, -2), slice(0), slice(1, None)):
        same(f(which), x.get_value()[which])


@parametrize("build", [*BASIC[:6], *ADVANCED[:8]], fast=6)
def test_gradients(build):
    check_gradient(lambda x: build(x, 1) ** 2, random(7, (4, 4)))


def test_gradients_of_writing():
    check_gradient(
        lambda x, y: [
            T.set_subtensor(x[1:3], y[:2]) ** 2,
            T.inc_subtensor(x[[0, 0, 2]], y[:3]) ** 2,
            T.set_subtensor(x[[3, 1], [0, 1]], y[0, :2]) ** 2,
        ],
        random(8, (4, 3)),
        random(9, (4, 3)),
    )
