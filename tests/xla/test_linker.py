import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano import In

from kfkd.xla.thunk import Thunk
from tests.helpers.cases import parametrize, some
from tests.helpers.theano_oracle import PYTHON, Unknown, same


def function(*args, **kwargs):
    return theano.function(*args, mode="xla", **kwargs)


def vector(*values):
    return theano.shared(np.array(values, "float64"))


def values(*variables):
    return [v.get_value().tolist() for v in variables]


def test_two_variables_may_be_swapped():
    a, b = vector(1, 2), vector(3, 4)
    f = function([], a + b, updates=[(a, b), (b, a)])
    for _ in range(3):
        assert f().tolist() == [4, 6]
    assert values(a, b) == [[3, 4], [1, 2]]


def test_two_variables_may_get_the_same_value():
    a, b, c = vector(1), vector(2), vector(3)
    new = a + b
    f = function([], [new, new], updates=[(a, new), (b, new), (c, c)])
    f()
    assert values(a, b, c) == [[3], [3], [3]]
    f()
    g = function([], [], updates=[(a, a * 10)])
    g()
    assert values(a, b, c) == [[60], [6], [3]]


def test_a_variable_may_get_the_value_of_an_input_or_a_constant():
    a, b, x = vector(1), vector(2), T.dvector()
    f = function([x], [], updates=[(a, x), (b, np.array([7.0]))])
    for value in (5, 6):
        array = np.array([float(value)])
        f(array)
        array[:] = 99
        assert values(a, b) == [[value], [7]]


def test_an_update_may_change_the_shape():
    a = vector(1, 2)
    f = function([], a.sum(), updates=[(a, T.concatenate([a, a]))])
    assert [float(f()) for _ in range(3)] == [3, 6, 12]
    assert a.get_value().shape == (16,)


def test_updates_and_outputs_are_of_one_moment():
    a, b = vector(1), vector(10)
    f = function([], [a, b], updates=[(a, a + b), (b, b + a)])
    assert [v.tolist() for v in f()] == [[1], [10]]
    assert [v.tolist() for v in f()] == [[11], [11]]


def test_functions_without_inputs_or_outputs():
    a = vector(1)
    assert function([], [])() == []
    assert function([], None)() == []
    assert function([], [], updates={a: a + 1})() == []
    assert values(a) == [[2]]


def test_outputs_that_are_constants_or_inputs_or_the_same():
    x = T.dvector("x")
    given = np.array([1.0, 2.0])
    f = function([x], [x, T.constant(np.float64(3)), x, x * 2, x * 2])
    first, constant, second, *rest = f(given)
    assert constant == 3.0
    assert constant.dtype == "float64"
    first[:] = 99
    assert second.tolist() == given.tolist() == [1, 2]
    assert [r.tolist() for r in rest] == [[2, 4]] * 2


def test_what_is_no_array():
    place = theano.generic("place")
    x = T.dvector("x")
    with pytest.raises(NotImplementedError, match="place cannot be returned"):
        function([place], place)
    f = function([place, x], x * 2, on_unused_input="ignore")
    assert f(("a", 1), [1, 2]).tolist() == [2, 4]
    with pytest.raises(TypeError, match="cannot be a list"):
        f(["a", 1], [1, 2])


def test_givens_and_clones():
    x, y, s = T.dvector("x"), T.dvector("y"), vector(1, 2)
    assert function([], x + 1, givens={x: s})().tolist() == [2, 3]
    assert function([y], x + 1, givens={x: y * 2})([1, 2]).tolist() == [3, 5]
    cloned = theano.clone((x * s).sum(), replace={x: s, s: x})
    assert function([x], cloned)([3, 4]) == 11
    frozen = theano.clone(s * 2, replace={s: T.constant(np.ones(2))})
    assert function([], frozen)().tolist() == [2, 2]


def test_downcasting_of_inputs():
    x = T.fvector()
    with pytest.raises(TypeError):
        function([x], x)(np.ones(2))
    f = function([x], x * 2, allow_input_downcast=True)
    assert f(np.ones(2)).dtype == "float32"


def test_inputs_with_values_and_updates():
    x, state = T.dscalar("x"), T.dscalar("state")
    f = function([x, In(state, value=10.0, update=state + x)], state * 2)
    assert [float(f(1.0)), float(f(2.0)), float(f(0.0))] == [20, 22, 26]
    g = function([x, In(state, value=3.0, name="s")], x + state)
    assert (float(g(1.0)), float(g(1.0, s=5.0)), float(g(1.0))) == (4, 6, 4)


def test_named_outputs_and_calls_by_name():
    x, y = T.dscalar("x"), T.dscalar("y")
    f = function([x, y], {"sum": x + y, "difference": x - y})
    assert f(y=1.0, x=3.0) == {"sum": 4, "difference": 2}


def test_batches_of_varying_size():
    x, w = T.fmatrix(), theano.shared(np.ones((3, 2), "float32"))
    f = function(
        [x], T.dot(x, w).sum(), updates=[(w, w + T.cast(x.shape[0], "float32"))]
    )
    assert [float(f(np.ones((n, 3), "float32"))) for n in (4, 4, 1, 4)] == [
        24,
        120,
        54,
        240,
    ]


def test_a_copy_shares_or_does_not():
    x, s = T.dscalar("x"), theano.shared(np.float64(1))
    f = function([x], s * x, updates=[(s, s + 1)])
    shared, swapped = (
        f.copy(share_memory=True),
        f.copy(swap={s: theano.shared(np.float64(5))}),
    )
    order = (f, shared, f, swapped, swapped, shared)
    assert [float(np.squeeze(g(1.0))) for g in order] == [1, 2, 3, 5, 6, 4]
    still = f.copy(delete_updates=True)
    assert [float(np.squeeze(g(1.0))) for g in (still, still, f)] == [5, 5, 5]


def test_freeing_a_function_leaves_it_working():
    s = vector(1, 2)
    f = function([], s * 2, updates=[(s, s + 1)])
    f()
    f.free()
    assert f().tolist() == [4, 6]


def test_large_constants():
    large = np.random.default_rng(0).random((100, 100))
    x = T.dmatrix()
    f = function([x], T.dot(x, T.constant(large)))
    np.testing.assert_allclose(f(np.eye(100)), large)


def test_the_graph_is_computed_in_its_own_precision():
    x = T.dscalar("x")
    assert function([x], x + 1e-12)(1.0) == 1.0 + 1e-12
    i = T.lscalar("i")
    assert function([i], i * 3)(2**60) == 3 * 2**60


def test_a_failed_call_leaves_everything_as_it_was():
    x, s = T.dvector("x"), vector(1, 2)
    f = function([x], s + x, updates=[(s, s + x)])
    f([1, 1])
    with pytest.raises(ValueError, match=r"(?s)mismatch.*Elemwise.*test_linker.py"):
        f([1, 1, 1])
    assert values(s) == [[2, 3]]
    assert f([1, 1]).tolist() == [3, 4]


def test_the_mode_as_the_configured_default():
    x = T.dscalar()
    with theano.config.change_flags(mode="xla"):
        assert "Thunk" in type(theano.function([x], x).fn).__name__


@pytest.mark.process
@parametrize(
    "flags",
    some(["mode=xla", "floatX=float64,mode=xla", ""], "floatX=float64,mode=xla", ""),
    fast=["floatX=float64,mode=xla"],
)
def test_the_mode_in_the_environment(flags):
    code = (
        "import kfkd, theano; x = theano.tensor.scalar();"
        "f = theano.function([x], x + 1); print(type(f.fn).__module__, f(1).dtype)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**__import__("os").environ, "THEANO_FLAGS": flags},
        capture_output=True,
        text=True,
        check=False,
    )
    dtype = "float64" if "float64" in flags else "float32"
    assert done.stdout.split() == ["kfkd.xla.thunk", dtype], done.stderr


def test_what_has_no_conversion_is_named_with_its_line():
    x = T.dmatrix("x")
    y = Unknown()(x)
    with pytest.raises(NotImplementedError) as caught:
        function([x], y)
    message = str(caught.value)
    assert "Unknown has no conversion" in message
    assert re.search(r"test_linker\.py.*\n.*Unknown\(\)\(x\)", message)
    assert "FAST_RUN" in message


def test_each_node_is_computed_once_and_graphs_may_be_shared():
    x = T.dvector()
    y = T.exp(x)
    outputs = [y, y + 1, T.exp(x) * 2]
    value = np.array([0.5, -1.0])
    for a, d in zip(
        function([x], outputs)(value),
        theano.function([x], outputs, mode=PYTHON)(value),
        strict=True,
    ):
        same(a, d)


def test_a_clone_of_an_updated_variable_has_its_value():
    a = vector(1)
    twin = a.clone()
    assert twin.container is a.container
    f = function([], twin * 2, updates=[(a, a + 1)])
    assert [f().tolist() for _ in range(3)] == [[2], [4], [6]]
    assert values(a, twin) == [[4], [4]]


def test_clones_are_updated_one_after_the_other():
    """As the averages of a net that is applied twice: the last value stays.

    So it was with Theano's C linker; in Python, it keeps the first.
    """
    a, x = vector(1), T.dscalar()
    outputs = []
    for factor in (2, 3):
        twin = theano.clone(a, share_inputs=False)
        twin.default_update = twin + factor * x
        outputs.append(twin)
    f = function([x], sum(outputs))
    assert [f(1).tolist(), f(2).tolist()] == [[2], [8]]
    assert values(a) == [[10]]


def test_printing_happens_at_each_call_in_the_precision_of_the_graph(capsys):
    x, show = T.dscalar("x"), theano.printing.Print
    i = T.lscalar("i")
    f = function([x, i], show("here", attrs=["dtype", "__str__"])(x) * show("i")(i))
    for value in (0.5, np.pi):
        f(value, 2**40)
        printed = capsys.readouterr().out.splitlines()
        assert sorted(printed) == [
            f"here __str__ = {value!r}",
            "here dtype = float64",
            "i __str__ = 1099511627776",
        ]


def test_ctrl_c_loses_no_variable(monkeypatch):
    a = vector(1)
    f = function([], [], updates=[(a, a + 1)])
    run = Thunk._run

    def interrupted(self):
        result = run(self)
        signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(Thunk, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        f()
    assert values(a) == [[2]]
