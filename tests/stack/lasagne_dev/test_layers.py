"""What each backported layer of Lasagne computes, against PyTorch.

All are tried if KFKD_CASES is set, and else those that differ most.
"""

import functools

import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers, nonlinearities
from lasagne.layers import dnn

from tests.helpers.cases import ALL
from tests.helpers.theano_oracle import random
from tests.helpers.torch_reference import F, along, standardized, torch

values = functools.partial(random, dtype="float32")


IMAGES = (2, 4, 6, 5)
SIGNALS = (2, 4, 9)
VOLUMES = (2, 2, 4, 5, 4)
ROWS = (3, 4)


def flip(W):
    return W.flip(tuple(range(2, W.ndim)))


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
    "even filters, same": (
        IMAGES,
        lambda i: linear(layers.Conv2DLayer, i, 3, (2, 4), pad="same"),
        lambda x, W, b: F.conv2d(F.pad(x, (2, 1, 1, 0)), flip(W), b),
    ),
    "even filters, same, with a stride": (
        IMAGES,
        lambda i: linear(layers.Conv2DLayer, i, 3, (2, 3), (2, 1), pad="same"),
        lambda x, W, b: F.conv2d(F.pad(x, (1, 1, 1, 0)), flip(W), b, (2, 1)),
    ),
    "padding and stride": (
        IMAGES,
        lambda i: linear(layers.Conv2DLayer, i, 3, 3, (1, 2), pad=(2, 1)),
        lambda x, W, b: F.conv2d(x, flip(W), b, (1, 2), (2, 1)),
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
PARTS = 3
assert set(LAYERS) >= RARELY
if not ALL:
    LAYERS = {name: case for name, case in LAYERS.items() if name not in RARELY}


@functools.cache
def computed(part):
    """Outputs and gradients of one in three layers, from one program."""
    inputs, outputs, given, places = [], [], [], {}
    for name in list(LAYERS)[part::PARTS]:
        shape, build, _ = LAYERS[name]
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
def test_layers(name):
    x, params, weights, found = computed(list(LAYERS).index(name) % PARTS)[name]
    tensors = [torch.tensor(v, requires_grad=True) for v in (x, *params)]
    output = LAYERS[name][2](*tensors)
    (output * torch.tensor(weights)).sum().backward()
    expected = [output.detach(), *(tensor.grad for tensor in tensors)]
    for actual, desired in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, desired.numpy(), rtol=2e-4, atol=2e-4)
