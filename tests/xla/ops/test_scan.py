"""Loops: ``theano.scan``, its gradients, and what they leave of their outputs."""

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStream
from theano.scan import until
from theano.scan.op import Scan

from kfkd.xla.loop import BatchLoop, NoLoopError
from tests.helpers.cases import parametrize, some
from tests.helpers.theano_oracle import (
    DEEP,
    PYTHON,
    Unknown,
    check,
    check_calls,
    check_gradient,
    random,
    same,
)

ONE = T.constant(1.0, dtype="float64")
NAN = np.float64("nan")
# The optimiser of mode "xla" rewrites loops, for buffers that wrap around and the like,
# as that of FAST_RUN does; PYTHON takes them as they were written.
OWN = some([PYTHON, "FAST_RUN"], PYTHON)


def scan(*args, **kwargs):
    """Return the outputs of a scan without updates."""
    outputs, updates = theano.scan(*args, **kwargs)
    assert not updates
    return outputs


def running(x, **options):
    return scan(lambda x, s: T.tanh(s * x) + x, [x], ONE, **options)


def fibonacci(x, n):
    start = {"initial": T.constant([1.0, 2.0, 0.5]), "taps": [-1, -3]}
    return scan(lambda x, a, b: a * b + x, [x], [start], n_steps=n)


def window(x, k):
    count = x.shape[0] - k + 1
    return scan(lambda i, x, k: x[i : i + k].max(0), T.arange(count), None, [x, k])


def several(x, y):
    taken = {"input": y, "taps": [0, 1]}
    return scan(
        lambda x, y, after, s, t: (T.sin(s * x), t * y + s, s * after),
        [x, taken],
        [ONE, {"initial": T.stack([ONE, ONE]), "taps": [-2]}, None],
    )


def nested(x):
    def row(x, total):
        inner = scan(lambda x, s: T.tanh(x + s) * s, [x], ONE)
        return total + inner[-1] * inner

    return scan(row, [x], T.zeros_like(x[0]))


def power(x, n):
    return scan(lambda p, x: T.dot(p, x), None, T.eye(3, dtype="float64"), [x], n)


VECTOR, MATRIX = random(0, 7), random(1, (5, 3))
LOOPS = {
    "states": (running, VECTOR),
    "states backwards": (lambda x: running(x, go_backwards=True), VECTOR),
    "states of matrices": (
        lambda x: scan(lambda x, s: T.tanh(s * x) + x, [x], x[0] * 2),
        MATRIX,
    ),
    "fewer steps": (lambda x, n: running(x, n_steps=n), VECTOR, 3),
    "one step": (lambda x, n: running(x, n_steps=n), VECTOR, 1),
    "no sequence": (lambda x: scan(lambda s: s * 2, None, x, n_steps=4), ONE.data),
    "earlier states": (fibonacci, VECTOR, 5),
    "several": (several, VECTOR, random(2, 8)),
    "map": (lambda x: theano.map(lambda x: x.sum() * x, x)[0], MATRIX),
    "reduce": (lambda x: theano.reduce(T.maximum, x, x[0] * 0)[0], MATRIX),
    "foldl": (lambda x: theano.foldl(lambda x, s: s * 0.5 + x, x, ONE)[0], VECTOR),
    "foldr": (lambda x: theano.foldr(lambda x, s: s * 0.5 + x, x, ONE)[0], VECTOR),
    "earlier and later entries": (
        lambda x: scan(
            lambda a, b, c: a * b - c, [{"input": x, "taps": [-2, 0, 1]}], None
        ),
        MATRIX,
    ),
    "parts": (window, MATRIX, 2),
    "matrix power": (power, random(3, (3, 3)), 4),
    "nested": (nested, MATRIX),
}
FAST = ["states", "no sequence", "map", "parts"]


@pytest.mark.parametrize("name", LOOPS)
def test_loops(name):
    build, *values = LOOPS[name]

    def parts(*inputs):
        outputs = build(*inputs)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        if outputs[0].ndim and inputs[0].ndim and name != "reduce":
            outputs = [*outputs, outputs[0][-1], outputs[0][: inputs[0].shape[0] // 2]]
        return outputs

    for mode in OWN:
        check(parts, *values, mode=mode)


@parametrize("name", LOOPS, fast=FAST)
def test_only_the_last_of_a_loop(name):
    build, *values = LOOPS[name]

    def last(*inputs):
        outputs = build(*inputs)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return [o[-1] for o in outputs if o.ndim] or outputs

    for mode in OWN:
        check(last, *values, mode=mode)


@parametrize("name", LOOPS, fast=FAST)
def test_gradients(name):
    build, *values = LOOPS[name]
    check_gradient(build, *values)


@parametrize("part", [slice(None), -1, slice(-3, None), slice(2, 4)], fast=[-1])
def test_gradients_of_parts(part):
    check_gradient(lambda x: [running(x)[part], fibonacci(x, 6)[part]], VECTOR)


@parametrize("steps", [1, 3, 7, 20], fast=[3])
def test_truncated_gradients(steps):
    def build(x):
        outputs = running(x, truncate_gradient=steps)
        return [T.grad(outputs.sum(), x), T.grad(outputs[-1], x)]

    for mode in OWN:
        whole, last = check(build, VECTOR, mode=mode)
    assert (whole != 0).sum() == (last != 0).sum() == min(steps, 7)


@pytest.mark.slow
def test_second_derivatives():
    def build(x):
        cost = (running(x) ** 2).sum()
        return [
            theano.gradient.jacobian(T.tanh(x) * x[0], x),
            theano.gradient.hessian((x**3).sum() * x[0], x),
            T.Rop(running(x), x, x * 2),
            T.grad((T.grad(cost, x) ** 2).sum(), x),
        ]

    for mode in OWN:
        check(build, VECTOR, mode=mode)


@parametrize("shared", [False, True], fast=[False])
def test_steps_from_an_input_or_a_variable(shared):
    n = theano.shared(np.int32(3)) if shared else T.iscalar()
    x = T.dvector()
    given = [] if shared else [n]
    outputs = running(x, n_steps=n)
    f = theano.function([x, *given], [outputs, T.grad(outputs[-1], x)], mode="xla")
    g = theano.function([x, *given], [outputs, T.grad(outputs[-1], x)], mode=PYTHON)
    for steps in (3, 1, 7, 3):
        if shared:
            n.set_value(np.int32(steps))
        for actual, desired in zip(
            f(VECTOR, *[steps] * (not shared)),
            g(VECTOR, *[steps] * (not shared)),
            strict=True,
        ):
            same(actual, desired)


@pytest.mark.parametrize(
    ("steps", "kind", "message"),
    [
        (-1, IndexError, "-1 steps"),
        (0, ValueError, "no steps"),
        (8, ValueError, "sequence of 7 is shorter than the 8 steps"),
    ],
)
def test_steps_that_there_cannot_be(steps, kind, message):
    x, n = T.dvector(), T.iscalar()
    f = theano.function([x, n], running(x, n_steps=n), mode="xla")
    with pytest.raises(kind, match=rf"{message}(.|\n)*test_scan"):
        f(VECTOR, steps)
    assert f(VECTOR, 2).shape == (2,)


def test_states_must_keep_their_shape():
    x = T.dmatrix()
    with theano.config.change_flags(traceback__limit=DEEP):
        outputs = scan(lambda s: T.dot(s, x), None, x, n_steps=2)
        f = theano.function([x], outputs, mode="xla")
    f(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"(.|\n)*test_scan"):
        f(np.ones((2, 3)))


def test_conditions_of_steps_are_checked_after_the_call():
    x, rows = T.dvector(), T.lvector()
    calls = theano.shared(0)
    outputs = scan(lambda i, s, x: s + x[i], [rows], ONE, [x])
    f = theano.function([x, rows], outputs, updates=[(calls, calls + 1)], mode="xla")
    same(f(VECTOR, [0, 6, -7]), 1 + np.cumsum(VECTOR[[0, 6, -7]]))
    for wrong in ([7, 0, 0], [0, -8, 0], [0, 0, 7]):
        with pytest.raises(IndexError, match=r"out of bounds(.|\n)*test_scan"):
            f(VECTOR, wrong)
    assert calls.get_value() == 1


def test_an_operation_without_conversion_is_named_with_its_line():
    x = T.dtensor3()
    outputs = scan(Unknown(), [x], None)
    with pytest.raises(NotImplementedError, match=r"Unknown has(.|\n)*test_scan"):
        theano.function([x], outputs, mode="xla")


def test_random_numbers_are_those_of_calls_without_a_loop():
    stream = MRG_RandomStream(5)
    outputs, updates = theano.scan(lambda: stream.uniform((1000,)), n_steps=4)
    f = theano.function([], outputs, updates=updates, mode="xla")
    (state,) = updates
    before = state.get_value()
    drawn = np.concatenate([f(), f()])
    assert len(np.unique(drawn)) > 7900
    assert abs(np.corrcoef(drawn) - np.eye(8)).max() < 0.2
    after = state.get_value()
    state.set_value(before)
    new, once = theano.sandbox.rng_mrg.mrg_uniform.new(
        state, None, drawn.dtype.name, (1000,)
    )
    g = theano.function([], once, updates=[(state, new)], mode="xla")
    same(drawn, np.stack([g() for _ in range(8)]))
    same(state.get_value(), after)


def test_updates_of_shared_variables_by_steps():
    total = theano.shared(1.0)
    x = T.dvector()
    outputs, updates = theano.scan(lambda x: (x * total, {total: total + x}), [x])
    f = theano.function([x], outputs, updates=updates, mode="xla")
    g = theano.function([x], outputs, updates=updates, mode=PYTHON)
    for h in (f, g):
        total.set_value(1.0)
        same(h(VECTOR), VECTOR * (1 + np.cumsum([0, *VECTOR[:-1]])))
        same(total.get_value(), 1 + VECTOR.sum())


def doubled(limit, **options):
    def step(s, limit):
        return [s * 2, s], until(s * 2 > limit)

    outputs, _ = theano.scan(step, None, [ONE, None], [limit], 20, **options)
    return outputs


def check_limits(build, *limits):
    """Compare for each limit, and return what is computed up to it."""
    for mode in OWN:
        found = check_calls(build, *[[limit] for limit in limits], mode=mode)
    return zip(limits, found, strict=True)


def test_loops_that_end_early():
    for limit, (doubles, before, *_) in check_limits(
        lambda limit: [*doubled(limit), doubled(limit)[0][-1]],
        *(0.0, 45.0, 2.0**18.5, 2.0**19.5, 1e9, NAN),
    ):
        steps = int(np.argmax([*(2.0 ** np.arange(1, 20) > limit), True])) + 1
        same(doubles, 2.0 ** np.arange(1, steps + 1))
        same(before, doubles / 2)


def test_only_the_last_of_a_loop_that_ends_early():
    check_limits(lambda limit: [o[-1] for o in doubled(limit)], 0.0, 45.0, 1e9)
    check_limits(lambda limit: doubled(limit)[1][-1], 0.0, 45.0, 1e9)


def test_rows_of_what_a_loop_leaves_that_ends_early():
    def build(limit):
        x, _ = doubled(limit)
        parts = [x[-1], x[2], x[1:], x[-2], x[::-2], x[-3:-1], x[5:2:-1], x[:3], x[3:2]]
        parts += [x + x[::-1], x * 2]
        return [*parts, x[:-2], x[:], x.shape, x.shape[0], x[1:].shape[0] * 2]

    check_limits(build, 60.0, 2000.0, 1e9)


def test_rows_that_a_loop_has_not_left_are_out_of_bounds():
    limit = T.dscalar()
    x, _ = doubled(limit)
    f = theano.function([limit], [x, x[5]], mode="xla")
    same(f(1e3)[1], np.array(64.0))
    with pytest.raises(IndexError, match=r"out of bounds(.|\n)*test_scan"):
        f(20.0)


def test_a_loop_that_ends_early_in_another():
    def build(limits):
        return scan(lambda limit: doubled(limit)[0][-1] + limit, [limits], None)

    for mode in OWN:
        check(build, np.array([0.0, 45.0, 1e9]), mode=mode)


def test_what_depends_on_a_computed_length():
    limit, start = T.dscalar(), T.dscalar()
    x, _ = doubled(limit)
    kept = theano.shared(np.zeros(3))
    grown, _ = theano.scan(
        lambda s, limit: (s * s, until(s > limit)), None, start, limit, 9
    )
    gradient = T.grad(grown[-1], start)
    f, oracle = (
        theano.function([limit, start], [grown, gradient], mode=mode)
        for mode in ("xla", "FAST_RUN")
    )
    for value in (45.0, 1e9, 45.0):
        for got, wanted in zip(f(value, 2.0), oracle(value, 2.0), strict=True):
            same(got, wanted)
    f, oracle = (
        theano.function([limit], x, updates=[(kept, x)], mode=mode)
        for mode in ("xla", "FAST_RUN")
    )
    for value in (45.0, 1e9):
        f(value)
        got = kept.get_value()
        same(got, oracle(value))


def test_loops_over_batches():
    x = T.dmatrix()
    weight = theano.shared(0.5)
    cost = (scan(lambda x, s: T.tanh(x * weight + s), [x.T], x[:, 0])[-1] ** 2).mean()
    updates = [(weight, weight - 0.1 * T.grad(cost, weight))]
    f = theano.function([x], cost, updates=updates, mode="xla")
    rows = random(4, (10, 3))
    desired = [f(rows[i : i + 4]) for i in range(0, 10, 4)], weight.get_value()
    weight.set_value(0.5)
    whole, rest = BatchLoop(f, [rows], 4)()
    same(np.concatenate([whole[0], [rest[0]]]), np.array(desired[0]))
    same(weight.get_value(), desired[1])


def test_a_loop_over_batches_takes_no_outputs_of_computed_length():
    x = T.dmatrix()
    f = theano.function([x], doubled(x.sum())[0], mode="xla")
    with pytest.raises(NoLoopError):
        BatchLoop(f, [np.ones((4, 2))], 2)()


def test_loops_stay_loops():
    x = T.dvector()
    f = theano.function([x], T.grad(running(x).sum(), x), mode="xla")
    assert sum(isinstance(node.op, Scan) for node, _ in f.fn.program.steps) == 2
