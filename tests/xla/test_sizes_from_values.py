"""Sizes that follow from values of arrays, such as the longest of some sentences."""

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.sort import topk

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import same
from tests.helpers.varying_lengths import OWN, W, matrix, with_gradient

CALLS = 10


def state_after(rows, state, w, **options):
    step = (lambda r, h: T.tanh(r + T.dot(h, w))) if rows else lambda h: T.dot(h, w)
    return theano.scan(step, sequences=rows, outputs_info=state, **options)[0][-1]


def masked_state(x, lengths, w):
    """Return the state after each sentence of a batch, as padded ones are trained."""
    n = lengths.max()
    mask = T.arange(n)[:, None] < lengths[None, :]
    states, _ = theano.scan(
        lambda r, m, h: T.switch(m[:, None], T.tanh(T.dot(h, w) + r), h),
        sequences=[x[:n, None, :] * T.ones((1, lengths.shape[0], 1)), mask],
        outputs_info=T.zeros((lengths.shape[0], 4), "float64"),
    )
    return states[-1]


# Functions of rows, lengths and shared weights.
FUNCTIONS = {
    "steps": lambda x, n, w: state_after([], x[0], w, n_steps=n.max()),
    "steps of rows": lambda x, n, w: state_after(x, x[0], w, n_steps=n[0]),
    "steps from a mask": lambda x, n, w: state_after(
        [], x[0], w, n_steps=T.cast((T.arange(30) < n[:, None]).sum(1).max(), "int64")
    ),
    "batch": masked_state,
    "slice": lambda x, n, w: T.nnet.softmax(x[: n.max()]),
    "slice to the end": lambda x, n, w: T.dot(x[n.min() :], w).mean(axis=0),
    "window": lambda x, n, w: T.tanh(x[n.min() : n.max() + 1]).sum(axis=0),
    "block": lambda x, n, w: x[: n.max() // 4 * 4].reshape((n.max() // 4, 16)).max(),
    "array": lambda x, n, w: T.alloc(x[0], n.max(), n.min() + 1, 4).cumsum(0) ** 2,
    "numbers": lambda x, n, w: T.arange(n.sum())[:, None] * x[0],
    "mask": lambda x, n, w: T.dot((T.arange(n.max()) < n[:, None]) * 1.0, x[: n.max()]),
}


@parametrize("name", FUNCTIONS, fast=["steps", "steps from a mask", "slice", "mask"])
def test_programs_are_for_classes_of_sizes(name):
    rng = np.random.default_rng(5)
    x, n, w = T.dmatrix("x"), T.lvector("n"), theano.shared(W)
    result = FUNCTIONS[name](x, n, w)
    outputs = [result, *with_gradient((result**2).sum() + (w * x[:4]).sum(), x, w)]
    f, own = (theano.function([x, n], outputs, mode=mode) for mode in ("xla", OWN))
    for _ in range(CALLS):
        lengths = rng.integers(4, 30, size=3)
        arguments = matrix(rng, 30), lengths
        for actual, desired in zip(f(*arguments), own(*arguments), strict=True):
            same(actual, desired)
    assert len(f.fn.jitted) < CALLS


WINDOWS = {
    "rows": lambda x, i, n, w: T.dot(x[i : i + n], w),
    "every other": lambda x, i, n, w: T.dot(x[i : i + 2 * n : 2], w).cumsum(axis=0),
    "reversed": lambda x, i, n, w: x[i + n : i : -1] * w[0],
    "loop": lambda x, i, n, w: state_after(x[i : i + n], x[i], w),
    "written": lambda x, i, n, w: T.set_subtensor((x * 1)[i : i + n], T.dot(x[:n], w)),
}


@parametrize("name", WINDOWS, fast=["rows", "written"])
def test_windows_of_many_lengths_at_many_places(name):
    x, i, n, w = T.dmatrix("x"), T.lscalar("i"), T.iscalar("n"), theano.shared(W)
    result = WINDOWS[name](x, i, n, w)
    outputs = [result, *with_gradient((result**2).sum() + (w * x[:4]).sum(), x, w)]
    f, own = (theano.function([x, i, n], outputs, mode=mode) for mode in ("xla", OWN))
    rng = np.random.default_rng(6)
    rows = matrix(rng, 400)
    for _ in range(CALLS):
        arguments = rows, rng.integers(300), rng.integers(1, 50)
        for actual, desired in zip(f(*arguments), own(*arguments), strict=True):
            same(actual, desired, 1e-8)
    assert len(f.fn.jitted) < CALLS


def test_slices_that_may_be_empty():
    x, n = T.dmatrix("x"), T.iscalar("n")
    loss = (x[n:] ** 2).sum() + (x[:-n] ** 3).sum()
    outputs = [x[n:], x[:-n], *with_gradient(loss, x)]
    f, own = (theano.function([x, n], outputs, mode=mode) for mode in ("xla", OWN))
    rng = np.random.default_rng(7)
    sizes = [
        (3, 2),
        (12, 20),
        (9, 4),
        (5, 16),
        (7, 9),
        (2, 1),
        (11, 30),
        (6, 18),
        (4, 4),
    ]
    for rows, size in sizes:
        arguments = matrix(rng, rows), size
        for actual, desired in zip(f(*arguments), own(*arguments), strict=True):
            same(actual, desired)
    assert len(f.fn.jitted) < len(sizes) - 1


PARTS = {
    "to": lambda x, n: x[:n],
    "from": lambda x, n: x[n:].sum(axis=0),
    "rolled": lambda x, n: T.roll(x, n, axis=0),
    "rows": lambda x, n: T.dot(T.ones((abs(n), 4)), x.T),
}


@pytest.mark.filterwarnings("ignore:divide by zero")  # by Theano's own evaluation
@parametrize("name", PARTS, fast=["to", "rows"])
def test_numbers_and_rows_of_which_some_are_none_or_negative(name):
    x, n = T.dmatrix("x"), T.lscalar("n")
    outputs = [part := PARTS[name](x, n), T.grad((part**2).sum(), x)]
    f, own = (theano.function([x, n], outputs, mode=mode) for mode in ("xla", OWN))
    rng = np.random.default_rng(9)
    sizes = [(3, 2), (4, -3), (5, 0), (0, 0), (0, 5), (9, 0), (0, -7), (12, 5)]
    sizes += [(7, -k) for k in range(1, 9)] + [(k, k) for k in range(6, 16)]
    sizes += [(k, -4) for k in range(12)] + [(0, k) for k in range(-8, 9)]
    for rows, number in sizes:
        values = matrix(rng, rows)
        for actual, desired in zip(f(values, number), own(values, number), strict=True):
            same(actual, desired, 1e-8)
    assert len(f.fn.jitted) < 20


def test_a_program_for_each_length_alone():
    x, n, w = T.dmatrix("x"), T.lscalar("n"), theano.shared(W)
    f = theano.function(
        [x, n], state_after(x[:n], x[0], w, n_steps=n), mode="xla_static"
    )
    rows = np.ones((30, 4))
    for _ in range(2):
        for size in (5, 9, 20, 7):
            f(rows, size)
    assert len(f.fn.jitted) == 4


def test_a_program_for_each_size_of_minibatches():
    data, i, b = theano.shared(np.zeros((1, 3))), T.lscalar("i"), T.lscalar("b")
    f = theano.function([i, b], data[i * b : (i + 1) * b], mode="xla")
    sizes = set()
    for n in (70, 36, 70, 49):
        rows = np.arange(3.0 * n).reshape(n, 3)
        data.set_value(rows)
        for batch in range(-(-n // 16)):
            part = rows[batch * 16 : (batch + 1) * 16]
            same(f(batch, 16), part)
            sizes.add((n, len(part)))
    assert len(f.fn.jitted) <= len(sizes)


def test_sizes_that_are_used_as_numbers():
    x, n = T.dmatrix("x"), T.ivector("n")
    longest, place = T.max_and_argmax(n)
    outputs = [x[:longest].sum(), longest, place, longest / 4, longest + 1]
    f, own = (theano.function([x, n], outputs, mode=mode) for mode in ("xla", OWN))
    rows = np.arange(80.0).reshape(20, 4)
    for size in (3, 5, 9, 14, 17, 2, 0, 20):
        arguments = rows, np.array([1, size, 0], "int32")
        for actual, desired in zip(f(*arguments), own(*arguments), strict=True):
            same(actual, desired)
            assert actual.dtype == desired.dtype
    assert len(f.fn.jitted) < 7


@parametrize("dtype", ["int8", "uint8", "int16", "uint32"], fast=["int8", "uint32"])
def test_sizes_of_other_dtypes(dtype):
    n, lengths = T.scalar(dtype=dtype), T.vector(dtype=dtype)
    x, longest = T.dmatrix("x"), lengths.max()
    outputs = [x[:n], T.dot(x[:longest], W), T.arange(n) * longest, T.ones((n + 1, 2))]
    modes = "xla", OWN
    f, own = (theano.function([x, n, lengths], outputs, mode=mode) for mode in modes)
    rng = np.random.default_rng(8)
    rows = matrix(rng, 127)
    for size in [*rng.integers(0, 126, size=3 * CALLS), 126]:
        several = np.array([1, size // 2, size]).astype(dtype)
        arguments = rows, np.array(size, dtype), several
        for actual, desired in zip(f(*arguments), own(*arguments), strict=True):
            same(actual, desired, 1e-8)
            assert actual.dtype == desired.dtype
    assert len(f.fn.jitted) < 2 * CALLS


def test_a_size_that_an_update_counts():
    x, n = T.dvector("x"), theano.shared(1)
    f = theano.function([x], x[:n], updates=[(n, n + 1)], mode="xla")
    values = np.arange(20.0)
    for k in [*range(1, 18), -5]:
        n.set_value(k)
        same(f(values), values[:k])
        assert n.get_value() == k + 1
    assert len(f.fn.jitted) < 8


def test_sizes_that_cannot_be_computed():
    x, n = T.dvector("x"), T.lvector("n")
    f = theano.function([x, n], [x[: n[2]], T.zeros((n.max(),))], mode="xla")
    values = np.arange(9.0)
    for k in range(1, 7):
        same(f(values, [0, 1, k])[0], values[:k])
    with pytest.raises(IndexError, match="out of bounds for an axis of size 2"):
        f(values, [0, 1])
    with pytest.raises(ValueError, match=r"non-negative\nIt is Alloc"):
        f(values, [-3, -2, -1])
    same(f(values, [3, 1, 2])[0], values[:2])


@pytest.mark.filterwarnings("ignore:.*calls of a function have each taken")
def test_sizes_that_must_be_known():
    x, n = T.dvector("x"), T.lvector("n")
    f = theano.function([x, n], topk(x, n.max(), sorted=False), mode="xla")
    values = np.random.default_rng(2).normal(size=12)
    for k in range(1, 12):
        same(np.sort(f(values, [0, k])), np.sort(values)[-k:])
    assert len(f.fn.jitted) == 11
