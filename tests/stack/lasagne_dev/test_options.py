"""Sizes, options and checks of layers that Lasagne 0.1 had not."""

import functools
import warnings

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers, utils

from tests.helpers.theano_oracle import random

values = functools.partial(random, dtype="float32")

NUMPYS = [
    ((2, 3, 4), lambda x, n: layers.ReshapeLayer(x, (n(2), [n(1)], n(-1)))),
    ((2, 3), lambda x, n: layers.DimshuffleLayer(x, (n(1), n(0)))),
    ((2, 3), lambda x, n: layers.SliceLayer(x, n(1), axis=n(1))),
    ((2, 3, 4, 4), lambda x, n: layers.PadLayer(x, n(2), batch_ndim=n(2))),
    ((2, 3, 8, 8), lambda x, n: layers.Conv2DLayer(x, n(4), n(3), n(2), n(1))),
    ((2, 3, 8), lambda x, n: layers.Conv1DLayer(x, n(4), n(3), pad=n(1))),
    ((2, 3, 4, 4), lambda x, n: layers.Deconv2DLayer(x, n(2), n(3), n(2), n(1))),
    ((2, 3, 8, 8), lambda x, n: layers.DilatedConv2DLayer(x, n(2), n(3), n(2))),
    ((2, 3, 8, 8), lambda x, n: layers.MaxPool2DLayer(x, n(2), n(1))),
    ((2, 3), lambda x, n: layers.BatchNormLayer(x, axes=n(0))),
    ((2, 3), lambda x, n: layers.BiasLayer(x, shared_axes=n(0))),
]


@pytest.mark.parametrize(("shape", "build"), NUMPYS)
def test_integers_of_numpy_are_sizes(shape, build):
    found = []
    for kind in (int, np.int64):
        lasagne.random.set_rng(np.random.RandomState(1))
        source = layers.InputLayer(tuple(map(kind, shape)))
        output = layers.get_output(net := build(source, kind))
        found.append(theano.function([source.input_var], output)(values(3, shape)))
        assert found[-1].shape == tuple(net.output_shape)
    np.testing.assert_array_equal(*found)


def test_a_tuple_of_types():
    assert utils.as_tuple(1.5, 2, (int, float)) == (1.5, 1.5)
    with pytest.raises(TypeError, match="iterable of int or float, got a instead"):
        utils.as_tuple("a", 1, (int, float))


@pytest.mark.parametrize(
    ("build", "kind"),
    [
        (lambda: layers.Conv1DLayer((2, 3, 8, 8), 4, 3), "1D convolution"),
        (lambda: layers.Conv2DLayer((2, 3, 8), 4, 3), "2D convolution"),
        (lambda: layers.MaxPool1DLayer((2, 3, 8, 8), 2), "1D pooling"),
        (lambda: layers.Pool2DLayer((2, 3, 8), 2), "2D pooling"),
    ],
)
def test_inputs_with_other_axes(build, kind):
    with pytest.raises(ValueError, match=rf"(?s)a {kind} layer with input shape \(2"):
        build()


def test_options_that_no_layer_takes():
    source = layers.InputLayer((2, 3))
    net = layers.batch_norm(layers.DenseLayer(source, 4))
    with pytest.warns(UserWarning, match="perhaps you meant deterministic") as told:
        layers.get_output(net, determinstic=True, whatever=1)
    assert "whatever" in str(told[0].message)
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layers.get_output(net, deterministic=True, batch_norm_use_averages=True)
        source.get_output_kwargs.append("own")
        net.get_output_kwargs.append("mine")
        layers.get_output(net, mine=2)


def test_norms_of_arrays_and_expressions():
    for shape, axes in (
        ((3,), None),
        ((4, 3), None),
        ((4, 3, 2, 2), None),
        ((4, 3), [1]),
    ):
        array = values(5, shape)
        over = {1: (), 2: (0,), 4: (1, 2, 3)}[array.ndim] if axes is None else axes
        desired = np.sqrt((array**2).sum(tuple(over)))
        x = T.TensorType("float32", [False] * array.ndim)()
        found = theano.function([x], utils.compute_norms(x, axes))(array)
        np.testing.assert_allclose(found, desired, rtol=1e-5)
        np.testing.assert_allclose(utils.compute_norms(array, axes), desired, rtol=1e-5)
    with pytest.raises(TypeError, match="Unsupported type list"):
        utils.compute_norms([[1.0]], (0,))
    with pytest.raises(ValueError, match="Unsupported tensor dimensionality 0"):
        utils.compute_norms(np.float32(1))


@pytest.mark.parametrize(
    ("mode", "places"),
    [
        ("nearest", [0, 0, 0, 1, 2, 3, 3, 3]),
        ("mirror", [2, 1, 0, 1, 2, 3, 2, 1]),
        ("wrap", [2, 3, 0, 1, 2, 3, 0, 1]),
    ],
)
def test_pixels_outside_of_the_image(mode, places):
    # Eight points from pixel -2 to 5 of a row of four: scaled by 7 / 3.
    row = np.array([3, 1, 4, 1.5], "float32")
    image = np.tile(row, (1, 1, 4, 1))
    source = layers.InputLayer((1, 1, 4, 4))
    matrix = layers.InputLayer((1, 6))
    net = layers.TransformerLayer(source, matrix, 0.5, border_mode=mode)
    f = theano.function([source.input_var, matrix.input_var], layers.get_output(net))
    found = f(image, np.float32([[7 / 3, 0, 0, 0, 1, 0]]))
    assert found.shape == net.output_shape == (1, 1, 8, 8)
    np.testing.assert_allclose(found[0, 0, 3], row[places], rtol=1e-4)
    with pytest.raises(ValueError, match="border_mode must be one of"):
        layers.TransformerLayer(source, matrix, border_mode="zeros")


@pytest.mark.filterwarnings("ignore:stack")  # by Lasagne 0.1
@pytest.mark.parametrize("name", ["mc0", "mc1", "sc", "sd", "md", "unstrided"])
def test_functions_that_convolve_over_one_axis(name):
    function = getattr(lasagne.theano_extensions.conv, f"conv1d_{name}")
    x, w = values(1, (2, 3, 10)), values(2, (4, 3, 2))
    found = []
    for flip in (True, False):
        i, k = T.tensor3(), T.tensor3()
        output = function(i, k, input_shape=x.shape, filter_shape=w.shape)
        if not flip:
            output = function(i, k, x.shape, w.shape, filter_flip=False)
        found.append(theano.function([i, k], output)(x, w))
    windows = np.lib.stride_tricks.sliding_window_view(x, 2, axis=2)
    for output, filters in zip(found, (w[:, :, ::-1], w), strict=True):
        desired = np.einsum("bclk,fck->bfl", windows, filters)
        np.testing.assert_allclose(output, desired, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pad", [0, "same"])
def test_convolutions_of_users(pad):
    """They get the shapes by position, as in 0.2.dev, or by the names of 0.1."""
    calls = []

    def newer(x, W, x_shape, W_shape, subsample, border_mode, filter_flip):
        calls.append((x_shape[1], W_shape, filter_flip))
        return T.nnet.conv2d(
            x, W, x_shape, W_shape, border_mode, subsample, filter_flip
        )

    def older(x, W, image_shape, filter_shape, subsample, border_mode):
        calls.append((image_shape[1], filter_shape, True))
        return T.nnet.conv2d(x, W, image_shape, filter_shape, border_mode, subsample)

    source = layers.InputLayer((2, 3, 6, 6))
    nets = [
        layers.Conv2DLayer(source, 4, 3, pad=pad, W=values(1, (4, 3, 3, 3)), **options)
        for options in ({}, {"convolution": newer}, {"convolution": older})
    ]
    f = theano.function([source.input_var], layers.get_output(nets))
    expected, *others = f(values(2, (2, 3, 6, 6)))
    assert calls == [(3, (4, 3, 3, 3), True)] * 2
    for output in others:
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-5)


def test_maximum_pooling_is_pooling():
    net = layers.MaxPool1DLayer(layers.InputLayer((2, 3, 7)), 3, 2, 1)
    assert isinstance(net, layers.Pool1DLayer)
    assert not isinstance(layers.Pool1DLayer((2, 3, 7), 3), layers.MaxPool1DLayer)
    x = values(1, (2, 3, 7))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=2)[:, :, ::2]
    output = layers.get_output(net, T.constant(x)).eval()
    np.testing.assert_array_equal(output, windows.max(-1))
    assert net.output_shape == output.shape
