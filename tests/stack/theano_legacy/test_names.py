"""Names of Theano 0.6 to 1.0: what they compute, and the settings of the time."""

import io
import pickle
import warnings

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox import cuda

from kfkd import xla
from kfkd.stack import device_request
from kfkd.stack.settings import get_settings


def values(seed, shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def correlate(x, W):
    """Correlate images and filters by the definition."""
    rows, columns = W.shape[2:]
    windows = np.lib.stride_tricks.sliding_window_view(x, (rows, columns), (2, 3))
    return np.einsum("nchwij,fcij->nfhw", windows, W)


def test_operations_of_the_gpu_back_ends():
    x, W = T.ftensor4(), T.ftensor4()
    dnn = cuda.dnn
    outputs = [
        dnn.dnn_conv(cuda.basic_ops.gpu_contiguous(x), W, conv_mode="cross"),
        dnn.dnn_conv(x, W, "valid", (2, 1)),
        cuda.blas.GpuCorrMM(subsample=(1, 2), border_mode=(1, 1))(x, W),
        theano.gpuarray.dnn.dnn_pool(x, (2, 2), (1, 1), "average"),
        dnn.dnn_pool(x, (2, 2)),
    ]
    images, filters = values(0, (2, 3, 6, 5)), values(1, (4, 3, 3, 2))
    found = theano.function([x, W], outputs)(images, filters)
    flipped = filters[:, :, ::-1, ::-1]
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    pairs = np.lib.stride_tricks.sliding_window_view(images, (2, 2), (2, 3))
    expected = [
        correlate(images, filters),
        correlate(images, flipped)[:, :, ::2],
        correlate(padded, filters)[..., ::2],
        pairs.mean((-1, -2)),
        pairs.max((-1, -2)),
    ]
    for actual, desired in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="'conv' or 'cross', not 'both'"):
        dnn.dnn_conv(x, W, conv_mode="both")


def test_use_chooses_the_device(monkeypatch):
    monkeypatch.delenv("KFKD_DEVICE", raising=False)
    monkeypatch.setattr(device_request, "_requested", None)
    try:
        cuda.use("cpu")
        assert xla.get_device().platform == "cpu"
        with pytest.raises(xla.DeviceError, match="cuda:97"):
            cuda.use("gpu97")
        with pytest.raises(ValueError, match="not 'opencl0:0'"):
            theano.gpuarray.use("opencl0:0")
        monkeypatch.setenv("KFKD_DEVICE", "cpu")  # which counts above the program
        cuda.use("gpu97")
        assert xla.get_device().platform == "cpu"
    finally:
        device_request.put(None)


class Doubled(theano.gof.Op):
    """As tutorials had it."""

    __props__ = ()

    def make_node(self, x):
        x = theano.tensor.as_tensor_variable(x)
        return theano.gof.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        (x,), (z,) = inputs, output_storage
        z[0] = x * 2

    def grad(self, inputs, output_grads):
        return [output_grads[0] * 2]


def test_operations_and_rewrites_of_users():
    @theano.gof.local_optimizer([Doubled])
    def local_double(node):
        if isinstance(node.op, Doubled):
            return [node.inputs[0] + node.inputs[0]]

    @theano.gof.opt.local_optimizer([Doubled])
    def local_double_of_now(fgraph, node):
        return local_double.transform(fgraph, node)

    x = T.fvector()
    y = Doubled()(x)
    assert theano.function([x], y, mode="FAST_RUN")([1, 2]).tolist() == [2, 4]
    with pytest.raises(NotImplementedError, match="Doubled has no conversion"):
        theano.function([x], y, mode="xla")
    for rewrite in (local_double, local_double_of_now):
        graph = theano.gof.FunctionGraph([x], [y], clone=True)
        theano.gof.opt.TopoOptimizer(rewrite).optimize(graph)
        assert not any(isinstance(n.op, Doubled) for n in graph.apply_nodes)
    z = y + T.fscalar()
    assert isinstance(theano.gof.graph.inputs([z]), list)
    assert len(theano.gof.graph.ops([x], [y])) == 1


class Repeated(Doubled):
    def infer_shape(self, node, shapes):
        return [shapes[0]]


class RepeatedAsNow(Doubled):
    def infer_shape(self, fgraph, node, shapes):
        return [shapes[0]]


@theano.as_op(T.fvector, T.fvector, infer_shape=lambda node, shapes: shapes)
def repeated(x):
    return x * 2


def test_shapes_that_operations_of_users_infer():
    x = T.fvector()
    for op in (Repeated(), RepeatedAsNow(), repeated):
        # The operation itself, which mode "xla" does not know, is not needed.
        f = theano.function([x], op(x).shape[0], mode="xla")
        assert f([1, 2, 3]) == 3


def test_test_values_by_their_former_names():
    from theano.gof.op import debug_assert, debug_error_message, get_debug_values
    from theano.graph.utils import TestValueError

    with theano.config.change_flags(compute_test_value="raise"):
        x = T.vector()
        x.tag.test_value = np.float32([1, 2])
        (value,) = get_debug_values(x)
        assert value.tolist() == [1, 2]
        debug_assert(True)
        with pytest.raises(AssertionError, match=r"^why$"):
            debug_assert(False, "why")
        with pytest.raises(TestValueError, match="why"):
            debug_error_message("why")
    flags = theano.config.change_flags(compute_test_value="warn")
    with flags, pytest.warns(UserWarning, match=r"^why$"):
        debug_assert(False, "why")


def test_pickled_settings():
    restored = pickle.loads(pickle.dumps(theano.config))
    for name in ("mode", "linker", "device", "compiledir"):
        assert getattr(restored, name) == getattr(theano.config, name)


def test_moved_names():
    from theano.compat import OrderedDict, izip
    from theano.compat.six.moves import cPickle
    from theano.compile.function_module import Function
    from theano.compile.pfunc import pfunc  # noqa: F401
    from theano.scan_module import scan, until  # noqa: F401
    from theano.tests import unittest_tools

    assert issubclass(OrderedDict, dict)
    assert list(izip([1], [2])) == [(1, 2)]
    assert cPickle is pickle
    from theano.compat import six

    assert isinstance(six.next(iter([1])), int)
    with pytest.raises(KeyError, match="why"):
        six.reraise(KeyError, KeyError("why"))
    assert issubclass(six.Iterator, object)
    x = T.fvector()
    f = theano.function([x], T.to_one_hot(T.cast(x, "int32"), 3))
    assert isinstance(f, Function)
    assert f([2, 0]).tolist() == [[0, 0, 1], [1, 0, 0]]
    unittest_tools.verify_grad(T.exp, [np.ones(3)], mode="FAST_RUN")
    assert T.flatten(T.zeros((2, 3, 4)), outdim=2).eval().shape == (2, 12)
    assert T.flatten(T.zeros((2, 3, 4))).eval().shape == (24,)
    pooled = theano.tensor.signal.downsample.DownsampleFactorMax((2, 2))(
        T.as_tensor(values(0, (1, 1, 3, 3)))
    )
    assert pooled.eval().shape == (1, 1, 2, 2)


def test_pickles_of_python_2():
    text = b"S'\\xe9'\n."
    assert theano.misc.pkl_utils.CompatUnpickler(io.BytesIO(text)).load() == "é"


def test_settings_in_sections():
    config = theano.config
    before = config.scan__allow_gc
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        config.scan.allow_gc = not before
        assert config.scan__allow_gc is config.scan.allow_gc is not before
        config.scan.allow_gc = before
        config.lib.cnmem = 0.8
        config.nvcc.fastmath = True
        config.dnn.conv.algo_bwd_filter = "deterministic"
    with pytest.raises(AttributeError, match=r"no setting scan\.nothing"):
        config.scan.nothing = 1
    with pytest.raises(AttributeError, match=r"lib\.cnmem: Theano's own GPU back end"):
        config.lib.cnmem  # noqa: B018
    with pytest.raises(RuntimeError, match="start it with THEANO_FLAGS=device=gpu0"):
        config.device = "gpu0"
    config.device = "cpu"
    with config.change_flags(linker="cvm"):
        assert config.linker == "vm"


GONE = ("lib", "dnn", "nvcc")


def test_flags_with_dots_and_of_gpu_back_ends(monkeypatch):
    flags = "lib.cnmem=1,dnn.enabled=True,nvcc.fastmath=True,scan.allow_gc=True"
    monkeypatch.setenv("THEANO_FLAGS", f"{flags},init_gpu_device=gpu0,device=gpu2")
    monkeypatch.setenv("THEANORC", "")
    flags, _, device = get_settings()
    assert {"scan__allow_gc=True", "init_gpu_device="} <= set(flags.split(","))
    assert not [flag for flag in flags.split(",") if flag.startswith(GONE)]
    assert device == "cuda:2"


def test_monitors_are_called_with_the_graph_or_without():
    seen = []
    x = T.dscalar()
    for monitor in (
        lambda i, node, fn: seen.append((i, node.op, fn.outputs[0][0])),
        lambda fgraph, i, node, fn: seen.append((i, node.op, fn.outputs[0][0])),
    ):
        mode = theano.compile.MonitorMode(pre_func=monitor, post_func=monitor)
        f = theano.function([x], 5 * x, mode=mode)
        assert f(3) == 15
    (i, op, before), (j, again, after) = seen[:2]
    assert (i, before, j, after) == (0, None, 0, 15)
    assert op == again == f.maker.fgraph.outputs[0].owner.op
    assert seen[2:] == seen[:2]


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
