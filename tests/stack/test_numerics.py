"""Numbers that Theano's own evaluation finds in Python, an oracle of other tests."""

import itertools

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile.mode import Mode
from theano.sandbox import rng_mrg
from theano.tensor.signal.pool import pool_2d

MODES = ("FAST_RUN", "FAST_COMPILE")


@pytest.fixture
def rng():
    return np.random.RandomState(0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("flip", [True, False])
def test_convolution_is_that_of_the_definition(rng, mode, flip):
    x = rng.randn(2, 3, 6, 5)
    w = rng.randn(4, 3, 3, 2)
    expected = np.zeros((2, 4, 4, 4))
    kernel = w[:, :, ::-1, ::-1] if flip else w
    for n, o, i, j in np.ndindex(*expected.shape):
        expected[n, o, i, j] = (x[n, :, i : i + 3, j : j + 2] * kernel[o]).sum()
    image, filters = T.dtensor4(), T.dtensor4()
    out = T.nnet.conv2d(image, filters, filter_flip=flip)
    found = theano.function([image, filters], out, mode=mode)(x, w)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (0, 4)])
@pytest.mark.parametrize("dtype", ["int8", "int64", "float32"])
@pytest.mark.parametrize("mode", MODES)
def test_more_arrays_than_a_function_of_numpy_takes(rng, mode, dtype, shape):
    values = [np.asarray(5 * rng.randn(*shape), dtype) for _ in range(70)]
    xs = [T.TensorType(dtype, (False,) * len(shape))() for _ in values]
    total, product = theano.function(xs, [T.add(*xs), T.mul(*xs)], mode=mode)(*values)
    together = np.stack(values)
    # Of integers, what does not fit wraps around.
    for found, expected in (
        (total, together.sum(0, dtype=dtype)),
        (product, together.prod(0, dtype=dtype)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
        assert found.shape == shape
        assert found.dtype == dtype


@pytest.mark.parametrize("count", [3, 5, 31])
def test_arrays_are_computed_with_as_a_whole(count, monkeypatch):
    variables = [T.fvector() for _ in range(count)]
    total = T.exp(sum(variables)) * 2 + T.mul(*variables)
    f = theano.function(variables, total, mode="FAST_RUN")
    scalar_ops = [getattr(n.op, "scalar_op", None) for n in f.maker.fgraph.toposort()]
    assert not any(isinstance(op, theano.scalar.Composite) for op in scalar_ops)
    for kind in (theano.scalar.Add, theano.scalar.Mul):
        monkeypatch.setattr(kind, "impl", None)  # of single elements
    values = np.random.default_rng(count).normal(size=(count, 4)).astype("float32")
    desired = np.exp(values.sum(0)) * 2 + values.prod(0)
    np.testing.assert_allclose(f(*values), desired, rtol=1e-5)


def test_many_arrays_that_do_not_fit():
    xs = [T.vector() for _ in range(40)]
    total = theano.function(xs, T.add(*xs), mode="FAST_COMPILE")
    with pytest.raises(ValueError, match="Dimension mismatch"):
        total(*[np.zeros(3, "float32")] * 39, np.zeros(1, "float32"))
    row = T.row()
    ys = [T.matrix() for _ in range(40)]
    total = theano.function([row, *ys], T.add(row, *ys), mode="FAST_COMPILE")
    found = total(np.float32([[1, 2]]), *[np.ones((3, 2), "float32")] * 40)
    np.testing.assert_array_equal(found, np.float32([[41, 42]] * 3))


def test_convolution_gradient_is_that_of_differences(rng):
    theano.gradient.verify_grad(
        lambda x, w: T.nnet.conv2d(x, w, border_mode=1, subsample=(2, 1)),
        [rng.randn(1, 2, 5, 4), rng.randn(2, 2, 3, 2)],
        mode="FAST_RUN",
        rng=np.random.RandomState(1),
    )


@pytest.mark.parametrize("mode", ["max", "sum", "average_inc_pad", "average_exc_pad"])
@pytest.mark.parametrize("ignore_border", [True, False])
def test_pooling_is_that_of_the_definition(rng, mode, ignore_border):
    x = rng.randn(2, 5, 7)
    size, stride = (2, 3), (2, 2)
    count = [
        (n - k) // s + 1 if ignore_border else max(0, -(-(n - k) // s)) + 1
        for n, k, s in zip(x.shape[1:], size, stride, strict=True)
    ]
    reduce = {"max": np.max, "sum": np.sum}.get(mode, np.mean)
    expected = np.array(
        [
            [
                [
                    reduce(image[2 * i : 2 * i + 2, 2 * j : 2 * j + 3])
                    for j in range(count[1])
                ]
                for i in range(count[0])
            ]
            for image in x
        ]
    )
    image = T.dtensor3()
    out = pool_2d(image, size, ignore_border=ignore_border, stride=stride, mode=mode)
    found = theano.function([image], out, mode="FAST_RUN")(x)
    np.testing.assert_allclose(found, expected)
    assert type(found) is np.ndarray


@pytest.mark.parametrize("mode", ["max", "sum", "average_inc_pad"])
def test_pooling_gradient_is_that_of_differences(rng, mode):
    theano.gradient.verify_grad(
        lambda x: pool_2d(x, (2, 2), ignore_border=False, mode=mode),
        [rng.permutation(20.0 * np.arange(20)).reshape(1, 4, 5)],
        mode="FAST_RUN",
        rng=np.random.RandomState(1),
    )


@pytest.mark.parametrize("mode", ["max", "sum", "average_inc_pad"])
def test_padded_pooling_gradient_is_that_of_differences(rng, mode):
    def pooled(x):
        return pool_2d(x, (3, 2), True, stride=(2, 1), pad=(1, 1), mode=mode)

    value = 1 + rng.permutation(20.0 * np.arange(30)).reshape(1, 5, 6)
    options = {"mode": "FAST_RUN", "rng": np.random.RandomState(1)}
    theano.gradient.verify_grad(pooled, [value], **options)
    # And its gradient, that of a sum of squares.
    theano.gradient.verify_grad(
        lambda x: T.grad(T.sqr(pooled(x)).sum(), x), [value / 100], **options
    )


def test_padded_pooling_gradients_are_plain_arrays(rng):
    """Operations that follow, and users, expect no type of array but NumPy's."""
    x, v = T.dtensor3s("x", "v")
    layer = lasagne.layers.InputLayer((None, 3, 9), x)
    layer = lasagne.layers.MaxPool1DLayer(layer, 3, stride=2, pad=1)
    out = lasagne.layers.get_output(layer)
    outputs = [T.grad(out.sum(), x), T.Rop(out, x, v)]
    f = theano.function([x, v], outputs, mode="FAST_RUN")
    value, moves = rng.rand(2, 3, 9), rng.rand(2, 3, 9)
    gradient, moved = f(value, moves)
    assert type(gradient) is type(moved) is np.ndarray
    expected, positions = np.zeros((2, 3, 9)), range(0, 9, 2)
    for n, c in np.ndindex(2, 3):
        for k, i in enumerate(positions):
            start = max(i - 1, 0)
            best = start + value[n, c, start : i + 2].argmax()
            expected[n, c, best] += 1
            assert moved[n, c, k] == moves[n, c, best]
    np.testing.assert_array_equal(gradient, expected)


def test_the_second_gradient_of_pooling_starts_from_nothing(rng):
    x, g = T.dtensor3s("x", "g")
    gradient = T.grad(None, x, known_grads={pool_2d(x, (2, 2), True): g})
    total = T.grad(T.sqr(gradient).sum(), g).sum()
    # Which leaves to an operation the array that it returned before.
    f = theano.function([x, g], total, mode=Mode("vm_nogc", "fast_run"))
    values = rng.rand(1, 4, 4), rng.rand(1, 2, 2)
    for _ in range(2):
        np.testing.assert_allclose(f(*values), 2 * values[1].sum())


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        (1, "int8"),
        (127, "int8"),
        (128, "int16"),
        (-129, "int16"),
        (300, "int16"),
        (40000, "int32"),
        (2**31, "int64"),
        (0.1, "float32"),
        (0.5, "float32"),
        (1e40, "float32"),  # as floatX: Theano has always let it overflow
    ],
)
def test_numbers_get_the_smallest_type(number, dtype):
    with np.errstate(over="ignore"):
        assert T.as_tensor_variable(number).dtype == dtype


def test_floats_keep_their_precision_with_float64():
    with theano.config.change_flags(floatX="float64"):
        assert T.as_tensor_variable(0.1).dtype == "float64"


def test_too_large_a_number_is_an_error():
    with pytest.raises(OverflowError):
        T.as_tensor_variable(2**64)


def test_streams_are_those_of_theanos_own_product():
    """Against the product, modulo, that Theano computes row by row."""
    stream = rng_mrg.MRG_RandomStream(1234)
    rows = stream.get_substream_rstates(40, "float32", inc_rstate=False)

    def jump(row):
        first = rng_mrg.matVecModM(rng_mrg.A1p72, row[:3], rng_mrg.M1)
        second = rng_mrg.matVecModM(rng_mrg.A2p72, row[3:], rng_mrg.M2)
        return np.concatenate([first, second])

    np.testing.assert_array_equal(rows[0], [1234] * 6)
    for row, following in itertools.pairwise(rows.astype("int64")):
        np.testing.assert_array_equal(following, jump(row))
    stream.inc_rstate()
    np.testing.assert_array_equal(
        stream.rstate[:3],
        rng_mrg.matVecModM(rng_mrg.A1p134, rows[0, :3].astype("int64"), rng_mrg.M1),
    )


def test_digests_tell_arrays_apart():
    arrays = [np.arange(6.0), np.ones(6), np.arange(6.0).reshape(2, 3)]
    digests = [theano.printing.hex_digest(array) for array in arrays]
    assert len(set(digests)) == 3
    assert theano.printing.hex_digest(np.ones(6)) == digests[1]


def test_random_numbers_in_python():
    x = rng_mrg.MRG_RandomStreams(7).uniform((500,), nstreams=10)
    draws = theano.function([], x, mode="FAST_COMPILE")
    first, second = draws(), draws()
    assert first.min() > 0
    assert first.max() < 1
    assert abs(first.mean() - 0.5) < 0.06
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_negatives_of_unsigned_numbers_wrap(dtype):
    x = T.TensorType(dtype, [False])()
    with theano.config.change_flags(on_opt_error="raise"):
        f = theano.function([x], -x, mode="FAST_RUN")
    value = np.array([0, 1, 3], dtype)
    np.testing.assert_array_equal(f(value), -value)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint32", "uint64", "int32"])
def test_casts_of_what_does_not_fit_wrap(mode, dtype):
    i, x = T.lvector(), T.dvector()
    f = theano.function([i, x], [T.cast(v, dtype) for v in (i, x)], mode=mode)
    values = np.array([-1, 300, -300, 5, 0, 2**20])
    for found in f(values, values + 0.25 * np.sign(values)):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, values.astype(dtype))


def test_casts_of_what_is_no_number_warn():
    x = T.dvector()
    f = theano.function([x], T.cast(x, "int32"), mode="FAST_RUN")
    with pytest.warns(RuntimeWarning, match="invalid value"):
        found = f(np.array([np.nan, np.inf, -np.inf, 1e300, 2.5]))
    assert found.dtype == "int32"
    assert found[4] == 2


@pytest.mark.parametrize("mode", [*MODES, "xla"])
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "float32"])
def test_running_sums_have_the_dtype_they_declare(mode, dtype):
    x = T.TensorType(dtype, [False])()
    outputs = [T.cumsum(x), T.cumprod(x), T.cumsum(x, axis=0)]
    value = np.array([100, 100, 3, 0, 1]).astype(dtype)
    sums, products, along = theano.function([x], outputs, mode=mode)(value)
    assert {str(v.dtype) for v in (sums, products, along, *outputs)} == {dtype}
    exact = value.astype("int64")
    np.testing.assert_array_equal(sums, np.cumsum(exact).astype(dtype))
    np.testing.assert_array_equal(products, np.cumprod(exact).astype(dtype))
    np.testing.assert_array_equal(along, sums)


@pytest.mark.parametrize("offset", [-30, -2, 0, 3])
@pytest.mark.parametrize("mode", MODES)
def test_diagonals_of_many_columns(rng, mode, offset):
    x, values = T.dmatrix(), rng.randn(40, 45)
    filled = T.extra_ops.fill_diagonal_offset(x, 7.0, offset)
    expected = np.where(np.eye(40, 45, offset) > 0, 7, values)
    np.testing.assert_array_equal(
        theano.function([x], filled, mode=mode)(values), expected
    )
