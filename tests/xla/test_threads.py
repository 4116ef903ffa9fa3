"""Functions that several threads call, and variables that several of them read."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest
import theano
import theano.tensor as T

from kfkd import xla
from kfkd.xla.thunk import nonblocking


@pytest.fixture(autouse=True)
def hurried():
    """Let threads take turns much more often than they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def python_ops():
    xla.allow_python_ops()
    yield
    xla.allow_python_ops(None)


def in_threads(function, n):
    """Call a function with 0 to n - 1, each in its thread; return the results."""
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(function, range(n)))


def test_each_thread_checks_its_own_program():
    v = T.ivector()

    def call(k):
        w = theano.shared(np.arange(5.0))
        f = theano.function([v], [w[v] * k, T.exp(w[v]).sum()], mode="xla")
        with pytest.raises(IndexError):
            f(np.array([7, 9], "int32"))
        return f(np.array([4], "int32"))[0].tolist()

    for _ in range(3):
        assert in_threads(call, 6) == [[4.0 * k] for k in range(6)]


def test_values_are_read_while_another_thread_updates_them():
    w = theano.shared(np.zeros((50, 50)))
    update = theano.function([], updates=[(w, w + 1)], mode="xla")
    ends = theano.function([], T.stack([w[0, 0], w[-1, -1]]), mode="xla")

    def call(k):
        if k == 0:
            return [update() for _ in range(300)]
        read = w.get_value if k == 1 else ends
        return [read().ravel()[[0, -1]].tolist() for _ in range(300)]

    _, *reads = in_threads(call, 3)
    for pairs in reads:
        assert all(first == last for first, last in pairs)
        assert pairs == sorted(pairs)
    assert w.get_value()[0, 0] == 300


def test_what_is_read_is_not_taken_away(capfd):
    w = theano.shared(np.zeros(50))
    update = theano.function([], updates=[(w, w + 1)], mode="xla")
    reads = [theano.function([], w.sum() * k, mode="xla") for k in range(3)]

    def call(k):
        for _ in range(500):
            (reads[k] if k < 3 else update)()

    in_threads(call, 4)
    jax.effects_barrier()
    assert "deleted or donated" not in capfd.readouterr().err  # XLA's own message


def test_no_update_is_lost():
    w = theano.shared(np.zeros(3))
    update = theano.function([], w.sum(), updates=[(w, w + 1)], mode="xla")
    returned = in_threads(lambda k: [float(update()) for _ in range(100)], 4)
    assert sorted(np.concatenate(returned)) == [3.0 * i for i in range(400)]
    assert w.get_value().tolist() == [400] * 3


@pytest.mark.parametrize("mode", ["xla", "FAST_RUN"])
def test_a_call_returns_the_results_of_its_own_arguments(mode):
    x, k = T.dvector(), T.dscalar()
    w = theano.shared(2.0)
    f = theano.function([x, theano.In(k, value=1.0)], [x * w, x.sum() + k], mode=mode)

    def call(seed):
        random = np.random.RandomState(seed)
        for _ in range(100):
            given = random.rand(random.randint(1, 9)), random.rand()
            double, total = f(*given)
            np.testing.assert_allclose(double, 2 * given[0])
            np.testing.assert_allclose(total, given[0].sum() + given[1])
            with pytest.raises(TypeError, match="Missing required input"):
                f()
            np.testing.assert_allclose(f(given[0])[1], given[0].sum() + 1)

    in_threads(call, 5)


class Waits(theano.graph.op.Op):
    """The identity, as soon as the event is set."""

    __props__ = ()
    begun, event = threading.Event(), threading.Event()

    def make_node(self, x):
        return theano.graph.basic.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        self.begun.set()
        assert self.event.wait(300)
        outputs[0][0] = inputs[0].copy()

    def infer_shape(self, fgraph, node, shapes):
        return shapes


@pytest.mark.parametrize("updates", [False, True])
def test_a_function_does_not_wait_for_another(updates, python_ops):
    x = T.dvector()
    w, other = theano.shared(np.ones(3)), theano.shared(np.ones(3))
    read, updates = (other, [(other, other + 1)]) if updates else (w, [])
    slow = theano.function([x], Waits()(x) + read, updates=updates, mode="xla")
    quick = theano.function([x], x + w, mode="xla")
    Waits.begun.clear()
    Waits.event.clear()
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(slow, np.zeros(3))
        try:
            assert Waits.begun.wait(120)
            found = pool.submit(quick, np.zeros(3)).result(120)
        finally:
            Waits.event.set()
        assert found.tolist() == [1, 1, 1]
        assert waiting.result(120).tolist() == [1, 1, 1]


def test_a_thread_that_does_not_wait_leaves_others_alone():
    x = T.dvector()
    f = theano.function([x], x + 1, mode="xla")
    with nonblocking(f):
        (kind,) = in_threads(lambda _: type(f(np.zeros(2))), 1)
        assert kind is np.ndarray
        assert isinstance(f(np.zeros(2)), jax.Array)
