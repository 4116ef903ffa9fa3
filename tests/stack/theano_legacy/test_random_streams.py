"""Random streams of theano.tensor.shared_randomstreams."""

import pickle

import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

# XLA takes over 5 s to compile all that is drawn here.
MODES = [pytest.param("xla", marks=pytest.mark.slow), "FAST_RUN"]
N = 4000


RIGHT = {
    "n": [4, 100],
    "p": [0.5, 0.4],
    "pvals": [[0.1, 0.9], [0.6, 0.4]],
    "lam": [0.5, 5, 200],
    "std": 0.5,
    "low": [1, 20, 300],
    "a": 3,
    "weights": [0.5, 0, 0.5],
}


@pytest.fixture(scope="module", params=MODES)
def draw(request):
    """A function of parameters that draws numbers, by what they are called."""
    streams = RandomStreams(234)
    n, p, pvals, lam = T.lvector(), T.dvector(), T.dmatrix(), T.dvector()
    std, low, a, weights = T.dscalar(), T.lvector(), T.lscalar(), T.dvector()
    drawn = {
        "uniform": streams.uniform((N,), low=-1, high=3),
        "uniform32": streams.uniform((N,), dtype="float32"),
        "normal": streams.normal((N,), avg=2, std=std),
        "flips": streams.binomial((N,), n=1, p=0.3, dtype="float32"),
        "sums": streams.binomial((N, 2), n=n, p=p),
        "events": streams.poisson((N, -1), lam=lam),
        "dice": streams.random_integers((N, 3), low=low, high=low + 5),
        "bounded": streams.random_integers(low=low, high=300),
        "chosen": streams.choice((N,), a=[3, 5, 9], p=[0.2, 0.5, 0.3]),
        "different": streams.choice((3,), a=a, replace=False),
        "likely": streams.choice((2,), 3, replace=False, p=weights),
        "classes": streams.multinomial((N,), pvals=[0.1, 0.2, 0.7]),
        "counts": streams.multinomial((N, -1), n=n, pvals=pvals),
        "order": streams.permutation(n=50),
        "orders": streams.permutation((N,), n=3),
        "rows": streams.shuffle_row_elements(T.arange(20).reshape((2, 5, 2))),
        "one": streams.uniform(),
        "heads": streams.multinomial(),
        "as parameters": streams.normal(avg=np.array([0.0, 1000.0])),
        "empty": streams.normal((0, 3)),
    }
    parameters = [n, p, pvals, lam, std, low, a, weights]
    f = theano.function(parameters, list(drawn.values()), mode=request.param)
    return lambda **changed: dict(
        zip(drawn, f(*(RIGHT | changed).values()), strict=True)
    )


@pytest.fixture(scope="module")
def drawn(draw):
    return draw()


def near(sample, mean, variance):
    """Return whether the mean of the rows is *mean*, within six standard errors."""
    deviation = np.sqrt(np.asarray(variance) / len(sample))
    return (abs(sample.mean(0, dtype="float64") - mean) < 6 * deviation).all()


def test_numbers(drawn):
    assert drawn["uniform"].dtype == theano.config.floatX
    assert drawn["uniform32"].dtype == "float32"
    assert -1 <= drawn["uniform"].min() < -0.9 < 2.9 < drawn["uniform"].max() < 3
    assert near(drawn["uniform"], 1, 16 / 12)
    assert near((drawn["uniform32"] - 0.5) ** 2, 1 / 12, 1 / 180)
    assert near(drawn["normal"], 2, 0.25)
    centred = 2 * (drawn["normal"] - 2)
    assert near(centred**2, 1, 2)
    assert near(centred**3, 0, 15)
    assert drawn["empty"].shape == (0, 3)


def test_counts(drawn):
    assert drawn["flips"].dtype == "float32"
    assert set(drawn["flips"]) == {0, 1}
    assert near(drawn["flips"], 0.3, 0.21)
    assert drawn["sums"].dtype == "int64"
    assert near(drawn["sums"], [2, 40], [1, 24])
    assert set(drawn["sums"][:, 0]) == {0, 1, 2, 3, 4}
    squares = (drawn["sums"] - [2, 40]) ** 2 / [1, 24]
    assert near(squares, 1, 2)
    assert near(drawn["events"], [0.5, 5, 200], [0.5, 5, 200])
    squares = (drawn["events"] - [0.5, 5, 200]) ** 2 / [0.5, 5, 200]
    assert near(squares, 1, [4, 2.2, 2.1])


def test_choices(drawn):
    for sample, values, chances in (
        (drawn["dice"][:, 2], np.arange(300, 306), np.full(6, 1 / 6)),
        (drawn["chosen"], [3, 5, 9], np.array([0.2, 0.5, 0.3])),
    ):
        found, counts = np.unique(sample, return_counts=True)
        assert found.tolist() == list(values)
        deviation = np.sqrt(chances * (1 - chances) / N)
        assert (abs(counts / N - chances) < 6 * deviation).all()
    assert (drawn["dice"].max(0) == [6, 25, 305]).all()
    assert sorted(drawn["different"]) == [0, 1, 2]
    assert sorted(drawn["likely"]) == [0, 2]
    assert (drawn["classes"].sum(1) == 1).all()
    assert near(drawn["classes"], [0.1, 0.2, 0.7], [0.09, 0.16, 0.21])
    assert drawn["counts"].shape == (N, 2, 2)
    assert (drawn["counts"].sum(-1) == [4, 100]).all()
    assert near(drawn["counts"][..., 0], [0.4, 60], [0.36, 24])
    assert near((drawn["counts"][:, 1, 0] - 60.0) ** 2 / 24, 1, 2)
    assert drawn["heads"].sum() == 1


def test_orders(drawn):
    assert sorted(drawn["order"]) == list(range(50))
    assert drawn["order"].tolist() != list(range(50))
    places = drawn["orders"] @ [9, 3, 1]
    assert len(np.unique(places)) == 6
    assert near(places == 5, 1 / 6, 5 / 36)  # 0, 1, 2
    ordered = np.sort(drawn["rows"])
    assert ordered.tolist() == np.arange(20).reshape((2, 5, 2)).tolist()


def test_sizes_of_parameters(drawn):
    assert drawn["one"].shape == ()
    assert drawn["as parameters"].dtype == "float64"
    assert (abs(drawn["as parameters"] - [0, 1000]) < 10).all()
    low, high = T.dvector(), T.dcol()
    sample = RandomStreams(1).uniform(low=low, high=high)
    assert sample.broadcastable == (False, False)
    f = theano.function([low, high], sample)
    assert f([-5, 0, 1], [[1]]).shape == (1, 3)
    values = f([0.9], [[1.0], [1.1], [1.5]])
    assert values.shape == (3, 1)
    assert ((values > 0.9) & (values < [[1.0], [1.1], [1.5]])).all()


def test_extreme_parameters(draw):
    drawn = draw(n=[0, 7], p=[0.3, 1], lam=[0, 1e6, 0], std=0)
    assert (drawn["sums"] == [0, 7]).all()
    assert (drawn["events"][:, 0] == 0).all()
    assert near(drawn["events"][:, 1], 1e6, 1e6)
    assert (drawn["normal"] == 2).all()


def test_impossible_parameters(draw):
    for wrong in (
        {"n": [-1, 20]},
        {"p": [0, 1.5]},
        {"p": [0, np.nan]},
        {"pvals": [[0.2, 0.8], [0.5, 0.8]]},
        {"pvals": [[0.2, 0.8], [-0.5, 0.8]]},
        {"lam": [0, 1, -1]},
        {"std": -1},
        {"low": [1, 20, 301]},
        {"low": [1, 20]},  # the size is 3
        {"a": 2},  # too few to choose three
        {"weights": [0, 1, 0]},
        {"weights": [0.5, 0, 0.4]},
    ):
        with pytest.raises(ValueError, match=r"."):
            draw(**wrong)


@pytest.mark.parametrize("mode", MODES)
def test_sizes_that_are_variables(mode):
    streams = RandomStreams(3)
    size = T.lvector()
    f = theano.function([size], streams.uniform(size, ndim=2), mode=mode)
    assert f([2, 3]).shape == (2, 3)
    assert f([4, 8]).shape == (4, 8)
    with pytest.raises(ValueError, match="ndim is 2, but the size is"):
        f([4])
    n = T.lscalar()
    sample = streams.uniform([n, 1])
    assert sample.broadcastable == (False, True)
    orders = streams.permutation((2,), n=n)
    shapes = theano.function([n], [sample.shape, orders.shape], mode=mode)(5)
    assert [shape.tolist() for shape in shapes] == [[5, 1], [2, 5]]


def test_what_is_no_size():
    streams = RandomStreams(3)
    with pytest.raises(ValueError, match="ndim is 1, but the size is"):
        streams.uniform((2, 2), ndim=1)
    with pytest.raises(ValueError, match="the parameters have 1 dim"):
        streams.uniform((), low=[1, 2])
    with pytest.raises(ValueError, match="the size is"):
        streams.uniform((2, -2))


@pytest.mark.parametrize("mode", MODES)
def test_states(mode):
    streams = RandomStreams(7)
    sample = streams.normal((5,))
    f = theano.function([], sample, updates=streams.updates(), mode=mode)
    kept = theano.function([], sample, no_default_updates=[sample.rng], mode=mode)
    first, second = f(), f()
    assert (first != second).all()
    streams.seed(7)
    np.testing.assert_array_equal(kept(), first)
    np.testing.assert_array_equal(f(), first)
    saved = streams[sample.rng].get_state()
    np.testing.assert_array_equal(f(), second)
    third = f()
    # As Theano's tutorial has it.
    generator = sample.rng.get_value(borrow=True)
    generator.set_state(saved)
    sample.rng.set_value(generator, borrow=True)
    np.testing.assert_array_equal([f(), f()], [second, third])
    generator.seed(3)
    sample.rng.set_value(generator, borrow=True)
    seeded = f()
    streams[sample.rng] = np.random.RandomState(3)
    np.testing.assert_array_equal(f(), seeded)
    assert not np.array_equal(seeded, first)
    other = RandomStreams(8)
    g = theano.function([], other.normal((5,)), mode=mode)
    for (new, _), (old, _) in zip(other.updates(), streams.updates(), strict=True):
        new.set_value(old.get_value())
    np.testing.assert_array_equal(g(), f())


def test_steps_of_a_loop_draw_numbers_of_their_own():
    streams = RandomStreams(9)
    samples, updates = theano.scan(lambda: streams.binomial((100,)), n_steps=3)
    f = theano.function([], samples, updates=updates)
    rows = {row.tobytes() for values in (f(), f()) for row in values}
    assert len(rows) == 6


def test_gradients_past_noise():
    streams = RandomStreams(9)
    x, v = T.dvector(), T.dvector()
    rows, updates = theano.scan(
        lambda y: y * T.exp(streams.normal(y.shape, dtype="float64")),
        outputs_info=x,
        n_steps=3,
    )
    cost = T.sum(rows**2)
    gradient = T.grad(cost, x)
    change = T.Rop(cost, x, v)
    f = theano.function([x, v], [cost, gradient, change], updates=updates)
    at, along, step = np.array([0.5, 2.0]), np.array([0.3, -0.1]), 1e-5
    costs = []
    for place in (at + step * along, at - step * along, at):
        streams.seed()
        cost, gradient, change = f(place, along)
        costs.append(cost)
    difference = (costs[0] - costs[1]) / (2 * step)
    np.testing.assert_allclose([gradient @ along, change], difference, rtol=1e-6)


def test_streams_in_pickles():
    streams = RandomStreams(9)
    f = theano.function([], streams.poisson((5,), 3.0), mode="FAST_RUN")
    g = pickle.loads(pickle.dumps(f))
    assert f().tolist() == g().tolist()
    state = pickle.loads(pickle.dumps(streams)).updates()[0][0]
    state.get_value().seed(1)
