import itertools

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano import scalar as ts
from theano.scalar import basic_scipy as tss
from theano.tensor.elemwise import Elemwise
from theano.tensor.nnet import sigm
from theano.tensor.xlogx import xlogx, xlogy0

from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check, check_gradient, random, variable

FLOATS = ("float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8")
ALL = (*FLOATS, *INTEGERS, "bool")

SMOOTH = [
    T.abs_,
    T.exp,
    T.exp2,
    T.expm1,
    T.sqr,
    T.neg,
    T.sin,
    T.cos,
    T.tan,
    T.arctan,
    T.sinh,
    T.cosh,
    T.tanh,
    T.arcsinh,
    T.sgn,
    T.deg2rad,
    T.rad2deg,
    T.erf,
    T.erfc,
    T.nnet.sigmoid,
    T.nnet.softplus,
    T.nnet.relu,
    T.nnet.elu,
    T.nnet.selu,
    T.nnet.hard_sigmoid,
    T.nnet.nnet.softsign,
]
POSITIVE = [
    T.log,
    T.log2,
    T.log10,
    T.log1p,
    T.sqrt,
    T.inv,
    T.gamma,
    T.gammaln,
    T.psi,
    T.tri_gamma,
    T.i0,
    T.i1,
]
WITHIN_ONE = [T.arccos, T.arcsin, T.arctanh, T.erfinv]
STEPS = [T.floor, T.ceil, T.trunc, T.iround]
ROUNDING = ("half_to_even", "half_away_from_zero")


@parametrize("dtype", ALL, fast=["float32", "int8", "bool"])
def test_unary_operations_on_any_number(dtype):
    x = random(0, (3, 5), dtype)
    skipped = (T.neg, T.sgn, T.abs_) if dtype == "bool" else ()
    # Theano computes functions of 8 bits in float16, which NumPy does by float32.
    tolerance = 2e-3 if dtype in ("int8", "uint8", "bool") else 5e-5
    check(lambda x: [f(x) for f in SMOOTH if f not in skipped], x, tolerance=tolerance)


@parametrize("dtype", FLOATS, fast=["float32"])
def test_unary_operations_on_part_of_the_line(dtype):
    positive = np.abs(random(1, (7, 2), dtype)) + np.dtype(dtype).type(0.125)
    within = np.tanh(random(2, (4, 3), dtype))
    check(
        lambda p, w: [
            *[f(p) for f in POSITIVE],
            T.arccosh(1 + p),
            *[f(w) for f in WITHIN_ONE],
            Elemwise(tss.erfcinv)(1 + w),
        ],
        positive,
        within,
        tolerance=1e-4 if dtype == "float32" else 1e-9,
    )


def test_the_inverse_of_the_complementary_error_function_close_to_zero():
    tail = np.array([1e-30, 1e-12, 0.01])
    check(Elemwise(tss.erfcinv), np.concatenate([tail, 2 - tail[1:]]))


def test_products_with_logarithms_are_zero_at_zero():
    x = np.array([0.0, 0.5, 2.0])
    check(lambda x, y: [xlogx(x), xlogy0(x, y)], x, np.array([0.0, 3.0, 0.25]))


@pytest.mark.parametrize("dtype", FLOATS)
def test_rounding(dtype):
    x = np.array([-2.5, -1.5, -0.5, -0.2, 0.0, 0.5, 1.5, 2.5, 2.7, 1e9], dtype)
    check(lambda x: [f(x) for f in STEPS] + [T.round(x, mode) for mode in ROUNDING], x)


@parametrize(
    ("first", "second"),
    [
        ("float32", "float32"),
        ("float64", "float32"),
        ("int64", "float32"),
        ("int8", "float32"),
        ("bool", "float64"),
        ("int64", "int32"),
        ("uint8", "int8"),
        ("int8", "int8"),
        ("uint8", "uint8"),
        ("int16", "bool"),
    ],
    fast=5,
)
def test_arithmetic_in_the_dtypes_of_the_graph(first, second):
    x, y = random(3, (4, 3), first), random(4, (4, 3), second)
    y = np.where(y == 0, np.ones((), second), y)  # no division by zero here

    def build(x, y):
        power = T.cast(T.abs_(T.cast(x, "float64")), first) ** T.cast(y > 0, second)
        return [
            x + y,
            x * y,
            x / y,
            T.int_div(x, y),
            T.mod(x, y),
            T.maximum(x, y),
            T.minimum(x, y),
            T.second(x, y),
            T.add(x, y, x),
            T.mul(x, y > 0, y > 0),
            power,
            *([] if "bool" in (first, second) else [x - y]),
        ]

    check(build, x, y)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_powers_by_constants(dtype):
    """Theano widens uint8 to int16, in which 7 ** 3 has room."""
    x = T.TensorType(dtype, [False])()
    exponents = [0, 1, 2, 3, 4] + [-2, -1, -0.5, 0.5, 2.5] * dtype.startswith("float")
    values = np.array([1, 2, 3, 7], dtype)
    for exponent in exponents:
        power = x**exponent
        found = theano.function([x], power, mode="xla")(values)
        expected = values.astype(power.dtype) ** np.asarray(exponent, power.dtype)
        assert found.dtype == power.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["int8", "int64", "float32", "float64"])
def test_division_and_remainder_of_negative_numbers(dtype):
    pairs = np.array(list(itertools.product([-7, -6, 5, 6, 0], [-3, -2, 2, 3])), dtype)
    check(lambda x, y: [x // y, x % y, x / y], pairs[:, 0], pairs[:, 1])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("float32", "float64"),
        ("int64", "float32"),
        ("int8", "uint8"),
        ("bool", "int16"),
    ],
)
def test_comparisons_of_mixed_dtypes(first, second):
    x, y = random(5, (6, 4), first), random(6, (6, 4), second)
    x[:2] = np.abs(y[:2]).astype(first)

    def build(x, y):
        outputs = [T.eq(x, y), T.neq(x, y), x < y, x <= y, x > y, x >= y]
        return [*outputs, T.isclose(x, y)] if first == "float32" else outputs

    check(build, x, y)


def test_comparison_beyond_the_precision_of_float32():
    check(
        lambda x, y: [T.eq(x, y), x < y],
        np.array([2**24 + 1, 16777217], "int64"),
        np.array([2.0**24, 2.0**24], "float32"),
    )


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool"])
def test_bits(dtype):
    x, y = random(7, (5, 3), dtype), random(8, (5, 3), dtype)
    check(lambda x, y: [x & y, x | y, x ^ y, ~x], x, y)


@pytest.mark.parametrize("dtype", ALL)
def test_casts(dtype):
    x = np.abs(random(9, (3, 3), dtype)) if dtype != "bool" else random(9, 9, "bool")
    check(lambda x: [T.cast(x, target) for target in (*ALL, "float16")], x)


@pytest.mark.parametrize("dtype", FLOATS)
def test_switch_clip_and_what_is_no_number(dtype):
    x = np.array([np.nan, np.inf, -np.inf, -1, 0, 2], dtype)
    y = np.array([1, np.nan, 0, 3, -0.5, 2], dtype)
    check(
        lambda x, y: [
            T.switch(x > y, x, y),
            T.switch(T.isnan(x), 0, y),
            T.isinf(x),
            T.clip(x, -0.5, 0.5),
            T.clip(x, y, 1),
            T.maximum(x, y),
            T.minimum(x, y),
            x + y,
            x * y,
            T.exp(x),
            T.eq(x, y),
            T.nnet.sigmoid(x),
            T.tanh(x),
            T.nnet.softplus(x),
            T.sgn(x[1:]),
            T.sqr(x),
            abs(x),
        ],
        x,
        y,
    )


def test_switch_on_numbers_and_of_mixed_dtypes():
    condition = np.array([0.0, 0.5, -2.0, 0.0])
    check(
        lambda c, x, y: [T.switch(c, x, y), T.where(T.eq(c, 0), y, x)],
        condition,
        np.arange(4, dtype="int8"),
        random(10, 4, "float32"),
    )


def test_the_lower_bound_wins_where_bounds_contradict():
    check(lambda x: T.clip(x, 2.0, -2.0), random(11, 9))


def test_bounds_in_range():
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])
    for openlow, openhi in itertools.product([False, True], repeat=2):
        # Not in one function: Theano takes them for the same operation.
        op = Elemwise(ts.InRange(openlow, openhi))
        check(lambda x, op=op: op(x, 0.0, 1.0), x)


def test_functions_of_two_arguments():
    k, x = np.abs(random(12, 9)) + 0.5, np.abs(random(13, 9)) + 0.1
    check(
        lambda k, x: [
            T.arctan2(x, -k),
            T.chi2sf(x, k),
            *[
                Elemwise(op)(k, x)
                for op in (tss.gammainc, tss.gammaincc, tss.gammau, tss.gammal)
            ],
        ],
        k,
        x,
        tolerance=1e-7,
    )


def test_complex_numbers():
    x, y = random(14, (2, 3)), random(15, (2, 3))

    def build(x, y):
        z = T.complex(x, y)
        return [
            z,
            T.real(z * z),
            T.imag(z),
            T.conj(z),
            abs(z),
            T.angle(z),
            T.complex_from_polar(abs(x), y),
        ]

    check(build, x, y)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_graphs_of_scalars_fused_by_theano(dtype):
    a, b = ts.Scalar(dtype)(), ts.Scalar(dtype)()
    fused = Elemwise(ts.Composite([a, b], [ts.sqr(a) + ts.cast(b, "float64") * 3]))
    # Theano's own evaluation computes the inside of a Composite in float64.
    x, y = random(16, (4, 5), dtype), random(17, (4, 5), dtype)
    check(fused, x, y, tolerance=1e-6)


def test_the_approximated_sigmoid():
    x, values = T.dvector(), np.linspace(-9, 9, 41)
    f = theano.function([x], sigm.ultra_fast_sigmoid(x), mode="xla")
    # Theano's evaluation of arrays calls the exact sigmoid; these are the lines of its
    # code in C.
    half = np.abs(values) / 2
    z = np.where(half < 1.7, 1.5 * half / (1 + half), 0.99505475368673)
    middle = 0.935409070603099 + 0.0458812946797165 * (half - 1.7)
    z = np.where((half >= 1.7) & (half < 3), middle, z)
    desired = (np.sign(values) * z + 1) / 2
    np.testing.assert_allclose(f(values), desired, rtol=1e-12)


def test_broadcasting():
    row, column, scalar = random(18, (1, 4)), random(19, (3, 1)), np.float64(2)
    check(
        lambda x, r, c, s: [x + r, x * c, r - c, x / s, T.maximum(s, c)],
        random(20, (3, 4)),
        row,
        column,
        scalar,
        broadcastable=[(False, False), (True, False), (False, True), ()],
    )


@pytest.mark.parametrize(
    "shapes", [((3, 4), (1, 4)), ((3, 1), (3, 4)), ((2, 3), (3, 3))]
)
def test_only_declared_dimensions_broadcast(shapes):
    x, y = T.dmatrices("x", "y")
    f = theano.function([x, y], x + y, mode="xla")
    with pytest.raises(ValueError, match=r"dimension mismatch(.|\n)*Elemwise{add"):
        f(*(np.ones(shape) for shape in shapes))


def test_empty_arrays():
    check(lambda x: [T.exp(x), x + 1, x.sum()], np.zeros((0, 3)))


@pytest.mark.parametrize("build", [T.exp2, T.cosh, T.sinh])
def test_large_results(build):
    check(build, np.linspace(-80, 80, 33, dtype="float32"), tolerance=2e-7)


@pytest.mark.parametrize("build", [*SMOOTH[1:14], T.erf, T.erfc, *SMOOTH[19:25]])
def test_gradients_of_unary_operations(build):
    check_gradient(build, random(21, 4) + 0.01)


@pytest.mark.parametrize(
    "build", [f for f in POSITIVE if f not in (T.tri_gamma, T.i0, T.i1)]
)
def test_gradients_on_positive_numbers(build):
    check_gradient(build, np.abs(random(22, 3)) + 0.4, tolerance=1e-5)


@pytest.mark.parametrize("build", [*WITHIN_ONE])
def test_gradients_within_one(build):
    check_gradient(build, np.tanh(random(23, 3)))


def test_gradients_of_operations_of_several_arguments():
    x, y = np.abs(random(24, (2, 3))) + 0.3, np.abs(random(25, (1, 3))) + 0.2
    check_gradient(
        lambda x, y: [
            x + y,
            x * y,
            x / y,
            x - y,
            x**y,
            T.maximum(x, y),
            T.minimum(x, y),
            x % y,
            T.switch(x > y, x, 2 * y),
            T.clip(x, 0.5, 1),
            T.arctan2(x, y),
            abs(y - x),
        ],
        x,
        y,
        broadcastable=[None, (True, False)],
    )


def test_clipped_gradients():
    x = variable(random(26, 5))
    cost = T.sum(theano.gradient.grad_clip(x, -0.5, 0.5) ** 2)
    value = np.array([-3.0, -0.1, 0.0, 0.2, 9.0])
    gradient = theano.function([x], T.grad(cost, x), mode="xla")(value)
    np.testing.assert_array_equal(gradient, np.clip(2 * value, -0.5, 0.5))


def test_scalars_are_returned_as_such():
    x = T.bscalar()
    f = theano.function([x], [T.scalar_from_tensor(x) + 1, x], mode="xla")
    first, second = f(3)
    assert isinstance(first, np.int8)
    assert isinstance(second, np.ndarray)
    assert first == 4
