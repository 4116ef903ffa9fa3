"""What Lasagne 0.1 is lent from 0.2.dev: against PyTorch, NumPy and the definitions.

All layers are tried if KFKD_CASES is set, as for ``KFKD_CASES=10000 make test``, and
else those that differ most.
"""

import functools
import os
import warnings

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import init, layers, nonlinearities, objectives, updates, utils
from lasagne.layers import dnn

torch = pytest.importorskip("torch")
F = torch.nn.functional

IMAGES = (2, 4, 6, 5)
SIGNALS = (2, 4, 9)
VOLUMES = (2, 2, 4, 5, 4)
ROWS = (3, 4)


def flip(W):
    return W.flip(tuple(range(2, W.ndim)))


def along(b):
    """Put the axes of an image after a vector of channels."""
    return b[:, None, None]


def standardized(x, axes, epsilon=1e-4):
    mean, variance = x.mean(axes, keepdim=True), x.var(axes, False, keepdim=True)
    return (x - mean) / torch.sqrt(variance + epsilon)


def dilated_by_zeros(x):
    out = torch.zeros(*x.shape[:2], x.shape[2] * 2, x.shape[3] * 3, dtype=x.dtype)
    out[:, :, ::2, ::3] = x
    return out


def locally_connected(x, W, b):
    rows, columns = W.shape[2:4]
    x = F.pad(x, (columns // 2, columns // 2, rows // 2, rows // 2))
    n, channels = x.shape[:2]
    patches = F.unfold(x, (rows, columns)).reshape(n, channels, rows, columns, 6, 5)
    return torch.einsum("ncijrs,fcijrs->nfrs", patches, W.flip((2, 3))) + along(b)


def linear(layer, *args, **kwargs):
    return layer(*args, nonlinearity=None, **kwargs)


# Each layer, without its nonlinearity: the shape of its input, how it is made, and what
# it computes of its input and parameters, in their order.
LAYERS = {
    "correlation 1d": (
        SIGNALS,
        lambda i: linear(layers.Conv1DLayer, i, 3, 4, flip_filters=False),
        lambda x, W, b: F.conv1d(x, W, b),
    ),
    "correlation": (
        IMAGES,
        lambda i: linear(layers.Conv2DLayer, i, 3, 3, pad="same", flip_filters=False),
        lambda x, W, b: F.conv2d(x, W, b, padding=1),
    ),
    "groups": (
        IMAGES,
        lambda i: linear(layers.Conv2DLayer, i, 6, (3, 2), num_groups=2),
        lambda x, W, b: F.conv2d(x, flip(W), b, groups=2),
    ),
    "groups 1d": (
        SIGNALS,
        lambda i: linear(layers.Conv1DLayer, i, 2, 3, stride=2, num_groups=2),
        lambda x, W, b: F.conv1d(x, flip(W), b, stride=2, groups=2),
    ),
    "convolution 3d": (
        VOLUMES,
        lambda i: linear(layers.Conv3DLayer, i, 3, (3, 2, 3), stride=(1, 2, 1)),
        lambda x, W, b: F.conv3d(x, flip(W), b, stride=(1, 2, 1)),
    ),
    "transposed": (
        IMAGES,
        lambda i: linear(layers.TransposedConv2DLayer, i, 3, (3, 4), 2, crop=1),
        lambda x, W, b: F.conv_transpose2d(x, flip(W), b, 2, 1),
    ),
    "transposed, untied": (
        IMAGES,
        lambda i: linear(
            layers.Deconv2DLayer, i, 3, 3, untie_biases=True, flip_filters=True
        ),
        lambda x, W, b: F.conv_transpose2d(x, W) + b,
    ),
    "transposed to a size": (
        IMAGES,
        lambda i: linear(
            layers.TransposedConv2DLayer, i, 2, 3, 2, crop="same", output_size=(12, 10)
        ),
        lambda x, W, b: F.conv_transpose2d(x, flip(W), b, 2, 1, 1),
    ),
    "transposed 3d": (
        VOLUMES,
        lambda i: linear(layers.TransposedConv3DLayer, i, 3, 3, 2, crop=1),
        lambda x, W, b: F.conv_transpose3d(x, flip(W), b, 2, 1),
    ),
    "dilated": (
        IMAGES,
        lambda i: linear(layers.DilatedConv2DLayer, i, 3, (3, 2), dilation=(2, 3)),
        lambda x, W, b: F.conv2d(x, W.transpose(0, 1), b, dilation=(2, 3)),
    ),
    "locally connected": (
        IMAGES,
        lambda i: linear(layers.LocallyConnected2DLayer, i, 3, (3, 5)),
        locally_connected,
    ),
    "locally connected channels": (
        IMAGES,
        lambda i: linear(
            layers.LocallyConnected2DLayer,
            i,
            4,
            1,
            channelwise=True,
            untie_biases=True,
        ),
        lambda x, W, b: x * W[:, 0, 0] + b,
    ),
    "cudnn": (
        IMAGES,
        lambda i: linear(dnn.Conv2DDNNLayer, i, 3, 3, 2, pad="same"),
        lambda x, W, b: F.conv2d(x, W, b, 2, 1),
    ),
    "cudnn flipped": (
        IMAGES,
        lambda i: linear(dnn.Conv2DDNNLayer, i, 3, 3, flip_filters=True),
        lambda x, W, b: F.conv2d(x, flip(W), b),
    ),
    "cudnn pool": (
        IMAGES,
        lambda i: dnn.MaxPool2DDNNLayer(i, 2, stride=1),
        lambda x: F.max_pool2d(x, 2, 1),
    ),
    "pool 1d": (
        SIGNALS,
        lambda i: layers.Pool1DLayer(i, 3, 2, pad=1, mode="average_inc_pad"),
        lambda x: F.avg_pool1d(x, 3, 2, 1),
    ),
    "pool 3d": (
        VOLUMES,
        lambda i: layers.MaxPool3DLayer(i, (2, 3, 2), stride=(2, 1, 1)),
        lambda x: F.max_pool3d(x, (2, 3, 2), (2, 1, 1)),
    ),
    "upscale": (
        IMAGES,
        lambda i: layers.Upscale2DLayer(i, (2, 3)),
        lambda x: x.repeat_interleave(2, 2).repeat_interleave(3, 3),
    ),
    "upscale with zeros": (
        IMAGES,
        lambda i: layers.Upscale2DLayer(i, (2, 3), mode="dilate"),
        dilated_by_zeros,
    ),
    "upscale 1d": (
        SIGNALS,
        lambda i: layers.Upscale1DLayer(i, 2),
        lambda x: x.repeat_interleave(2, 2),
    ),
    "pyramid": (
        IMAGES,
        lambda i: layers.SpatialPyramidPoolingLayer(
            i, [3, 1], "average_exc_pad", implementation="kaiming"
        ),
        lambda x: torch.cat(
            [F.adaptive_avg_pool2d(x, n).flatten(2) for n in (3, 1)], 2
        ),
    ),
    "even pyramid": (
        (2, 3, 8, 8),
        lambda i: layers.SpatialPyramidPoolingLayer(i),
        lambda x: torch.cat(
            [F.adaptive_max_pool2d(x, n).flatten(2) for n in (4, 2, 1)], 2
        ),
    ),
    "biases": (
        IMAGES,
        lambda i: layers.BiasLayer(i, shared_axes=(0, 2)),
        lambda x, b: x + b[:, None],
    ),
    "scales": (
        IMAGES,
        lambda i: layers.ScaleLayer(i),
        lambda x, scales: x * along(scales),
    ),
    "function": (
        IMAGES,
        lambda i: layers.ExpressionLayer(i, lambda x: x.mean(-1) ** 2, "auto"),
        lambda x: x.mean(-1) ** 2,
    ),
    "prelu": (
        IMAGES,
        lambda i: layers.prelu(layers.NINLayer(i, 3, b=None)),
        lambda x, W, alpha: F.prelu(torch.einsum("nchw,cf->nfhw", x, W), alpha),
    ),
    "rrelu at rest": (
        ROWS,
        lambda i: layers.rrelu(layers.DenseLayer(i, 3)),
        lambda x, W, b: F.leaky_relu(x @ W + b, 0.55),
    ),
    "dense along axes": (
        SIGNALS,
        lambda i: linear(layers.DenseLayer, i, 3, num_leading_axes=2),
        lambda x, W, b: x @ W + b,
    ),
    "dense along all axes but one": (
        IMAGES,
        lambda i: linear(layers.DenseLayer, i, 3, num_leading_axes=-2, b=None),
        lambda x, W: x.flatten(2) @ W,
    ),
    "standardized images": (
        IMAGES,
        lambda i: layers.instance_norm(linear(layers.NINLayer, i, 3)),
        lambda x, W, scales, b: (
            standardized(torch.einsum("nchw,cf->nfhw", x, W), (2, 3)) * along(scales)
            + along(b)
        ),
    ),
    "standardized rows": (
        ROWS,
        lambda i: layers.layer_norm(linear(layers.DenseLayer, i, 3)),
        lambda x, W, scales, b: standardized(x @ W, (1,)) * scales + b,
    ),
    "transformed": (
        IMAGES,
        lambda i: layers.TransformerLayer(
            i, linear(layers.DenseLayer, layers.FlattenLayer(i), 6), 0.5
        ),
        lambda x, W, b: F.grid_sample(
            x,
            F.affine_grid(
                (x.flatten(1) @ W + b).reshape(-1, 2, 3), (2, 4, 12, 10), True
            ),
            padding_mode="border",
            align_corners=True,
        ),
    ),
    "inverse": (
        ROWS,
        lambda i: layers.InverseLayer(
            hidden := linear(layers.DenseLayer, i, 3), hidden
        ),
        lambda x, W, b: (x @ W + b) @ W.T,
    ),
    "unpooled": (
        (2, 3, 4, 4),
        lambda i: layers.InverseLayer(pool := layers.MaxPool2DLayer(i, 2), pool),
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    ),
    "tied": (
        ROWS,
        lambda i: linear(
            layers.DenseLayer,
            hidden := linear(layers.DenseLayer, i, 3, b=None),
            4,
            W=hidden.W.T,
        ),
        lambda x, W, b: x @ W @ W.T + b,
    ),
    "cropped sum": (
        IMAGES,
        lambda i: layers.ElemwiseSumLayer(
            [i, layers.SliceLayer(i, slice(1, 4), axis=2)],
            cropping=[None, None, "center"],
        ),
        lambda x: x[:, :, 1:4] + x[:, :, 1:4],
    ),
    "cropped concatenation": (
        IMAGES,
        lambda i: layers.ConcatLayer(
            [i, layers.SliceLayer(i, slice(2, 5), axis=2)],
            cropping=[None, None, "upper"],
        ),
        lambda x: torch.cat([x[:, :, 3:], x[:, :, 2:5]], 1),
    ),
    "broadcast product": (
        IMAGES,
        lambda i: layers.ElemwiseMergeLayer(
            [i, layers.SliceLayer(i, slice(0, 1), axis=1)], T.mul
        ),
        lambda x: x * x[:, :1],
    ),
    **{
        name: (
            ROWS,
            lambda i, f=function: layers.NonlinearityLayer(i, f),
            reference,
        )
        for name, function, reference in (
            ("elu", nonlinearities.elu, F.elu),
            ("selu", nonlinearities.selu, F.selu),
            ("softplus", nonlinearities.softplus, F.softplus),
            (
                "scaled tanh",
                nonlinearities.ScaledTanH(0.5, 2),
                lambda x: 2 * torch.tanh(x / 2),
            ),
        )
    },
}

RARELY = {
    "groups 1d",
    "convolution 3d",
    "transposed 3d",
    "transposed, untied",
    "locally connected channels",
    "cudnn flipped",
    "pool 3d",
    "upscale 1d",
    "even pyramid",
    "dense along all axes but one",
    "standardized rows",
}
assert set(LAYERS) >= RARELY
if "KFKD_CASES" not in os.environ:
    LAYERS = {name: case for name, case in LAYERS.items() if name not in RARELY}


def values(seed, shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.fixture(scope="module")
def computed():
    """Outputs and gradients of all layers, from one program."""
    inputs, outputs, given, places = [], [], [], {}
    for name, (shape, build, _) in LAYERS.items():
        source = layers.InputLayer(shape)
        net = build(source)
        output = layers.get_output(net, deterministic=True)
        params = layers.get_all_params(net)
        for i, param in enumerate(params):
            param.set_value(values(i, param.get_value().shape))
        x, weights = values(8, shape), values(9, net.output_shape)
        gradients = T.grad(T.sum(output * weights), [source.input_var, *params])
        places[name] = x, [p.get_value() for p in params], weights, len(outputs)
        inputs.append(source.input_var)
        given.append(x)
        outputs += [output, *gradients]
    found = theano.function(inputs, outputs, mode="xla")(*given)
    return {
        name: (x, params, weights, found[start : start + 2 + len(params)])
        for name, (x, params, weights, start) in places.items()
    }


@pytest.mark.parametrize("name", LAYERS)
def test_layers(computed, name):
    x, params, weights, found = computed[name]
    tensors = [torch.tensor(v, requires_grad=True) for v in (x, *params)]
    output = LAYERS[name][2](*tensors)
    (output * torch.tensor(weights)).sum().backward()
    expected = [output.detach(), *(tensor.grad for tensor in tensors)]
    for actual, desired in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, desired.numpy(), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("mode", ["xla", "FAST_RUN"])
def test_batch_normalization(mode):
    source = layers.InputLayer((None, 4, 3, 2))
    net = layers.batch_norm(
        layers.NINLayer(source, 3, name="nin"), alpha=0.3, epsilon=1e-3
    )
    norm = net.input_layer
    assert [p.name for p in layers.get_all_params(net)] == [
        "nin.W",
        "nin_bn.beta",
        "nin_bn.gamma",
        "nin_bn.mean",
        "nin_bn.inv_std",
    ]
    trained = layers.get_all_params(net, trainable=True)
    assert trained == [norm.input_layer.W, norm.beta, norm.gamma]
    kept = layers.get_all_params(net, regularizable=True)
    assert kept == [norm.input_layer.W, norm.gamma]
    norm.beta.set_value(values(1, 3))
    norm.gamma.set_value(values(2, 3))
    x = values(3, (5, 4, 3, 2))
    output = layers.get_output(net)
    cost = T.sum(output * values(4, (5, 3, 3, 2)))
    train = theano.function(
        [source.input_var], [output, *T.grad(cost, trained)], mode=mode
    )
    rest = layers.get_output(net, deterministic=True)
    evaluate = theano.function([source.input_var], rest, mode=mode)
    W, beta, gamma = (torch.tensor(p.get_value(), requires_grad=True) for p in trained)
    hidden = torch.einsum("nchw,cf->nfhw", torch.tensor(x), W)
    normal = F.batch_norm(hidden, None, None, gamma, beta, training=True, eps=1e-3)
    expected = F.relu(normal)
    (expected * torch.tensor(values(4, (5, 3, 3, 2)))).sum().backward()
    mean, variance = hidden.mean((0, 2, 3)), hidden.var((0, 2, 3), False)
    found = train(x)
    for actual, desired in zip(
        found, (expected.detach(), W.grad, beta.grad, gamma.grad), strict=True
    ):
        np.testing.assert_allclose(actual, desired.numpy(), rtol=1e-3, atol=1e-4)
    averages = 0.3 * mean, 0.7 + 0.3 / torch.sqrt(variance + 1e-3)
    for actual, desired in zip((norm.mean, norm.inv_std), averages, strict=True):
        np.testing.assert_allclose(actual.get_value(), desired.detach(), rtol=1e-4)
    expected = F.relu(
        (hidden - along(averages[0])) * along(averages[1] * gamma) + along(beta)
    )
    np.testing.assert_allclose(evaluate(x), expected.detach(), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(norm.mean.get_value(), averages[0].detach(), rtol=1e-4)


def test_batch_normalization_without_updates():
    source = layers.InputLayer((None, 4))
    net = layers.BatchNormLayer(source, beta=None, gamma=None, mean=init.Constant(2))
    output = layers.get_output(net, batch_norm_update_averages=False)
    x = values(0, (5, 4))
    found = theano.function([source.input_var], output)(x)
    np.testing.assert_allclose(found, standardized(torch.tensor(x), (0,)), 1e-3, 1e-5)
    output = layers.get_output(net, batch_norm_use_averages=True)
    theano.function([source.input_var], output)(x)
    np.testing.assert_allclose(net.mean.get_value(), 1.8 + x.mean(0) / 10, rtol=1e-5)


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


RECURRENT = {
    "custom": lambda i, **more: layers.CustomRecurrentLayer(
        i,
        layers.DenseLayer(layers.InputLayer((6, 4)), 3),
        layers.DenseLayer(layers.InputLayer((2, 3)), 3),
        **more,
    ),
    "lstm": lambda i, **more: layers.LSTMLayer(i, 3, **more),
    "gru": lambda i, **more: layers.GRULayer(i, 3, learn_init=False, **more),
}


@pytest.mark.filterwarnings("ignore:stack")  # by Lasagne 0.1
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_start_from_others_and_end_with_the_last(name):
    source, start = layers.InputLayer((2, 3, 4)), layers.InputLayer((2, 3))
    build = functools.partial(RECURRENT[name], source, hid_init=start, unroll_scan=True)
    whole = build(grad_clipping=0)
    last = build(only_return_final=True)
    first = build(only_return_final=True, backwards=True)
    backwards = build(backwards=True)
    assert whole.output_shape == (2, 3, 3)
    assert last.output_shape == first.output_shape == (2, 3)
    nets = [whole, last, backwards, first]
    params = layers.get_all_params(whole)
    for net in nets:
        layers.set_all_param_values(
            net, [values(i, p.get_value().shape) for i, p in enumerate(params)]
        )
    outputs = layers.get_output(nets)
    # Lasagne 0.1 would clip to 0, which it did not take for False.
    weight = T.grad(outputs[0].sum(), params[0])
    f = theano.function([source.input_var, start.input_var], [*outputs, weight])
    x = values(1, (2, 3, 4))
    whole, last, backwards, first, weight = f(x, values(2, (2, 3)))
    np.testing.assert_allclose(last, whole[:, -1], rtol=1e-6)
    np.testing.assert_allclose(first, backwards[:, 0], rtol=1e-6)
    assert abs(weight).max() > 0
    other, *_ = f(x, values(3, (2, 3)))
    assert abs(other - whole)[:, 0].max() > 1e-3


def test_recurrent_layers_of_one_unit():
    source = layers.InputLayer((2, 3, 4))
    nets = [layers.LSTMLayer(source, 1), layers.GRULayer(source, 1, learn_init=True)]
    f = theano.function([source.input_var], layers.get_output(nets))
    for output in f(values(0, (2, 3, 4))):
        assert output.shape == (2, 3, 1)


def test_what_gru_layers_learn_is_to_be_said():
    with pytest.warns(UserWarning, match="Say learn_init=True or learn_init=False"):
        net = layers.GRULayer((2, 3, 4), 3)
    assert net.hid_init in net.get_params(trainable=True)


def losses_of_rows(p, t, y):
    """Losses of predictions, of targets as rows, and of right classes."""
    return {
        "multiclass hinge": objectives.multiclass_hinge_loss(p, y, 0.3),
        "multiclass hinge of rows": objectives.multiclass_hinge_loss(p, t, 0.3),
        "huber": objectives.huber_loss(p, t, 0.4),
        "hinge": objectives.binary_hinge_loss(p, t, log_odds=True),
        "hinge of odds": objectives.binary_hinge_loss(
            p, t, log_odds=False, binary=True
        ),
        "accuracy": objectives.categorical_accuracy(p, y),
        "accuracy of rows": objectives.categorical_accuracy(p, t),
        "accuracy of two": objectives.categorical_accuracy(p, y, top_k=2),
        "binary accuracy": objectives.binary_accuracy(p, t, 0.3),
    }


def test_losses():
    p, t, y = T.fmatrices("p", "t")[0], T.fmatrix(), T.ivector()
    losses = losses_of_rows(p, t, y)
    rng = np.random.default_rng(0)
    prediction = rng.dirichlet(np.ones(4), 6).astype("float32")
    right = np.array([0, 3, 1, 2, 2, 0], "int32")
    rows = np.eye(4, dtype="float32")[right]
    smooth = [name for name in losses if "accuracy" not in name]
    outputs = [*losses.values(), *(T.grad(losses[n].sum(), p) for n in smooth)]
    found = theano.function([p, t, y], outputs)(prediction, rows, right)
    q = torch.tensor(prediction, requires_grad=True)
    best = torch.where(torch.tensor(rows) > 0, -np.inf, q).max(1).values
    hinge = F.relu(best - (q * torch.tensor(rows)).sum(1) + 0.3)
    signs = 2 * torch.tensor(rows) - 1
    order = np.argsort(-prediction, axis=1)
    expected = {
        "multiclass hinge": hinge,
        "multiclass hinge of rows": hinge,
        "huber": F.huber_loss(q, torch.tensor(rows), reduction="none", delta=0.4),
        "hinge": F.relu(1 - q * signs),
        "hinge of odds": F.relu(1 - torch.logit(q) * signs),
        "accuracy": order[:, 0] == right,
        "accuracy of rows": order[:, 0] == right,
        "accuracy of two": (order[:, :2] == right[:, None]).any(1),
        "binary accuracy": (prediction >= 0.3) == rows,
    }
    for name, actual, desired in zip(losses, found, expected.values(), strict=False):
        if name in smooth:
            desired = desired.detach().numpy()
        np.testing.assert_allclose(actual, desired, 1e-4, 1e-5, err_msg=name)
    for name, actual in zip(smooth, found[len(losses) :], strict=True):
        (desired,) = torch.autograd.grad(expected[name].sum(), q, retain_graph=True)
        np.testing.assert_allclose(actual, desired, 1e-4, 1e-5, err_msg=name)


def test_a_column_of_predictions_meets_a_vector_of_targets():
    net = layers.DenseLayer((None, 2), 1, nonlinearity=nonlinearities.sigmoid)
    x, t = T.fmatrix(), T.fvector()
    p = net.get_output_for(x)
    losses = [
        objectives.squared_error(p, t),
        objectives.binary_crossentropy(p, t),
        objectives.huber_loss(p, t),
        objectives.binary_accuracy(p, t),
    ]
    f = theano.function([x, t], [p, *losses])
    target = np.array([0, 1, 1], "float32")
    prediction, square, *others = f(values(0, (3, 2)), target)
    np.testing.assert_allclose(square, (prediction - target[:, None]) ** 2, rtol=1e-5)
    assert all(loss.shape == (3, 1) for loss in others)


def test_errors_of_losses():
    p, t = T.fmatrices("p", "t")
    with pytest.warns(FutureWarning, match="Say log_odds=True, or log_odds=False"):
        objectives.binary_hinge_loss(p, t)
    with pytest.raises(TypeError, match="give `binary` by name"):
        objectives.binary_hinge_loss(p, t, True)
    for loss in (objectives.multiclass_hinge_loss, objectives.categorical_accuracy):
        with pytest.raises(TypeError, match="rank mismatch"):
            loss(p, T.ftensor3())


def reference_adamax(p, g, state, t):
    m = 0.9 * state.get("m", 0) + 0.1 * g
    u = np.maximum(0.999 * state.get("u", 0), abs(g))
    state.update(m=m, u=u)
    return p - 0.002 / (1 - 0.9**t) * m / (u + 1e-8)


def reference_amsgrad(p, g, state, t):
    m = 0.9 * state.get("m", 0) + 0.1 * g
    v = 0.999 * state.get("v", 0) + 0.001 * g**2
    top = np.maximum(state.get("top", 0), v)
    state.update(m=m, v=v, top=top)
    rate = 0.001 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return p - rate * m / (np.sqrt(top) + 1e-8)


@pytest.mark.parametrize(
    ("rule", "reference"),
    [(updates.adamax, reference_adamax), (updates.amsgrad, reference_amsgrad)],
)
def test_update_rules(rule, reference):
    param = theano.shared(values(0, (3, 1)), broadcastable=(False, True))
    scale = T.fscalar()
    steps = rule(T.sum(scale * param**2), [param])
    f = theano.function([scale], [], updates=steps)
    value, state = param.get_value(), {}
    for t, number in enumerate((1, 3, -0.5), 1):
        value = reference(value, 2 * number * value, state, t)
        f(number)
        np.testing.assert_allclose(param.get_value(), value, rtol=1e-4)


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
    f = theano.function([source.input_var], layers.get_output(net))
    x = values(0, (4, 3))
    np.testing.assert_allclose(f(x), (x - np.arange(3)) / 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda i: layers.DilatedConv2DLayer(i, 3, 3, pad=1), "add a PadLayer"),
        (lambda i: layers.Conv3DLayer(i, 3, 3), "Tried to create a 3D"),
        (lambda i: layers.Conv2DLayer(i, 3, 3, num_groups=2), "evenly divide"),
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


def test_modules_that_cannot_be():
    with pytest.raises(ImportError, match=r"Use lasagne\.layers\.Conv2DLayer"):
        from lasagne.layers.cuda_convnet import Conv2DCCLayer  # noqa: F401
    from lasagne.layers.corrmm import Conv2DMMLayer

    assert issubclass(Conv2DMMLayer, layers.Conv2DLayer)


def test_names_are_pickled_as_those_of_lasagne():
    for name in ("BatchNormLayer", "batch_norm"):
        thing = getattr(layers, name)
        assert thing.__module__ == "lasagne.layers.normalization"
        assert getattr(lasagne.layers.normalization, name) is thing
    assert layers.InverseLayer is lasagne.layers.special.InverseLayer
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert layers.Layer((2, 3)).get_output_kwargs == []
