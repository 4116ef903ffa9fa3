import jax
import jax.numpy as jnp
import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.sandbox import rng_mrg
from theano.sandbox.multinomial import ChoiceFromUniform, MultinomialFromUniform
from theano.sandbox.rng_mrg import MRG_RandomStream

import kfkd.xla.ops.random as xla_random
from tests.helpers.cases import parametrize
from tests.helpers.theano_oracle import check

N = 400_000


def draw(build, seed=1, **options):
    """Return a function that draws ``build(stream)``."""
    return theano.function([], build(MRG_RandomStream(seed)), mode="xla", **options)


@pytest.fixture(scope="module")
def numbers():
    return draw(lambda s: s.uniform((N,), dtype="float32"))()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_ends_are_excluded_even_for_extreme_bits(dtype, monkeypatch):
    dtype = np.dtype(dtype)
    with jax.enable_x64(True):
        for bits, low, high in ((0, 0, 1e-3), (2**32 - 1, 0.999, 1)):
            monkeypatch.setattr(
                xla_random,
                "_bits",
                lambda keys, shape, stream=0, bits=bits: jnp.full(
                    shape, bits, "uint32"
                ),
            )
            value = np.asarray(xla_random.uniform_numbers(None, (1,), dtype))
            assert value.dtype == dtype
            assert low < value[0] < high


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_moments_and_range(dtype):
    values = draw(lambda s: s.uniform((N,), dtype=dtype))()
    assert values.dtype == dtype
    assert values.min() > 0
    assert values.max() < 1
    values = values.astype("float64")
    # Six standard deviations of each estimate.
    assert abs(values.mean() - 1 / 2) < 6 / np.sqrt(12 * N)
    assert abs(values.var() - 1 / 12) < 6 / np.sqrt(180 * N)


def test_numbers_are_spread_evenly(numbers):
    for bins in (256, 997):
        counts = np.bincount((numbers * bins).astype(int), minlength=bins)
        chi2 = np.sum((counts - N / bins) ** 2) / (N / bins)
        assert abs(chi2 - (bins - 1)) < 6 * np.sqrt(2 * (bins - 1))
    low_bits = (numbers.astype("float64") * 2**20 % 1 * 16).astype(int)
    chi2 = np.sum((np.bincount(low_bits, minlength=16)[1::2] - N / 8) ** 2) / (N / 8)
    assert chi2 < 7 + 6 * np.sqrt(14)


@pytest.mark.parametrize("lag", [1, 2, 3, 48, 128, 9216])
def test_numbers_are_not_correlated_in_sequence(numbers, lag):
    centred = numbers - 0.5
    correlation = np.mean(centred[lag:] * centred[:-lag]) * 12
    assert abs(correlation) < 6 / np.sqrt(N)


def test_pairs_are_spread_evenly(numbers):
    cells = (numbers[::2] * 32).astype(int) * 32 + (numbers[1::2] * 32).astype(int)
    expected = N / 2 / 1024
    chi2 = np.sum((np.bincount(cells, minlength=1024) - expected) ** 2) / expected
    assert abs(chi2 - 1023) < 6 * np.sqrt(2 * 1023)


def correlation(x, y):
    return abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) * np.sqrt(x.size)


def test_layers_calls_and_seeds_are_independent():
    shape = (100, 100)
    f = draw(lambda s: [s.uniform(shape), s.uniform(shape)])
    samples = [*f(), *f(), *draw(lambda s: s.uniform(shape), seed=2)()[None]]
    for i, x in enumerate(samples):
        for y in samples[:i]:
            assert not np.array_equal(x, y)
            assert correlation(x, y) < 6
            assert correlation(x[:, 1:], y[:, :-1]) < 6


def test_the_same_seed_gives_the_same_numbers():
    first, second = (draw(lambda s: s.uniform((5, 3))) for _ in range(2))
    for _ in range(3):
        np.testing.assert_array_equal(first(), second())


def test_the_saved_state_goes_on_with_the_same_stream():
    stream = MRG_RandomStream(3)
    sample = stream.uniform((4, 7))
    f = theano.function([], sample, mode="xla")
    f()
    state = stream.state_updates[0][0]
    saved = state.get_value()
    following = [f() for _ in range(3)]
    state.set_value(saved)
    for sample in following:
        np.testing.assert_array_equal(f(), sample)


def test_the_state_advances_as_theano_advances_it():
    rng = np.random.default_rng(0)
    states = rng.integers(1, 2**31 - 21070, (50, 6)).astype("int32")
    states[0] = 1
    states[1] = [2147483646] * 3 + [2147462578] * 3
    with jax.enable_x64(True):
        stepped = np.asarray(xla_random.advance(jnp.asarray(states)))
    assert stepped.dtype == "int32"
    for before, after in zip(states, stepped, strict=True):
        desired = np.zeros(6, "int32")
        with np.errstate(over="ignore"):  # as it wraps around on purpose
            rng_mrg.mrg_next_value(before, desired, np.float32(2**-31), 0xFFFFFFFF, 0)
        assert after.tolist() == desired.tolist()


@parametrize(
    "shape", [(1,), (3,), (7, 5), (3, 1, 5), (2, 3, 5, 7), ()], fast=[(3,), (7, 5), ()]
)
def test_shapes_and_symbolic_shapes(shape):
    stream = MRG_RandomStream(4)
    x = T.TensorType("float32", [False] * len(shape))()
    samples = [stream.uniform(x.shape, ndim=len(shape))] if shape else []
    samples.append(stream.uniform(shape, ndim=len(shape)))
    for sample in theano.function([x], samples, mode="xla", on_unused_input="ignore")(
        np.zeros(shape, "float32")
    ):
        assert sample.shape == shape
        assert len(np.unique(sample)) == sample.size


def test_images_of_a_batch_get_numbers_of_their_own():
    values = draw(lambda s: s.uniform((50, 4, 20, 20)))()
    assert len(np.unique(values)) > 0.99 * values.size  # of 2**23 there are
    assert correlation(values[1:], values[:-1]) < 6
    assert correlation(values[:, 1:], values[:, :-1]) < 6
    assert correlation(values[..., 1:], values[..., :-1]) < 6


@pytest.mark.parametrize("shape", [(300, 301), (9, 3, 55, 61)])
def test_gaussian_noise(shape):
    values = draw(lambda s: s.normal(shape, avg=1, std=2))().astype("float64")
    assert values.shape == shape
    z, n = (values - 1) / 2, values.size
    assert abs(z.mean()) < 6 / np.sqrt(n)
    assert abs(z.var() - 1) < 6 * np.sqrt(2 / n)
    assert abs(np.mean(z**3)) < 6 * np.sqrt(15 / n)
    assert abs(np.mean(z**4) - 3) < 6 * np.sqrt(96 / n)


def test_gaussian_noise_of_a_symbolic_odd_shape():
    x = T.fmatrix()
    sample = MRG_RandomStream(5).normal(x.shape)
    f = theano.function([x], sample, mode="xla")
    assert f(np.zeros((3, 5), "float32")).shape == (3, 5)
    assert f(np.zeros((2, 5), "float32")).shape == (2, 5)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_frequencies_of_zeros_and_ones(p):
    values = draw(lambda s: s.binomial((N,), p=p))()
    assert set(np.unique(values)) == {0, 1}
    assert abs(values.mean() - p) < 6 * np.sqrt(p * (1 - p) / N)


def test_frequencies_of_several_classes():
    p = np.tile(np.array([0.2, 0.5, 0.3], "float32"), (20000, 1))
    counts = draw(lambda s: s.multinomial(pvals=p))()
    assert counts.shape == p.shape
    np.testing.assert_array_equal(counts.sum(axis=1), 1)
    assert np.abs(counts.mean(axis=0) - p[0]).max() < 6 / 2 / np.sqrt(len(p))


@pytest.mark.parametrize("n", [1, 3])
def test_classes_from_given_numbers(n):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), 5)
    p[0] = [0, 0.5, 0, 0.5]
    draw = MultinomialFromUniform("auto")
    check(lambda p, u: draw(p, u, n), p, rng.random(5 * n))


@pytest.mark.parametrize("n", [1, 2, 4])
def test_different_classes_from_given_numbers(n):
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(4), 50)
    draw = ChoiceFromUniform("auto")
    check(lambda p, u: draw(p, u, n), p, rng.random(50 * n))


def test_frequencies_of_different_classes():
    p = np.tile(np.array([0.2, 0.5, 0.3], "float32"), (20000, 1))
    found = draw(lambda s: s.choice(size=2, replace=False, p=p))()
    assert found.shape == (len(p), 2)
    assert (found[:, 0] != found[:, 1]).all()
    frequencies = np.bincount(found[:, 0]) / len(p)
    assert np.abs(frequencies - p[0]).max() < 6 / 2 / np.sqrt(len(p))
    second = np.bincount(found[found[:, 0] == 1, 1], minlength=3)
    np.testing.assert_allclose(second / second.sum(), [0.4, 0, 0.6], atol=0.03)


def test_dropout_as_lasagne_does_it():
    import lasagne

    lasagne.random.set_rng(np.random.RandomState(1))
    layer = lasagne.layers.DropoutLayer(lasagne.layers.InputLayer((None, 5000)), p=0.3)
    x = T.fmatrix()
    f = theano.function([x], lasagne.layers.get_output(layer, x), mode="xla")
    kept = f(np.ones((20, 5000), "float32"))
    np.testing.assert_allclose(np.unique(kept), [0, 1 / 0.7], rtol=1e-6)
    assert abs(np.mean(kept == 0) - 0.3) < 6 * np.sqrt(0.21 / kept.size)
