"""Backports to Lasagne as a whole: shapes, parameters, noise, names, errors."""

import functools
import inspect
import pickle
import warnings

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import init, layers, utils
from lasagne.layers import dnn

from tests.helpers.theano_oracle import random

IMAGES = (2, 4, 6, 5)
values = functools.partial(random, dtype="float32")


def test_dropout_of_channels_and_locations():
    lasagne.random.set_rng(np.random.RandomState(0))
    source = layers.InputLayer((None, 8, 9, 7))
    nets = [
        layers.dropout_channels(source, p=0.5),
        layers.dropout_locations(source, p=0.25),
        layers.spatial_dropout(source, rescale=False),
    ]
    f = theano.function([source.input_var], layers.get_output(nets))
    channels, locations, kept = f(np.ones((10, 8, 9, 7), "float32"))
    assert set(np.unique(channels)) == {0, 2}
    assert np.ptp(channels, axis=(2, 3)).max() == 0
    assert 0.3 < (channels == 0).mean() < 0.7
    np.testing.assert_allclose(np.unique(locations), [0, 4 / 3], rtol=1e-6)
    assert np.ptp(locations, axis=1).max() == 0
    assert np.ptp(locations, axis=(2, 3)).min() > 0
    assert set(np.unique(kept)) == {0, 1}


def test_random_slopes():
    source = layers.InputLayer((None, 50))
    net = layers.RandomizedRectifierLayer(source, 0.2, 0.4)
    f = theano.function([source.input_var], layers.get_output(net))
    slopes = -f(np.full((3, 50), -1, "float32"))
    assert np.ptp(slopes, axis=0).max() == 0
    assert 0.2 < slopes.min() < 0.25
    assert 0.35 < slopes.max() < 0.4


def test_shapes_that_are_not_known():
    source = layers.InputLayer((None, 3, None, 5))
    assert layers.FlattenLayer(source).output_shape == (None, None)
    assert layers.FlattenLayer(source, 3).output_shape == (None, 3, None)
    assert layers.PadLayer(source, [1, (2, 0)]).output_shape == (None, 3, None, 7)
    assert layers.SliceLayer(source, slice(1, 3), 2).output_shape == source.shape
    up = layers.Upscale2DLayer(source, 2)
    assert up.output_shape == (None, 3, None, 10)
    back = layers.TransposedConv2DLayer(source, 2, 3, 2)
    assert back.output_shape == (None, 2, None, 11)
    mean = layers.ExpressionLayer(source, lambda x: x.mean(1), "auto")
    assert mean.output_shape == (None, None, 5)
    with pytest.raises(ValueError, match="requires a fixed input shape"):
        layers.DenseLayer(source, 2)
    x = np.ones((2, 3, 4, 5), "float32")
    outputs = layers.get_output([up, back])
    shapes = [v.shape for v in theano.function([source.input_var], outputs)(x)]
    assert shapes == [(2, 3, 8, 10), (2, 2, 9, 11)]


def test_parameters():
    W = utils.create_param(init.Constant(2), (3, 1), "W")
    assert W.broadcastable == (False, True)
    assert W.name == "W"
    assert utils.create_param(np.float32(2), ()).get_value() == 2
    expression = utils.create_param(W * 2, (3, 1), "twice")
    assert expression.name == "twice"
    layer = layers.DenseLayer((2, 3), 1, W=expression)
    assert layer.get_params() == [W, layer.b]
    assert layer.get_params(unwrap_shared=False) == [expression, layer.b]
    assert layers.get_all_params(layer, unwrap_shared=False, regularizable=True) == [
        expression
    ]
    assert layers.count_params(layer) == 4
    for spec, message in (
        (np.ones((2, 2)), "has shape"),
        (T.vector(), "has 1 dimensions, should be 2"),
        ("W", "but a str"),
        (lambda shape: "W", "not an array or a Theano expression"),
    ):
        with pytest.raises(ValueError, match=message):
            utils.create_param(spec, (3, 1), "W")


def test_inverse_and_standardizing_layers_leave_parameters_alone():
    source = layers.InputLayer((None, 3))
    net = layers.standardize(source, np.arange(3.0), np.full(3, 2.0), shared_axes=0)
    assert layers.get_all_params(net, trainable=True) == []
    saved = layers.get_all_param_values(net)
    np.testing.assert_allclose(saved, [[0, -1, -2], [0.5] * 3])
    f = theano.function([source.input_var], layers.get_output(net))
    x = values(0, (4, 3))
    np.testing.assert_allclose(f(x), (x - np.arange(3)) / 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda i: layers.DilatedConv2DLayer(i, 3, 3, pad=1), "add a PadLayer"),
        (lambda i: layers.Conv3DLayer(i, 3, 3), "Tried to create a 3D"),
        (lambda i: layers.Conv2DLayer(i, 3, 3, num_groups=2), "evenly divide"),
        (
            lambda i: layers.DilatedConv2DLayer(i, 4, 3, num_groups=2),
            "DilatedConv2DLayer requires num_groups=1",
        ),
        (lambda i: layers.Upscale2DLayer(i, 0), "must be >= 1"),
        (lambda i: layers.Upscale2DLayer(i, 2, mode="zoom"), "'repeat' or 'dilate'"),
        (lambda i: layers.BiasLayer(i, shared_axes="all"), "must be 'auto'"),
        (lambda i: layers.BatchNormLayer((2, None)), "needs specified input sizes"),
        (lambda i: layers.LocallyConnected2DLayer(i, 3, 2), "odd filters"),
        (lambda i: dnn.MaxPool2DDNNLayer(i, 2, ignore_border=False), "ignore_border"),
        (lambda i: dnn.BatchNormDNNLayer(i, axes=1), "across the first axis"),
        (
            lambda i: layers.ConcatLayer([i, (2, 4, 3, 5)]).output_shape,
            "must be the same except",
        ),
        (lambda i: layers.DenseLayer(i, 3, num_leading_axes=4), "leaves no axis"),
        (lambda i: layers.TransformerLayer(i, layers.FlattenLayer(i)), "size, 6"),
    ],
)
def test_errors_of_layers(make, message):
    with pytest.raises((ValueError, NotImplementedError), match=message):
        make(layers.InputLayer(IMAGES))


def test_convolutions_by_position_as_in_0_1():
    def convolution(*args, **kwargs):
        return T.nnet.conv2d(*args, **kwargs)

    conv = layers.Conv2DLayer(
        IMAGES, 3, 3, 1, 0, False, init.Constant(1), None, None, convolution
    )
    assert conv.convolution is convolution
    assert conv.flip_filters is True


CONVOLUTION = (
    "incoming num_filters filter_size stride pad untie_biases W b nonlinearity "
    "flip_filters"
)


@pytest.mark.parametrize(
    ("layer", "names", "defaults"),
    [
        (layers.Conv2DLayer, f"{CONVOLUTION} convolution num_groups", {"pad": 0}),
        (layers.Conv3DLayer, f"{CONVOLUTION} convolution", {"stride": (1, 1, 1)}),
        (dnn.Conv2DDNNLayer, CONVOLUTION, {"stride": (1, 1), "flip_filters": False}),
        (
            layers.LocallyConnected2DLayer,
            f"{CONVOLUTION} channelwise",
            {"pad": "same", "flip_filters": True, "channelwise": False},
        ),
        (
            layers.TransposedConv2DLayer,
            f"{CONVOLUTION} output_size num_groups".replace("pad", "crop"),
            {"crop": 0, "flip_filters": False, "output_size": None},
        ),
        (
            layers.DilatedConv2DLayer,
            CONVOLUTION.replace("stride", "dilation"),
            {"dilation": (1, 1), "flip_filters": False},
        ),
        (
            dnn.MaxPool3DDNNLayer,
            "incoming pool_size stride pad ignore_border",
            {"stride": None, "pad": (0, 0, 0), "ignore_border": True},
        ),
    ],
)
def test_parameters_of_constructors(layer, names, defaults):
    parameters = inspect.signature(layer).parameters
    assert list(parameters) == [*names.split(), "kwargs"]
    assert {name: parameters[name].default for name in defaults} == defaults
    with pytest.raises(TypeError, match=f"{layer.__name__}.*'incoming'"):
        layer()


def pickled_by_lasagne_0_1(layer, *options):
    """Return a layer without the attributes that Lasagne 0.1 does not set."""
    for option in options:
        del vars(layer)[option]
    return pickle.loads(pickle.dumps(layer))


def test_pickles_of_lasagne_0_1():
    source = layers.InputLayer((2, 3, 8))
    old = [
        pickled_by_lasagne_0_1(layer, *options)
        for layer, *options in [
            (layers.Conv1DLayer(source, 2, 3), "flip_filters", "num_groups"),
            (layers.DenseLayer(source, 2), "num_leading_axes"),
            (layers.DropoutLayer(source, p=0), "shared_axes"),
            (layers.ConcatLayer([source, source]), "cropping"),
            (layers.ElemwiseSumLayer([source, source]), "cropping"),
            (layers.LSTMLayer(source, 2), "only_return_final", "_state_layers"),
        ]
    ]
    shapes = [(2, 2, 6), (2, 2), (2, 3, 8), (2, 6, 8), (2, 3, 8), (2, 3, 2)]
    assert [layer.output_shape for layer in old] == shapes
    x = values(0, (2, 3, 8))
    for layer, shape in zip(old, shapes, strict=True):
        assert layers.get_output(layer, theano.shared(x)).eval().shape == shape


def test_modules_that_cannot_be():
    with pytest.raises(ImportError, match=r"Use lasagne\.layers\.Conv2DLayer"):
        from lasagne.layers.cuda_convnet import Conv2DCCLayer  # noqa: F401
    from lasagne.layers.corrmm import Conv2DMMLayer

    assert issubclass(Conv2DMMLayer, layers.Conv2DLayer)


@pytest.mark.parametrize("layer", [layers.Conv1DLayer, layers.Conv2DLayer])
def test_a_convolution_of_a_subclass(layer):
    class Doubled(layer):
        def convolve(self, input, **kwargs):
            return 2 * super().convolve(input, **kwargs)

    n = layer.n
    assert issubclass(layer, layers.conv.BaseConvLayer)
    source = layers.InputLayer((2, 3, *[6] * n))
    b = values(3, (4,))
    plain = layer(source, 4, 3, b=b, nonlinearity=None)
    double = Doubled(source, 4, 3, W=plain.W, b=plain.b, nonlinearity=abs)
    x = values(0, source.shape)
    one, two, bare = (
        v.eval({source.input_var: x})
        for v in (
            *layers.get_output([plain, double]),
            plain.convolve(source.input_var),
        )
    )
    again = plain.get_output_for(source.input_var, source.shape)
    np.testing.assert_allclose(again.eval({source.input_var: x}), one, rtol=1e-6)
    shift = b.reshape(-1, *[1] * n)
    np.testing.assert_allclose(one, bare + shift, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(two, abs(2 * bare + shift), rtol=1e-5, atol=1e-6)


def test_sizes_of_inputs():
    layer = layers.InputLayer([None, 1, 5], name="x")
    assert layer.shape == layer.output_shape == (None, 1, 5)
    assert layer.input_var.broadcastable == (False, True, False)
    assert layer.input_var.name == "x.input"
    given = T.tensor3()
    assert layers.InputLayer((None, 1, 5), given).input_var is given
    f = theano.function([layer.input_var], layer.input_var * T.ones((2, 3, 1)))
    assert f(values(0, (2, 1, 5))).shape == (2, 3, 5)
    for shape in ((0, 4), (None, -1)):
        with pytest.raises(ValueError, match="non-positive shape dimension"):
            layers.InputLayer(shape)


def test_all_names_are_imported_with_a_star():
    for module, names in (
        ("lasagne.updates", "adamax amsgrad adam"),
        ("lasagne.objectives", "huber_loss align_targets squared_error"),
        ("lasagne.layers.conv", "Conv3DLayer DilatedConv2DLayer Conv2DLayer"),
        ("lasagne.layers.special", "ExpressionLayer NonlinearityLayer"),
    ):
        found = {}
        exec(f"from {module} import *", found)
        assert {*names.split()} <= {*found}


def test_names_from_before_the_first_release():
    for name in ("Conv2DCCLayer", "get_all_non_bias_params"):
        message = rf"^lasagne\.layers\.{name} is not available"
        with pytest.raises(ImportError, match=message):
            exec(f"from lasagne.layers import DenseLayer, {name}")
        with pytest.raises(AttributeError, match=message):
            getattr(layers, name)
        assert not hasattr(layers, name)
    with pytest.raises(AttributeError, match=r"^module 'lasagne.layers' has no attri"):
        layers.Conv2D  # noqa: B018
    with pytest.raises(ImportError, match=r"squared_error\(.*\)\.mean\(\)"):
        from lasagne.objectives import Objective  # noqa: F401
    from lasagne.objectives import mse

    x = np.float32([[1, 2], [3, 5]])
    np.testing.assert_array_equal(mse(T.constant(x), 1).eval(), (x - 1) ** 2)
    joined = utils.concatenate([T.constant(x), T.constant(x)], axis=1)
    np.testing.assert_array_equal(joined.eval(), np.concatenate([x, x], 1))

    class Both(layers.MultipleInputsLayer):
        def get_output_shape_for(self, input_shapes):
            return input_shapes[0]

        def get_output_for(self, inputs, **kwargs):
            return inputs[0] - inputs[1]

    source = layers.InputLayer((2, 2), T.constant(x))
    assert abs(layers.get_output(Both([source, source])).eval()).max() == 0


def test_names_are_pickled_as_those_of_lasagne():
    for name in ("BatchNormLayer", "batch_norm"):
        thing = getattr(layers, name)
        assert thing.__module__ == "lasagne.layers.normalization"
        assert getattr(lasagne.layers.normalization, name) is thing
    assert layers.InverseLayer is lasagne.layers.special.InverseLayer
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert layers.Layer((2, 3)).get_output_kwargs == []
