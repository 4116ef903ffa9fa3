"""Functions that several threads call, and variables that several of them read."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import theano
import theano.tensor as T


@pytest.fixture(autouse=True)
def hurried():
    """Let threads take turns much more often than they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


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


def test_no_update_is_lost():
    w = theano.shared(np.zeros(3))
    update = theano.function([], w.sum(), updates=[(w, w + 1)], mode="xla")
    returned = in_threads(lambda k: [float(update()) for _ in range(100)], 4)
    assert sorted(np.concatenate(returned)) == [3.0 * i for i in range(400)]
    assert w.get_value().tolist() == [400] * 3
