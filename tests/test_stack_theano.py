"""Theano's own evaluation, in Python, on which other tests rely as their oracle."""

import io
import itertools
import threading

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile.mode import Mode
from theano.graph.opt import GlobalOptimizer
from theano.link.c.exceptions import MissingGXX
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


def test_old_names():
    from theano.tensor.signal import downsample

    x = T.ftensor4()
    pooled = downsample.max_pool_2d(x, ds=(2, 2), ignore_border=True)
    image = np.arange(16, dtype="f").reshape(1, 1, 4, 4)
    found = pooled.eval({x: image})
    np.testing.assert_array_equal(found[0, 0], [[5, 7], [13, 15]])
    assert issubclass(T.TensorVariable, theano.gof.Variable)


def test_names_from_before_theano_pymc_1_1():
    from theano.gof.graph import inputs, ops
    from theano.gof.opt import Optimizer
    from theano.gof.utils import MethodNotDefined

    x, y = T.vectors("xy")
    z = T.exp(x + y) * 2
    assert set(inputs([z])) - {z.owner.inputs[1]} >= {x, y}
    assert {node.op for node in ops([x, y], [z])} >= {T.add, T.exp, T.mul}
    assert theano.gof.graph.is_same_graph(T.exp(x + y) * 2, z)
    assert issubclass(MethodNotDefined, Exception)
    assert issubclass(theano.gof.TopoOptimizer, Optimizer)
    assert isinstance(theano.gof.FunctionGraph([x, y], [z]), theano.FunctionGraph)
    assert issubclass(theano.scan_module.scan_op.Scan, theano.Op)
    with pytest.raises(AttributeError, match=r"theano\.gof\.graph.*'absent'"):
        theano.gof.graph.absent  # noqa: B018


def test_the_default_mode_follows_the_setting():
    x = T.fscalar()
    linkers = []
    for name in ("FAST_RUN", "xla", "FAST_COMPILE", "xla"):
        with theano.config.change_flags(mode=name):
            function = theano.function([x], x + 1)
        linkers.append(type(function.maker.linker).__name__)
        assert function(2) == 3
    assert linkers == ["VMLinker", "XLALinker", "VMLinker", "XLALinker"]
    with (
        pytest.raises(ValueError, match="xlaa"),
        theano.config.change_flags(mode="xlaa"),
    ):
        pass


class Optimizer(GlobalOptimizer):
    """Tells that the compilation has begun, and waits for another to go on."""

    def __init__(self, begun, awaited):
        self.begun, self.awaited = begun, awaited

    def apply(self, fgraph):
        self.begun.set()
        self.awaited.wait(1)


def test_threads_leave_the_settings_as_they_are():
    first, second, done = threading.Event(), threading.Event(), threading.Event()

    def compile(begun, awaited):
        x = T.fscalar()
        theano.function([x], x, mode=Mode("py", Optimizer(begun, awaited)))

    before = theano.config.traceback__limit
    one = threading.Thread(target=compile, args=(first, second))
    another = threading.Thread(target=compile, args=(second, done))
    one.start()
    first.wait()
    another.start()
    one.join()
    done.set()
    another.join()
    assert theano.config.traceback__limit == before > 0


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_negatives_of_unsigned_numbers_wrap(dtype):
    x = T.TensorType(dtype, [False])()
    with theano.config.change_flags(on_opt_error="raise"):
        f = theano.function([x], -x, mode="FAST_RUN")
    value = np.array([0, 1, 3], dtype)
    np.testing.assert_array_equal(f(value), -value)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "barrier", [theano.gradient.zero_grad, theano.gradient.disconnected_grad]
)
def test_no_gradient_passes_a_barrier(mode, barrier):
    x = T.dvector()
    g = T.grad((x * barrier(x)).sum() + barrier(T.sqr(x)).sum(), x)
    value = np.array([1.0, 2.0, -3.0])  # each gradient that of a constant times x
    np.testing.assert_array_equal(theano.function([x], g, mode=mode)(value), value)


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


@pytest.mark.parametrize("mode", MODES)
def test_loops_are_those_of_the_definition(mode):
    x, steps = T.dvector(), T.iscalar()
    start = T.constant(1.0, dtype="float64")
    made, _ = theano.scan(lambda x, s: s * x, [x], start, n_steps=steps)
    gradient = T.grad(made.sum(), x)
    f = theano.function([x, steps], [made, made[-1], gradient], mode=mode)
    value = np.array([2.0, -3, 0.5, 7])
    for n in (4, 1, 3):
        found, last, slope = f(value, n)
        np.testing.assert_allclose(found, np.cumprod(value[:n]))
        assert last == found[-1]
        expected = np.zeros(4)
        expected[:n] = np.cumsum(found[::-1])[::-1] / value[:n]
        np.testing.assert_allclose(slope, expected)


@pytest.mark.parametrize("mode", MODES)
def test_truncated_gradients_of_products(mode, rng):
    x, w, start = T.dtensor3(), T.dmatrix(), T.dmatrix()
    states, _ = theano.scan(
        lambda x, s, w: T.tanh(T.dot(s, w) + x), x, start, w, truncate_gradient=2
    )
    values = rng.randn(5, 3, 4), rng.randn(4, 4), rng.randn(3, 4)
    gradient = T.grad(states[-1].sum(), w)
    found = theano.function([x, w, start], gradient, mode=mode)(*values)
    (rows, w, s), before = values, []
    for row in rows:
        before.append(s)
        s = np.tanh(s @ w + row)
    last = 1 - s**2
    earlier = (last @ w.T) * (1 - before[-1] ** 2)
    expected = before[-1].T @ last + before[-2].T @ earlier
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("mode", MODES)
def test_jacobians(mode):
    x = T.dvector()
    jacobian = theano.gradient.jacobian(x**2 * x[0], x)
    found = theano.function([x], jacobian, mode=mode)(np.array([2.0, 3.0]))
    np.testing.assert_allclose(found, [[12, 0], [9, 12]])


def test_a_profile_can_be_printed():
    x = T.dvector()
    f = theano.function([x], T.exp(x).sum(), mode="FAST_RUN", profile=True)
    f(np.zeros(3))
    text = io.StringIO()
    f.profile.summary(file=text)
    assert "Time in 1 calls to Function.__call__" in text.getvalue()


@pytest.mark.filterwarnings("ignore:numpy.core is deprecated")
def test_the_linker_of_c_says_that_there_is_no_compiler():
    x = T.dvector()
    with pytest.raises(MissingGXX, match="no C compiler"):
        theano.function([x], x + 1, mode=Mode("c", None))


def test_debug_mode_runs_and_finds_what_is_wrong():
    class Unstable(theano.graph.op.Op):
        __props__ = ()
        count = 0

        def make_node(self, x):
            return theano.graph.basic.Apply(self, [x], [x.type()])

        def perform(self, node, inputs, outputs):
            self.count += 1
            outputs[0][0] = inputs[0] * self.count

    x = T.dvector()
    f = theano.function([x], T.tanh(x), mode="DebugMode")
    np.testing.assert_allclose(f(np.ones(2)), np.tanh(np.ones(2)))
    f = theano.function([x], [Unstable()(x), T.tanh(x)], mode="DebugMode")
    with pytest.raises(theano.compile.debugmode.BadThunkOutput):
        f(np.ones(2))
