"""The recurrent layers of Lasagne 0.1, in mode "xla", in Theano's own and in NumPy.

Theano takes seconds to compile each: some of them are tried, or all (`cases`).
"""

import itertools

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import init, layers, nonlinearities, updates
from theano.scan.op import Scan

from tests.helpers.cases import parametrize, some
from tests.helpers.theano_oracle import random, same

# Lasagne unrolls loops with T.stack(*rows).
pytestmark = pytest.mark.filterwarnings("ignore:stack:DeprecationWarning")

OWN = "FAST_COMPILE"
N, STEPS, FEATURES, UNITS = 3, 5, 2, 4
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], "float32")


@pytest.fixture(autouse=True)
def _seeded():
    lasagne.random.set_rng(np.random.RandomState(0))


def convolutional(source, **options):
    first = layers.InputLayer((None, 2, 4, 3))
    to_hidden = layers.Conv2DLayer(first, 3, (3, 3), pad="same")
    hidden = layers.InputLayer(to_hidden.output_shape)
    hidden = layers.Conv2DLayer(hidden, 3, (3, 3), pad="same", nonlinearity=None)
    return layers.CustomRecurrentLayer(source, to_hidden, hidden, **options)


def custom(source, **options):
    first = layers.InputLayer((None, FEATURES))
    to_hidden = layers.DenseLayer(first, UNITS, nonlinearity=None)
    hidden = layers.DenseLayer(layers.InputLayer((None, UNITS)), UNITS)
    hidden = layers.DenseLayer(hidden, UNITS, nonlinearity=None)
    return layers.CustomRecurrentLayer(source, to_hidden, hidden, **options)


def recurrent(source, **options):
    return layers.RecurrentLayer(source, UNITS, **options)


def lstm(source, **options):
    return layers.LSTMLayer(source, UNITS, **options)


def gru(source, **options):
    return layers.GRULayer(source, UNITS, **{"learn_init": True} | options)


LAYERS = {"custom": custom, "recurrent": recurrent, "lstm": lstm, "gru": gru}
OPTIONS = {
    "as they are": {},
    "no mask": {},
    "backwards": {"backwards": True},
    "learnt start": {"learn_init": True, "hid_init": init.Normal(0.5)},
    "input in the loop": {"precompute_input": False},
    "clipped": {"grad_clipping": 0.01},
    "truncated": {"gradient_steps": 2},
    "unrolled": {"unroll_scan": True},
    "unrolled backwards": {"unroll_scan": True, "backwards": True, "learn_init": True},
}
OFTEN = [
    ("recurrent", "no mask"),
    ("recurrent", "learnt start"),
    ("recurrent", "input in the loop"),
    ("recurrent", "clipped"),
    ("recurrent", "truncated"),
    ("recurrent", "unrolled"),
    ("recurrent", "unrolled backwards"),
    ("custom", "input in the loop"),
    ("lstm", "as they are"),
    ("gru", "backwards"),
]
FAST = [
    ("recurrent", "no mask"),
    ("recurrent", "clipped"),
    ("recurrent", "unrolled backwards"),
]


def compiled(net, sources, mode):
    """Return a function of the inputs: output, and gradients by inputs and weights."""
    inputs = [source.input_var for source in sources]
    output = layers.get_output(net)
    weights = random(9, layers.get_output_shape(net), theano.config.floatX)
    wanted = [inputs[0], *layers.get_all_params(net)]
    gradients = T.grad(T.sum(output * weights), wanted)
    return theano.function(inputs, [output, *gradients], mode=mode)


def build(name, options, masked=False):
    source = layers.InputLayer((N, STEPS, FEATURES))
    sources = [source]
    if masked:
        sources.append(layers.InputLayer((N, STEPS)))
        options = options | {"mask_input": sources[1]}
    net = LAYERS[name](source, **options)
    for i, p in enumerate(layers.get_all_params(net)):
        value = random(i, p.get_value().shape, theano.config.floatX)
        p.set_value(value * value.dtype.type(0.7))
    return net, sources


@parametrize(
    ("name", "options"), some(itertools.product(LAYERS, OPTIONS), *OFTEN), fast=FAST
)
def test_layers(name, options):
    net, sources = build(name, OPTIONS[options], masked=options != "no mask")
    values = [random(20, (N, STEPS, FEATURES), "float32"), MASK][: len(sources)]
    f, g = (compiled(net, sources, mode) for mode in ("xla", OWN))
    loops = [node for node, _ in f.fn.program.steps if isinstance(node.op, Scan)]
    assert bool(loops) != ("unrolled" in options)
    for actual, desired in zip(f(*values), g(*values), strict=True):
        same(actual, desired, tolerance=1e-4)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def stepped(name, p, x, state):
    """Return the state after a step with the input *x*, by the definition."""
    h = state[-1]

    def gate(gate, hidden=h):
        return x @ p[f"W_in_to_{gate}"] + p[f"b_{gate}"] + h @ p[f"W_hid_to_{gate}"]

    if name == "recurrent":
        return [np.maximum(x @ p["W"] + p["b"] + h @ p["W_hid"], 0)]
    if name == "gru":
        r, u = sigmoid(gate("resetgate")), sigmoid(gate("updategate"))
        into = x @ p["W_in_to_hidden_update"] + p["b_hidden_update"]
        c = np.tanh(into + r * (h @ p["W_hid_to_hidden_update"]))
        return [(1 - u) * h + u * c]
    c = state[0]
    i = sigmoid(gate("ingate") + c * p["W_cell_to_ingate"])
    f = sigmoid(gate("forgetgate") + c * p["W_cell_to_forgetgate"])
    new = f * c + i * np.tanh(gate("cell"))
    # Lasagne 0.1 adds the last of these after the nonlinearity.
    o = sigmoid(gate("outgate")) + new * p["W_cell_to_outgate"]
    return [new, o * np.tanh(new)]


@parametrize(
    ("name", "backwards"),
    itertools.product(["recurrent", "lstm", "gru"], [False, True]),
    fast=[("recurrent", True), ("lstm", False)],
)
def test_layers_are_those_of_the_definition(name, backwards):
    net, sources = build(name, {"backwards": backwards}, masked=True)
    p = {v.name: v.get_value() for v in layers.get_all_params(net)}
    if name == "recurrent":
        p = dict(
            W=net.W_in_to_hid, W_hid=net.W_hid_to_hid, b=net.b, hid_init=net.hid_init
        )
        p = {key: v.get_value() for key, v in p.items()}
    x = random(21, (N, STEPS, FEATURES), "float32")
    state = [np.repeat(p["hid_init"], N, 0)]
    if name == "lstm":
        state.insert(0, np.repeat(p["cell_init"], N, 0))
    desired = np.empty((N, STEPS, UNITS), "float32")
    for t in range(STEPS)[:: -1 if backwards else 1]:
        m = MASK[:, t, None]
        new = stepped(name, p, x[:, t], state)
        state = [m * n + (1 - m) * s for n, s in zip(new, state, strict=True)]
        desired[:, t] = state[-1]
    f = theano.function(
        [s.input_var for s in sources], layers.get_output(net), mode="xla"
    )
    same(f(x, MASK), desired, tolerance=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("precompute_input", some([False, True], False))
def test_convolutions_in_the_loop(precompute_input):
    source = layers.InputLayer((N, STEPS, 2, 4, 3))
    options = {"precompute_input": precompute_input, "backwards": not precompute_input}
    net = convolutional(source, **options)
    f, g = (compiled(net, [source], mode) for mode in ("xla", OWN))
    x = random(22, source.shape, "float32")
    for actual, desired in zip(f(x), g(x), strict=True):
        same(actual, desired, tolerance=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", some(LAYERS, "gru"))
def test_gradients_are_those_of_differences(name):
    with theano.config.change_flags(floatX="float64"):
        net, sources = build(name, {"learn_init": True}, masked=True)
        parameters = layers.get_all_params(net)
        cost = T.sum(T.sqr(layers.get_output(net)))
        outputs = [cost, *T.grad(cost, parameters)]
        f = theano.function([s.input_var for s in sources], outputs, mode="xla")
    x = random(23, (N, STEPS, FEATURES))
    _, *gradients = f(x, MASK)
    for i, (p, gradient) in enumerate(zip(parameters, gradients, strict=True)):
        value, way = p.get_value(), random(30 + i, gradient.shape)
        ends = []
        for step in (1e-6, -1e-6):
            p.set_value(value + step * way)
            ends.append(f(x, MASK)[0])
        p.set_value(value)
        found = np.sum(way * gradient)
        np.testing.assert_allclose(found, (ends[0] - ends[1]) / 2e-6, rtol=1e-5)


def test_lengths_may_differ_from_call_to_call():
    source = layers.InputLayer((None, None, FEATURES))
    net = layers.SliceLayer(recurrent(source), -1, axis=1)
    output = layers.get_output(net)
    slope = T.grad(output.sum(), source.input_var)
    f, g = (
        theano.function([source.input_var], [output, slope], mode=m)
        for m in ("xla", OWN)
    )
    for n, steps in ((3, 5), (2, 1), (4, 7)):
        x = random(steps, (n, steps, FEATURES), "float32")
        for actual, desired in zip(f(x), g(x), strict=True):
            same(actual, desired, tolerance=1e-4)


@pytest.mark.parametrize("name", some(LAYERS, "lstm"))
def test_dropout_before_the_loop_differs_from_step_to_step(name):
    source = layers.InputLayer((50, 40, FEATURES))
    net = LAYERS[name](layers.DropoutLayer(source, p=0.5))
    f = theano.function([source.input_var], layers.get_output(net), mode="xla")
    x = np.ones(source.shape, "float32")
    first, second = f(x), f(x)
    assert np.isfinite(first).all()
    assert (first != second).any()


def additions(seed, count):
    """Return sequences of numbers, two of them marked, and the sums of those."""
    rng = np.random.RandomState(seed)
    x = np.zeros((count, 8, 2), "float32")
    x[..., 0] = rng.uniform(size=(count, 8))
    for row in x:
        row[rng.choice(8, 2, replace=False), 1] = 1
    return x, x.prod(2).sum(1).astype("float32")


@pytest.mark.parametrize("name", some(["recurrent", "lstm", "gru"], "recurrent"))
def test_training(name):
    x, y = T.tensor3(), T.fvector()
    source = layers.InputLayer((None, 8, 2), x)
    options = {"nonlinearity": nonlinearities.tanh} if name == "recurrent" else {}
    net = LAYERS[name](source, grad_clipping=1, learn_init=True, **options)
    net = layers.DenseLayer(layers.SliceLayer(net, -1, 1), 1, nonlinearity=None)
    cost = T.mean((layers.get_output(net)[:, 0] - y) ** 2)
    parameters = layers.get_all_params(net, trainable=True)
    start = [p.get_value() for p in parameters]
    losses = {}
    for mode in ("xla", OWN):
        for p, value in zip(parameters, start, strict=True):
            p.set_value(value)
        rule = updates.adam(cost, parameters, 0.01)
        step = theano.function([x, y], cost, updates=rule, mode=mode)
        losses[mode] = np.array([step(*additions(i, 16)) for i in range(8)])
    same(losses["xla"], losses[OWN], tolerance=1e-4)
    assert losses["xla"].mean() < 2
