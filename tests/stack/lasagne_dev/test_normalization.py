"""Backported batch normalization, against PyTorch."""

import functools

import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import init, layers

from tests.helpers.theano_oracle import random
from tests.helpers.torch_reference import F, along, standardized, torch

values = functools.partial(random, dtype="float32")


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
