"""Each kind of layer, exported, against Theano's evaluation of Lasagne's expression."""

import lasagne
import numpy as np
import pytest
import theano
from lasagne import layers, nonlinearities
from theano import tensor as T

from kfkd import export
from kfkd.errors import ExportError
from kfkd.estimator import NeuralNet
from tests.helpers import onnx_models

SHAPE = (None, 4, 9, 8)


def net_of(*parts):
    """Return a net of layers, given as (class, parameters), and of random weights."""
    definition = [(layers.InputLayer, dict(shape=SHAPE, name="input"))]
    for i, (kind, options) in enumerate(parts):
        definition.append((kind, dict(options, name=f"part{i}")))
    definition.append((layers.DenseLayer, dict(num_units=3, nonlinearity=None)))
    net = NeuralNet(definition, update_learning_rate=0.1, regression=True, verbose=0)
    net.initialize()
    rng = np.random.default_rng(2)
    for param in lasagne.layers.get_all_params(net._output_layers):
        values = rng.uniform(0.2, 1, param.get_value().shape)
        values *= (
            rng.choice([-1, 1], values.shape) if "inv_std" not in str(param) else 1
        )
        param.set_value(values.astype(np.float32))
    return net


def check(net, n=3):
    inputs = layers.get_all_layers(net._output_layers)[0]
    x = inputs.input_var
    output = layers.get_output(net._output_layers[0], deterministic=True)
    compute = theano.function([x], output, mode="FAST_COMPILE")
    X = np.random.default_rng(1).normal(size=(n, *inputs.shape[1:])).astype("float32")
    expected = compute(X)
    model = export.to_onnx(net)
    found = onnx_models.run(model, X)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert onnx_models.run(model, X[:0]).shape == (0, *expected.shape[1:])


CONV = dict(num_filters=6, filter_size=3)


@pytest.mark.parametrize(
    "options",
    [
        {},
        dict(filter_size=(2, 5)),
        dict(pad="same"),
        dict(filter_size=(4, 3), pad="same"),
        dict(pad="same", stride=2),
        dict(pad="full", stride=(2, 1)),
        dict(pad=(2, 1)),
        dict(flip_filters=False),
        dict(num_groups=2),
        dict(untie_biases=True),
        dict(b=None),
    ],
    ids=str,
)
def test_convolutions(options):
    check(net_of((layers.Conv2DLayer, CONV | options)))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (layers.MaxPool2DLayer, dict(pool_size=2)),
        (layers.MaxPool2DLayer, dict(pool_size=(3, 2), stride=(1, 2), pad=1)),
        (layers.MaxPool2DLayer, dict(pool_size=2, ignore_border=False)),
        (layers.MaxPool2DLayer, dict(pool_size=2, stride=3, ignore_border=False)),
        (layers.MaxPool2DLayer, dict(pool_size=3, stride=2, ignore_border=False)),
        (layers.Pool2DLayer, dict(pool_size=3, mode="average_inc_pad", pad=1)),
        (layers.Pool2DLayer, dict(pool_size=3, mode="average_exc_pad", pad=1)),
        (layers.GlobalPoolLayer, {}),
        (layers.GlobalPoolLayer, dict(pool_function=T.max)),
    ],
)
def test_pooling(kind, options):
    check(net_of((kind, options)))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (layers.NINLayer, dict(num_units=5)),
        (layers.NINLayer, dict(num_units=5, untie_biases=True)),
        (layers.BatchNormLayer, {}),
        (layers.BatchNormLayer, dict(axes=(0,))),
        (layers.BatchNormLayer, dict(gamma=None, beta=None)),
        (layers.PadLayer, dict(width=2)),
        (layers.PadLayer, dict(width=[(1, 2), 3], val=0.5)),
        (layers.PadLayer, dict(width=1, batch_ndim=1)),
        (layers.ScaleLayer, {}),
        (layers.ScaleLayer, dict(shared_axes=(0, 1))),
        (layers.BiasLayer, {}),
        (layers.ParametricRectifierLayer, {}),
        (layers.ParametricRectifierLayer, dict(shared_axes=(0, 1, 2, 3))),
        (layers.DropoutLayer, dict(p=0.4)),
        (layers.GaussianNoiseLayer, {}),
        (layers.FlattenLayer, {}),
        (layers.FlattenLayer, dict(outdim=3)),
    ],
)
def test_other_layers(kind, options):
    check(net_of((kind, options)))


@pytest.mark.parametrize(
    "function",
    [
        nonlinearities.rectify,
        nonlinearities.sigmoid,
        nonlinearities.tanh,
        nonlinearities.softmax,
        nonlinearities.softplus,
        nonlinearities.elu,
        nonlinearities.linear,
        nonlinearities.leaky_rectify,
        nonlinearities.very_leaky_rectify,
        nonlinearities.LeakyRectify(0.2),
        nonlinearities.ScaledTanH(0.5, 2),
        T.tanh,
        T.nnet.sigmoid,
        T.nnet.relu,
        T.nnet.softplus,
        None,
    ],
)
def test_nonlinearities(function):
    check(net_of((layers.DenseLayer, dict(num_units=6, nonlinearity=function))))
    if function is not nonlinearities.softmax:
        check(net_of((layers.NonlinearityLayer, dict(nonlinearity=function))))


def test_branches():
    def both(incoming, name=None, **_):
        left = layers.Conv2DLayer(incoming, 4, 3, pad="same")
        right = layers.MaxPool2DLayer(incoming, 3, stride=1, pad=1)
        joined = layers.ConcatLayer([left, right, incoming])
        return layers.ElemwiseSumLayer([joined, layers.NINLayer(joined, 12)])

    start = layers.InputLayer(SHAPE)
    net = NeuralNet(both(start), update_learning_rate=0.1, regression=True, verbose=0)
    net.seed(0).initialize()
    x = start.input_var
    expected = theano.function(
        [x], layers.get_output(net._output_layers[0], deterministic=True)
    )
    X = np.random.default_rng(1).normal(size=(2, *SHAPE[1:])).astype("float32")
    model = export.to_onnx(net)
    found = onnx_models.run(model, X)
    np.testing.assert_allclose(found, expected(X), rtol=1e-4, atol=1e-4)


class OwnDense(layers.DenseLayer):
    """Which may compute anything."""


def swish(x):
    return x * T.nnet.sigmoid(x)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (OwnDense, dict(num_units=2), "layer 'part0' is a OwnDense, which cannot be"),
        (layers.LocalResponseNormalization2DLayer, {}, "LocalResponseNormalization2D"),
        (layers.FeaturePoolLayer, dict(pool_size=2), "FeaturePoolLayer"),
        (
            layers.DenseLayer,
            dict(num_units=2, nonlinearity=swish),
            r"^layer 'part0' \(DenseLayer\) cannot be exported: its nonlinearity is sw",
        ),
        (layers.DenseLayer, dict(num_units=2, nonlinearity=T.exp), r"Elemwise\{exp"),
        (
            layers.Pool2DLayer,
            dict(pool_size=3, mode="average_inc_pad", ignore_border=False),
            r"'part0' \(Pool2DLayer\) .* ignore_border=False",
        ),
        (layers.DenseLayer, dict(num_units=2, num_leading_axes=2), "num_leading_axes"),
        (layers.GlobalPoolLayer, dict(pool_function=T.min), "pool_function is neither"),
        (layers.PadLayer, dict(width=1, val=T.scalar()), "val is not a number"),
        (
            layers.Conv2DLayer,
            CONV | dict(convolution=lambda *args, **kwargs: T.nnet.conv2d(*args)),
            "it has a convolution of its own",
        ),
    ],
)
def test_a_layer_that_cannot_be_exported_is_named(kind, options, message):
    start = layers.InputLayer(SHAPE)
    layer = kind(start, name="part0", **options)
    net = NeuralNet(layer, update_learning_rate=0.1, regression=True, verbose=0)
    net.initialize_layers()
    net._initialized = True
    with pytest.raises(ExportError, match=message):
        export.to_onnx(net)
