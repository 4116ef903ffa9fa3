"""Lengths that vary from call to call: which programs are made, and errors."""

import warnings

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStreams

from tests.helpers.theano_oracle import same
from tests.helpers.varying_lengths import LENGTHS, OWN, TABLE, W, matrix
from tests.xla.test_varying_loops import recurrent


def test_training_on_sentences_is_theanos_own():
    x, w = T.dmatrix(), [theano.shared(W), theano.shared(W)]
    results = []
    for mode, variable in zip(("xla", OWN), w, strict=True):
        cost = (recurrent(x, variable)[-1] ** 2).sum()
        updates = [(variable, variable - 0.1 * T.grad(cost, variable))]
        f = theano.function([x], cost, updates=updates, mode=mode)
        rng = np.random.default_rng(3)
        results.append([f(matrix(rng, n)) for n in (4, 7, 2, 9, 30, 8, 17, 1)])
    np.testing.assert_allclose(*results, rtol=1e-9)
    np.testing.assert_allclose(*(v.get_value() for v in w), rtol=1e-9)


def test_a_number_of_steps_that_varies():
    n, x = T.lscalar(), T.dvector()
    steps = theano.scan(lambda h: h / 2 + 1, outputs_info=[x], n_steps=n)[0]
    outputs = [steps, T.arange(n), T.zeros((n, 2), "float64"), x[:n]]
    f = theano.function([n, x], outputs, mode="xla")
    values = np.arange(50.0)
    for count in (3, 5, 8, 12, 2, 40, 9, 33, 16, 1, 64):
        state, desired = values, []
        for _ in range(count):
            desired.append(state := state / 2 + 1)
        found = f(count, values)
        desired = [desired, np.arange(count), np.zeros((count, 2)), values[:count]]
        for actual, expected in zip(found, desired, strict=True):
            same(actual, np.asarray(expected))
    assert len(f.fn.jitted) < 9


OF_ONE_NUMBER = [
    *(T.inv, T.sqrt, T.exp, T.exp2, T.expm1, T.log, T.log2, T.log10, T.log1p, T.neg),
    *(T.sqr, T.sin, T.cos, T.tan, T.sinh, T.cosh, T.tanh, T.arctan, T.arcsinh, T.sgn),
    *(T.abs_, T.ceil, T.floor, T.gammaln, T.erf, T.deg2rad, T.invert, T.isnan, T.psi),
    *(T.nnet.sigmoid, T.nnet.softplus, T.nnet.hard_sigmoid),
    *(lambda n: n / 3, lambda n: 3 / n, lambda n: 1.0 / n, lambda n: 1 / (n + 1.0)),
    *(lambda n: n // 3, lambda n: 100 // n, lambda n: n % 3, lambda n: -n % 3),
    *(lambda n: n**2, lambda n: n**0.5, lambda n: n**-2.0, lambda n: 2.0**n),
    *(lambda n: T.arctan2(n, 3), lambda n: T.clip(n, 3.5, 9), lambda n: n & 6),
    *(lambda n: T.maximum(n, 5.5), lambda n: T.switch(n > 5, n, 2.5), lambda n: n > 5),
    *(lambda n: 1 / T.cast(n, "float32"), lambda n: T.inv(T.cast(n, "uint8"))),
    *(lambda n: T.exp(T.cast(n, "int8")), lambda n: T.log(T.cast(n, "int16"))),
    *(lambda n: 1.0 / T.stack([n, n + 1]), lambda n: T.stack([n, 2 * n]).std()),
    *(lambda n: T.complex(n, n + 1).imag, lambda n: T.inv(n > 0)),
]


def test_what_is_computed_from_a_length():
    x = T.dvector()
    outputs = [function(x.shape[0]) for function in OF_ONE_NUMBER]
    f, own = (theano.function([x], outputs, mode=mode) for mode in ("xla", OWN))
    for n in (3, 5, 9, 6, 20, 33, 1):
        x = np.zeros(n)
        for actual, desired in zip(f(x), own(x), strict=True):
            same(actual, desired, 1e-6 if actual.dtype == "float32" else 1e-12)
    assert len(f.fn.jitted) < 7


def test_random_numbers_are_those_without_padding():
    found = []
    for mode in ("xla", "xla_static"):
        x, streams = T.dtensor3(), MRG_RandomStreams(7)
        noise = [
            x * streams.binomial(x.shape, p=0.5, dtype="float64"),
            streams.uniform((2, x.shape[1])),
            streams.normal((x.shape[0], 3)),
        ]
        f = theano.function([x], noise, mode=mode)
        found += [[f(np.ones((n, m, 4))) for n, m in LENGTHS[:5]]]
    for padded, static in zip(*found, strict=True):
        for actual, desired in zip(padded, static, strict=True):
            same(actual, desired)


def test_static_shapes_have_a_program_each():
    x = T.dvector()
    f = theano.function([x], x.sum(), mode="xla_static")
    for n in range(1, 8):
        assert f(np.ones(n)) == n
    assert len(f.fn.jitted) == 7


def test_lengths_that_must_be_known_have_a_program_each():
    x = T.dvector()
    f = theano.function([x], T.extra_ops.Unique()(x), mode="xla")
    for n in range(1, 8):
        values = np.arange(n)[::-1] * 1.0
        same(f(values), values[::-1])
    assert len(f.fn.jitted) == 7
    assert f.fn.programs.varying.exact


def test_three_lengths_that_vary():
    x, w = T.ltensor3(), theano.shared(TABLE)
    outputs = [w[x].sum(0), x.flatten(), x.reshape((x.shape[2], -1))]
    f = theano.function([x], outputs, mode="xla")
    shapes = [(3, 4, 5), (4, 5, 6), (20, 17, 18), (33, 20, 40), (7, 40, 20), (2, 3, 9)]
    for shape in shapes:
        values = np.random.default_rng(sum(shape)).integers(0, 7, shape)
        desired = TABLE[values].sum(0), values.ravel(), values.reshape(shape[2], -1)
        for actual, expected in zip(f(values), desired, strict=True):
            same(actual, expected)
    assert not f.fn.programs.varying.exact


def test_arrays_without_rows_and_with_one():
    x, w = T.dmatrix(), theano.shared(W)
    f = theano.function([x], [x.sum(0), T.dot(x, w), x[::-1]], mode="xla")
    for n in (3, 5, 7, 0, 1, 20, 0):
        values = matrix(np.random.default_rng(n), n)
        desired = values.sum(0), values @ W, values[::-1]
        for actual, expected in zip(f(values), desired, strict=True):
            same(actual, expected)


@pytest.mark.parametrize("late", [False, True])
def test_lengths_that_do_not_fit_are_an_error(late):
    x, mask = T.dmatrix(), T.dvector()
    f = theano.function([x, mask], (x * mask[:, None]).sum(), mode="xla")
    for n in (3, 5, 7, 8, 20)[: 5 if late else 1]:
        assert f(np.ones((n, 2)), np.ones(n)) == 2 * n
    for n, m in ((7, 6), (6, 7), (20, 16)):
        with pytest.raises(ValueError, match="mismatch"):
            f(np.ones((n, 2)), np.ones(m))
    for n in (9, 11, 12, 13, 14):
        assert f(np.ones((n, 2)), np.ones(n)) == 2 * n
    assert not f.fn.programs.varying.exact


def test_an_index_out_of_bounds_stores_nothing():
    i, w = T.lvector(), theano.shared(TABLE)
    total = w[i].sum()
    f = theano.function([i], total, updates=[(w, w + total)], mode="xla")
    for n in (2, 3, 5, 6):
        f(np.zeros(n, "int64"))
    before = w.get_value()
    with pytest.raises(IndexError, match="out of bounds"):
        f(np.array([1, 2, 7, 1]))
    same(w.get_value(), before)
    np.testing.assert_allclose(f([6, -7, 0]), before[[6, 0, 0]].sum())
    assert not f.fn.programs.varying.exact
    known = len(f.fn.jitted)
    for n in range(20, 30):
        with pytest.raises(IndexError, match="out of bounds"):
            f(np.full(n, 7))
    assert len(f.fn.jitted) <= known + 2


def test_arguments_that_were_equally_long_and_are_no_more():
    x, y = T.dvector(), T.dvector()
    f = theano.function([x, y], [x.sum() - y.sum(), T.concatenate([x, y])], mode="xla")
    for n, m in ((3, 3), (4, 4), (6, 6), (7, 9), (30, 5), (5, 30), (8, 8)):
        difference, joined = f(np.ones(n), np.ones(m))
        assert difference == n - m
        assert joined.shape == (n + m,)


def test_the_program_that_was_used_last_is_kept(monkeypatch):
    monkeypatch.setattr("kfkd.xla.programs._MOST_PROGRAMS", 3)
    x = T.dvector()
    f = theano.function([x], x * 2, mode="xla_static")
    for n in (1, 2, 3, 1):
        f(np.ones(n))
    kept = list(f.fn.jitted.values())[1:]
    f(np.ones(4))
    assert list(f.fn.jitted.values())[:2] == kept


@pytest.mark.parametrize(
    ("lengths", "calls"),
    [(range(1, 60), 10), ([n if i else 1 for n in range(2, 60) for i in (0, 1)], 38)],
)
def test_many_programs_are_told_of_once(lengths, calls):
    x, w = T.dvector("x"), theano.shared(np.ones((2, 3)), "w")
    f = theano.function([x], T.extra_ops.Unique()(x) + w.sum(), mode="xla")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in lengths[: calls - 1]:
            f(np.ones(n))
    pattern = r"(?s) of the last [14]0 calls .* are now: x \(\d+,\)\. If.*Unique"
    with pytest.warns(UserWarning, match=pattern) as told:
        _ = [f(np.ones(n)) for n in lengths[calls - 1 :]]
    (warning,) = told
    assert warning.filename == __file__


def test_what_is_told_of_many_programs():
    x, n, w = T.dvector("x"), T.bscalar("n"), theano.shared(np.ones(3), "w")
    constant = theano.shared(np.ones(2), "c")
    f = theano.function([x, n], (x[:n] * w[:n]).sum() * constant.sum(), mode="xla")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for size in range(9):
            w.set_value(np.ones(size + 3))
            f(np.ones(9), size)
    w.set_value(np.ones(12))
    with pytest.warns(UserWarning, match=r"now: x \(9,\), n = 9, w \(12,\)\. If"):
        f(np.ones(9), 9)
