"""How Theano builds, compiles and evaluates graphs, loops among them."""

import io
import sys
import threading

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.compile.mode import Mode
from theano.graph.opt import GlobalOptimizer
from theano.link.c.exceptions import MissingGXX

from kfkd.stack import theano_compile
from tests.helpers.cases import parametrize

MODES = ("FAST_RUN", "FAST_COMPILE")


@pytest.fixture
def rng():
    return np.random.RandomState(0)


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


def test_a_slow_default_mode_is_warned_of_when_a_program_first_needs_it(monkeypatch):
    modes = sys.modules["theano.compile.mode"]
    monkeypatch.setattr(modes, "get_mode", modes.get_mode)
    x = T.fscalar()
    with theano.config.change_flags(mode="FAST_COMPILE"):
        theano_compile.warn_of_mode(theano, "it is slow")
        theano.function([x], x, mode="FAST_RUN")  # warnings are errors here
        with theano.config.change_flags(mode="xla"):
            theano.function([x], x)
        with pytest.warns(UserWarning, match="^it is slow$") as warned:
            theano.function([x], x)
        theano.function([x], x)
    assert [warning.filename for warning in warned] == [__file__]


class Optimizer(GlobalOptimizer):
    """Signals that the compilation has begun, and waits for another signal."""

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


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "barrier", [theano.gradient.zero_grad, theano.gradient.disconnected_grad]
)
def test_no_gradient_passes_a_barrier(mode, barrier):
    x = T.dvector()
    g = T.grad((x * barrier(x)).sum() + barrier(T.sqr(x)).sum(), x)
    value = np.array([1.0, 2.0, -3.0])  # each gradient that of a constant times x
    np.testing.assert_array_equal(theano.function([x], g, mode=mode)(value), value)


@parametrize("mode", MODES, fast=["FAST_COMPILE"])
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
def test_jacobians(mode):
    x = T.dvector()
    jacobian = theano.gradient.jacobian(x**2 * x[0], x)
    found = theano.function([x], jacobian, mode=mode)(np.array([2.0, 3.0]))
    np.testing.assert_allclose(found, [[12, 0], [9, 12]])


def test_dicts_of_updates_need_no_other_order():
    x = T.vector()
    a, b = (theano.shared(np.ones(2, "float32")) for _ in range(2))
    step = theano.function([x], x.sum(), updates={a: a + x, b: b * 2})
    step([1, 2])
    assert a.get_value().tolist() == [2, 3]
    assert b.get_value().tolist() == [2, 2]
    updates = theano.updates.OrderedUpdates({a: x, b: x})
    updates.update({a: x, b: x})
    assert [*updates] == [a, b]


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
