"""What the conversions are compared with: Theano's own evaluation, and differences."""

import numpy as np
import theano
import theano.tensor as T
from numpy.testing import assert_allclose, assert_array_equal

import kfkd  # noqa: F401  (has the mode "xla" registered)

# Theano's Python evaluation of the graph as it was written.
PYTHON = theano.compile.mode.Mode(linker="py", optimizer=None)

# How many stack frames Theano keeps of where a variable was made. It leaves out its own
# frames, unless "tests" is in their path, as it may be in that of a checkout.
DEEP = 30

TOLERANCE = {"float16": 5e-3, "float32": 2e-5, "float64": 1e-10}


def variable(value, name=None, broadcastable=None):
    """Return an input with the dtype and the rank of *value*."""
    value = np.asarray(value)
    pattern = broadcastable or [False] * value.ndim
    return T.TensorType(str(value.dtype), pattern)(name)


def random(seed, shape, dtype="float64"):
    """Return random numbers of both signs, without ties if they are floats."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "f":
        return rng.normal(size=shape).astype(dtype)
    low = {"b": 0, "u": 0, "i": -9}[kind]
    return rng.integers(low, 2 if kind == "b" else 10, shape).astype(dtype)


def same(actual, desired, tolerance=None):
    """Assert equal dtypes, shapes and, up to rounding, values."""
    actual, desired = np.asarray(actual), np.asarray(desired)
    assert actual.dtype == desired.dtype
    assert actual.shape == desired.shape
    if desired.dtype.kind in "fc":
        real = desired.real.dtype.name
        tolerance = tolerance or TOLERANCE[real]
        assert_allclose(actual, desired, rtol=tolerance, atol=tolerance)
    else:
        assert_array_equal(actual, desired)


def check(build, *values, **options):
    """Compare the outputs of ``build(*inputs)`` in mode "xla" with Theano's own.

    Returns what mode "xla" computes, as a list.  The options are those of
    `check_calls`.
    """
    return check_calls(build, values, **options)[0]


def check_calls(build, *calls, tolerance=None, mode=PYTHON, broadcastable=None):
    """Do the same for several calls, each a tuple of values, of the same functions."""
    calls = [[np.asarray(v) for v in values] for values in calls]
    patterns = broadcastable or [None] * len(calls[0])
    inputs = [
        variable(v, broadcastable=p) for v, p in zip(calls[0], patterns, strict=True)
    ]
    outputs = build(*inputs)
    outputs = list(outputs) if isinstance(outputs, tuple | list) else [outputs]
    f, g = (
        theano.function(inputs, outputs, mode=m, on_unused_input="ignore")
        for m in ("xla", mode)
    )
    found = []
    for values in calls:
        actual = f(*values)
        with np.errstate(all="ignore"):
            desired = g(*values)
        for output, a, d in zip(outputs, actual, desired, strict=True):
            assert a.dtype == output.dtype
            # NumPy may compute 0-d results in another precision, the graph's dtype
            # counts.
            same(a, np.asarray(d).astype(output.dtype), tolerance)
        found.append(actual)
    return found


class Unknown(theano.Op):
    """An operation for which there is no conversion."""

    def make_node(self, x):
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0]


def check_gradient(
    build, *values, tolerance=1e-6, against_theano=True, broadcastable=None
):
    """Compare gradients in mode "xla" with Theano's own and with central differences.

    The cost is the sum of all outputs of ``build(*inputs)``, each times random numbers.
    Floating-point values must be float64; there is no gradient for the others.
    """
    values = [np.asarray(v) for v in values]
    patterns = broadcastable or [None] * len(values)
    inputs = [
        variable(v, broadcastable=p) for v, p in zip(values, patterns, strict=True)
    ]
    outputs = build(*inputs)
    outputs = list(outputs) if isinstance(outputs, tuple | list) else [outputs]
    shapes = theano.function(
        inputs,
        [o.shape for o in outputs],
        mode="FAST_COMPILE" if against_theano else "xla",
        on_unused_input="ignore",
    )(*values)
    weights = [random(99 + i, tuple(shape)) for i, shape in enumerate(shapes)]
    cost = sum(T.sum(o * w) for o, w in zip(outputs, weights, strict=True))
    smooth = [i for i, v in enumerate(values) if v.dtype == "float64"]
    gradients = T.grad(cost, [inputs[i] for i in smooth])
    f = theano.function(
        inputs, [cost, *gradients], mode="xla", on_unused_input="ignore"
    )
    _, *actual = f(*values)
    if against_theano:
        g = theano.function(inputs, gradients, mode=PYTHON, on_unused_input="ignore")
        with np.errstate(all="ignore"):
            desired = g(*values)
        for a, d in zip(actual, desired, strict=True):
            same(a, d, tolerance=1e-9)
    for i, gradient in zip(smooth, actual, strict=True):
        same(gradient, _differences(lambda v: f(*v)[0], values, i), tolerance)
    return actual


def _differences(function, values, i, step=1e-6):
    """Return the derivatives of *function* by ``values[i]``, by central differences."""
    result = np.empty_like(values[i])
    for place in np.ndindex(values[i].shape):
        ends = []
        for sign in (1, -1):
            moved = values[i].copy()
            moved[place] += sign * step
            ends.append(float(function([*values[:i], moved, *values[i + 1 :]])))
        result[place] = (ends[0] - ends[1]) / (2 * step)
    return result
