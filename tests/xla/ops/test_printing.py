import pdb
import sys
import threading
import time

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.breakpoint import PdbBreakpoint
from theano.printing import Print

from kfkd.xla import allow_python_ops


@pytest.fixture
def stops(monkeypatch):
    """The values that a breakpoint shows; the debugger sets the first to zero."""
    seen = []

    def debug():
        monitored = sys._getframe(1).f_locals["monitored"]
        seen.append([m.tolist() for m in monitored])
        monitored[0] = np.zeros_like(monitored[0])

    monkeypatch.setattr(pdb, "set_trace", debug)
    for other in ("pudb", "ipdb"):
        monkeypatch.setitem(sys.modules, other, None)
    return seen


def test_breakpoints(stops, capsys):
    x, y = T.dvector("x"), T.lscalar("y")
    a, b = PdbBreakpoint("too high")(T.gt(x.sum(), 2), x, y)
    f = theano.function([x, y], [a * 2, b, T.grad(a.sum(), x)], mode="xla")
    given = [[v.tolist() for v in f(v, 5)] for v in ([1.0, 1.0], [3.0, 1.0])]
    assert given == [[[2, 2], 5, [1, 1]], [[0, 0], 5, [1, 1]]]
    assert stops == [[[3, 1], 5]]
    assert "too high" in capsys.readouterr().out


def calls_of_print(mode, looks):
    """Return what a function returns and leaves behind, and what `Print` was shown."""
    w = theano.shared(np.float32(1), name="w")
    others = {
        "a value": w.get_value,
        "a function": theano.function([], w * 2, mode=mode),
        "an update": theano.function([], w, updates=[(w, w + 10)], mode=mode),
    }
    seen = []

    def show(op, value):
        seen.append((float(value), float(others[looks]())))

    x = T.fscalar("x")
    y = Print("y", global_fn=show)(x) + 1
    f = theano.function([x], y, updates=[(w, w + y)], mode=mode)
    found = [(float(f(value)), float(w.get_value())) for value in (2, 3)]
    return found, seen


@pytest.mark.parametrize("looks", ["a value", "a function", "an update"])
def test_print_may_use_what_the_function_updates(looks):
    found, seen = calls_of_print("xla", looks)
    if looks == "an update":  # which this function's own update replaces
        assert (found, seen) == ([(3, 4), (4, 8)], [(2, 1), (3, 4)])
    else:
        assert (found, seen) == calls_of_print("FAST_COMPILE", looks)


@pytest.fixture
def python_ops():
    allow_python_ops(True)
    yield
    allow_python_ops(None)


def test_an_operation_in_python_may_read_what_the_function_updates(python_ops):
    w = theano.shared(np.float64(1))

    @theano.compile.ops.as_op([T.dscalar], [T.dscalar])
    def plus_w(x):
        return np.asarray(x + w.get_value())

    x = T.dscalar("x")
    f = theano.function([x], plus_w(x), updates=[(w, w * 2)], mode="xla")
    assert [float(f(1)), float(f(1)), float(w.get_value())] == [2, 3, 4]


@pytest.mark.parametrize("error", [ValueError, StopIteration, KeyboardInterrupt])
@pytest.mark.parametrize("mode", ["xla", "FAST_COMPILE"])
def test_errors_of_print_are_raised(mode, error, capfd):
    def show(op, value):
        if value > 1:
            raise error("too much")

    x, w = T.fscalar("x"), theano.shared(np.float32(1))
    y = Print("y", global_fn=show)(x)
    f = theano.function([x], y, updates=[(w, w + y)], mode=mode)
    with pytest.raises(error, match="too much"):
        f(2)
    assert float(w.get_value()) == 1
    assert float(f(1)) == 1
    assert float(w.get_value()) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_print_of_what_is_missing_is_an_error():
    x = T.fvector("x")
    f = theano.function([x], Print("x", attrs=["missing"])(x), mode="xla")
    with pytest.raises(AttributeError, match="missing"):
        f([1])


def test_print_without_a_function_leaves_updates_atomic():
    w, x = theano.shared(np.float64(0)), T.dscalar("x")
    functions = [
        theano.function([x], [], updates=[(w, w + Print("x")(x))], mode="xla")
        for _ in range(4)
    ]

    def call(f):
        for _ in range(50):
            f(1)

    threads = [threading.Thread(target=call, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert w.get_value() == 200


def test_errors_of_operations_in_python_are_those_of_the_call(python_ops):
    """Threads that call functions of their own get their own errors."""

    def failing(i):
        @theano.compile.ops.as_op([T.dscalar], [T.dscalar])
        def fails(x):
            time.sleep(0.01)
            raise ValueError(f"{i} of {x}")

        x = T.dscalar("x")
        return theano.function([x], fails(x), mode="xla")

    functions = [failing(i) for i in range(4)]
    causes = {}

    def call(i):
        for k in range(10):
            try:
                functions[i](k)
            except RuntimeError as error:
                causes[i, k] = str(error.__cause__)

    threads = [threading.Thread(target=call, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert causes == {(i, k): f"{i} of {k}.0" for i in range(4) for k in range(10)}
