"""Rewrites of graphs: the same values, and no graph that grows out of proportion."""

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.graph.basic import graph_inputs

DEPTH = 5
MODES = ("FAST_RUN", "FAST_COMPILE")


def compile_graph(inputs, outputs):
    """Return a function, and how many arguments its nodes have together."""
    function = theano.function(inputs, outputs, mode="FAST_RUN")
    return function, sum(len(node.inputs) for node in function.maker.fgraph.toposort())


@pytest.mark.parametrize("axis", [1, -2, "variable"])
def test_the_shape_of_joins_of_joins(axis):
    x = found = T.tensor3()
    where = T.bscalar() if axis == "variable" else axis
    for _ in range(2 if axis == "variable" else DEPTH):
        found = T.concatenate([found, abs(found), found * found], axis=where)
    inputs = [x, where] if axis == "variable" else [x]
    shape, size = compile_graph(inputs, found.shape)
    expected = np.array([2, 3, 4])
    expected[1] *= 9 if axis == "variable" else 3**DEPTH
    found = shape(np.zeros((2, 3, 4), "float32"), *[1] * (axis == "variable"))
    np.testing.assert_array_equal(found, expected)
    assert size < 20 * DEPTH  # not 3**DEPTH


STEPS = {
    "sum": lambda a, b: (a + a + a + b, b),
    "of another rank": lambda a, b: (a[None, :][0] + a + a + b, b),
    "product": lambda a, b: (a * b * a, b),
    "difference": lambda a, b: (a - b, a - (b - a)),
    "negative": lambda a, b: (-(a + b), -a - b),
    "quotient": lambda a, b: (a / b, b / a),
}


@pytest.mark.parametrize("step", STEPS)
def test_expressions_of_themselves(step):
    inputs = a, b = T.dvectors(2)
    for _ in range(DEPTH):
        a, b = STEPS[step](a, b)
    function, size = compile_graph(inputs, [a, b])
    values = np.array([1.01, 0.99]), np.array([1.02, 0.98])
    found = function(*values)
    expected = theano.function(inputs, [a, b], mode=theano.Mode("py", None))(*values)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    if step in ("sum", "of another rank", "product"):  # the others become small
        assert size < 8 * DEPTH


def test_axes_that_are_added_to_sums():
    a, x = T.dscalar(), T.dvector()
    total = (a + 1).dimshuffle() + 2 + (x + 1)[None, :] + (x + a)[:, None]
    f, _ = compile_graph([a, x], total)
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(f(3, x), 6 + (x + 1) + (x + 3)[:, None])


def test_sums_that_are_deeper_than_the_stack():
    x, y = T.dvectors(2)
    total = x
    for _ in range(2000):
        total = total + y
    added, taken = T.opt.local_add_canonizer.get_num_denum(total)
    assert added == [x, *[y] * 2000]
    assert taken == []


def test_small_sums_and_products_are_simplified():
    x, y, z = T.dvectors(3)
    product = x * y
    for whole, simple in (
        (product * product * z / product / y, x * z),
        ((x + y) + (x + y) - (y + x) - x + z, y + z),
    ):
        graphs = []
        for output in (whole, simple):
            inputs = [v for v in (x, y, z) if v in graph_inputs([output])]
            function, _ = compile_graph(inputs, output)
            graphs.append([str(node) for node in function.maker.fgraph.toposort()])
        assert graphs[0] == graphs[1]


@pytest.mark.parametrize("step", [1, 2])
def test_rows_that_are_written_to_as_many_rows(step):
    """Their number is that of the slice, which is asked for by their number."""
    x = T.dmatrix()
    whole = T.set_subtensor(T.zeros((64, 4))[: step * x.shape[0] : step], x)
    f, _ = compile_graph([x], [whole, T.grad((whole**2).sum(), x), x.shape])
    values = np.arange(1.0, 13).reshape(3, 4)
    found, gradient, shape = f(values)
    np.testing.assert_array_equal(found[: 3 * step : step], values)
    assert found.sum() == values.sum()
    np.testing.assert_array_equal(gradient, 2 * values)
    np.testing.assert_array_equal(shape, [3, 4])


def test_products_of_booleans_have_no_reciprocal():
    x, t = T.dmatrix(), T.lvector()
    counted = T.extra_ops.cumsum(T.eq(t, 1)[::-1])[::-1]
    losses = T.log(T.nnet.softmax(x))[T.arange(t.shape[0]), t] * counted
    f, _ = compile_graph([x, t], T.grad(losses.mean(), x))
    values = np.random.default_rng(0).normal(size=(3, 4))
    p = np.exp(values) / np.exp(values).sum(1, keepdims=True)
    expected = (np.eye(4)[[2, 1, 0]] - p) * np.array([[1], [1], [0]]) / 3
    np.testing.assert_allclose(f(values, [2, 1, 0]), expected, rtol=1e-12)
