"""Changes of graphs: Theano's results, at a cost that does not grow with the graph."""

import collections
import functools
import pickle
import random
import sys

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.graph.basic import ancestors, io_toposort
from theano.graph.fg import FunctionGraph
from theano.graph.opt import MergeOptimizer
from theano.scan.op import Scan
from theano.scan.opt import ScanMerge, is_in_ancestors


def count_calls(function):
    """Return how many functions a call calls."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def make_chain(loops, steps=4):
    """Return the graph of loops, each over what the one before has returned."""
    x = rows = T.vector()
    for _ in range(loops):
        rows, _ = theano.scan(lambda row: T.tanh(row), rows, n_steps=steps)
    return FunctionGraph([x], [rows])


def make_terms(count):
    """Return the graph of many sums, which begin and end alike."""
    inputs = T.scalars(count)
    one, two = T.constant(1, dtype="float32"), T.constant(2, dtype="float32")
    return FunctionGraph(inputs, [T.add(one, x, two) for x in inputs], clone=False)


@pytest.mark.parametrize(
    ("make", "change", "sizes"),
    [
        (make_terms, MergeOptimizer().optimize, (50, 200)),
        (make_chain, ScanMerge().apply, (4, 16)),
    ],
    ids=["equal nodes", "loops"],
)
def test_the_cost_grows_with_the_graph_alone(make, change, sizes):
    few, many = (count_calls(functools.partial(change, make(n))) for n in sizes)
    assert many < 1.5 * sizes[1] / sizes[0] * few


def test_shapes_are_not_looked_for_among_the_users_of_a_number():
    calls = []
    for count in (50, 200):
        graph = make_terms(count)
        theano.tensor.opt.ShapeOptimizer().add_requirements(graph)
        node = graph.outputs[0].owner
        new = T.constant(1.5, dtype="float32")
        calls.append(count_calls(functools.partial(graph.change_input, node, 0, new)))
    assert calls[1] < 1.5 * calls[0]


class Compared:
    """What counts how often it was compared."""

    count = 0

    def __eq__(self, other):
        Compared.count += 1
        return self is other

    __hash__ = object.__hash__


def test_clients_are_a_list():
    x = T.scalar()
    graph = FunctionGraph([x], [x + 1], clone=False)
    clients = graph.clients[x]
    (first,) = expected = [(graph.outputs[0].owner, 0)]
    assert clients == expected
    assert clients != [(graph.outputs[0].owner, 1)]
    more = [(Compared(), i) for i in range(100)]
    for pair in more:
        clients.append(pair)
    assert clients == [first, *more]
    assert [clients[0], clients[2], clients[-1]] == [first, more[1], more[-1]]
    assert clients[:3] == [first, *more[:2]]
    one = [1]
    assert clients + one == [first, *more, 1]
    assert one + clients == [1, first, *more]
    assert more[-1] in clients
    Compared.count = 0
    clients.remove(more[-1])
    assert Compared.count < 5
    assert more[-1] not in clients
    with pytest.raises(ValueError, match="client"):
        clients.remove(more[-1])
    clients.remove(first)
    assert clients[0] == more[0]
    assert len(clients) == 99
    for pair in more[:-1]:
        clients.remove(pair)
    assert not clients
    with pytest.raises(IndexError):
        clients[0]


def test_clients_are_pickled_as_a_list():
    x = T.scalar()
    clients = pickle.loads(pickle.dumps(FunctionGraph([x], [x + 1]).clients))
    assert {type(pairs) for pairs in clients.values()} == {list}


def test_random_changes():
    rng = random.Random(random.getrandbits(32))
    inputs = list(T.vectors(3))
    known = [*inputs, T.constant(np.ones(2, "float32"))]
    for _ in range(40):
        known.append(rng.choice([T.add, T.mul])(*rng.choices(known, k=2)))
    graph = FunctionGraph(inputs, known[-5:], clone=False)
    for _ in range(60):
        nodes = io_toposort(graph.inputs, graph.outputs)
        assert graph.apply_nodes == set(nodes)
        uses = collections.defaultdict(list)
        for node in nodes:
            for i, variable in enumerate(node.inputs):
                uses[variable].append((node, i))
        for i, variable in enumerate(graph.outputs):
            uses[variable].append(("output", i))
        for variable, pairs in uses.items():
            found = graph.clients[variable]
            assert len(found) == len(pairs)
            assert set(found) == set(pairs)
        old = rng.choice([*uses])
        new = rng.choice([v for v in known if v is not old])
        if old not in ancestors([new]):
            graph.replace(old, new if rng.random() < 0.5 else T.tanh(T.exp(new)))


def test_new_nodes_are_imported_in_the_order_of_theano():
    x, y = T.vectors(2)
    graph = FunctionGraph([x, y], [x + y], clone=False)
    new = T.exp(x + y) * T.exp(y) + T.log(T.exp(y) - graph.outputs[0])
    found = theano.graph.fg.io_toposort(graph.variables, [new])
    assert found == io_toposort(list(graph.variables), [new])
    assert len(found) == 8


def test_equal_nodes_are_merged():
    x, y = T.vectors(2)
    outputs = [T.exp(x + 1) * T.exp(x + 1), T.exp(y + 1), T.log(x + 1), T.exp(1 + x)]
    graph = FunctionGraph([x, y], outputs)
    MergeOptimizer().optimize(graph)
    names = [str(getattr(n.op, "scalar_op", "")) for n in graph.toposort()]
    assert sorted(filter(None, names)) == sorted(
        ["add"] * 3 + ["exp"] * 3 + ["log", "mul"]
    )
    graph.replace(graph.inputs[1], graph.inputs[0])
    MergeOptimizer().optimize(graph)
    names = [str(getattr(n.op, "scalar_op", "")) for n in graph.toposort()]
    assert names.count("exp") == 2  # of x + 1 and of 1 + x


def test_ancestors():
    x, y = T.vectors(2)
    first = T.exp(x)
    second = first + y
    third = T.log(second) * T.tanh(y)
    for node, sought, expected in (
        (third, second, True),
        (third, first, True),
        (second, second, True),
        (first, third, False),
        (T.tanh(first), second, False),
        (T.log(y) + second, second, True),
    ):
        assert is_in_ancestors(node.owner, sought.owner) is expected


def loops_of(function):
    return [n for n in function.maker.fgraph.toposort() if isinstance(n.op, Scan)]


@pytest.mark.parametrize("steps", ["constant", "variable"])
def test_loops_are_merged_unless_one_needs_the_other(steps):
    x, n = T.vector(), T.lscalar()
    count = n if steps == "variable" else 4

    def loop(step, *rows):
        return theano.scan(step, list(rows), n_steps=count, strict=True)[0]

    a = loop(lambda row: T.exp(row), x)
    b = loop(lambda row: T.cos(row), x)
    c = loop(lambda one, other: one * other + 2, a, x)
    d = loop(lambda row: T.sin(row), x)
    e = loop(lambda row: T.tanh(row), c[::-1])
    f = theano.scan(lambda row: row - 1, x, n_steps=3)[0]
    outputs = [a, b, c, d, e, f]
    mode = theano.Mode("py", "fast_run").excluding("scanOp_pushout_seqs_ops")
    mode = mode.excluding("scan_pushout_dot1", "scanOp_pushout_output")
    function = theano.function([x, n], outputs, mode=mode, on_unused_input="ignore")
    assert sorted(len(node.outputs) for node in loops_of(function)) == [1, 1, 1, 3]
    values = np.linspace(0, 1, 4).astype("float32")
    found = function(values, 4)
    x = values
    c = np.exp(x) * x + 2
    expected = [np.exp(x), np.cos(x), c, np.sin(x), np.tanh(c[::-1]), x[:3] - 1]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_loops_that_end_otherwise_are_not_merged():
    x = T.vector()

    def loop(step, limit):
        until = theano.scan_module.until
        return theano.scan(lambda row: (step(row), until(row > limit)), x)[0]

    outputs = [loop(T.exp, 1), loop(T.sin, 1), loop(T.cos, 2)]
    function = theano.function([x], outputs, mode="FAST_RUN")
    assert sorted(len(node.outputs) for node in loops_of(function)) == [1, 2]
    found = function(np.array([0, 1.5, 1.7, 2.5, 3], "float32"))
    assert [len(rows) for rows in found] == [2, 2, 4]
