"""Training steps of the tutorial's nets against PyTorch, from equal weights."""

import lasagne
import numpy as np
import pytest
import theano
import theano.tensor as T
from lasagne import layers

torch = pytest.importorskip("torch")

STEPS, BATCH, SIDE = 20, 4, 24


def convolutional_net():
    """Return the layers of net2, for images of SIDE x SIDE."""
    net = layers.InputLayer((None, 1, SIDE, SIDE))
    for filters, size in ((32, 3), (64, 2), (128, 2)):
        net = layers.Conv2DLayer(net, filters, size)
        net = layers.MaxPool2DLayer(net, 2)
    net = layers.DenseLayer(net, 500)
    net = layers.DenseLayer(net, 500)
    return layers.DenseLayer(net, 30, nonlinearity=None)


def torch_output(x, parameters):
    """Compute the net of `convolutional_net`; its convolutions are true ones."""
    convolutions, dense = parameters[:6], parameters[6:]
    for w, b in zip(convolutions[::2], convolutions[1::2], strict=True):
        x = torch.relu(torch.nn.functional.conv2d(x, w.flip(2, 3), b))
        x = torch.nn.functional.max_pool2d(x, 2)
    x = x.flatten(1)
    x = torch.relu(x @ dense[0] + dense[1])
    x = torch.relu(x @ dense[2] + dense[3])
    return x @ dense[4] + dense[5]


def batches():
    rng = np.random.default_rng(5)
    for _ in range(STEPS):
        x = rng.random((BATCH, 1, SIDE, SIDE), "float32")
        y = rng.uniform(-1, 1, (BATCH, 30)).astype("float32")
        yield x, y


def flipped(x, y):
    """Flip half of a batch and its key points, as FlipBatchIterator does."""
    x, y = x.copy(), y.copy()
    x[::2], y[::2, ::2] = x[::2, :, :, ::-1], -y[::2, ::2]
    return x, y


# net2: a constant rate; net6 without dropout: flipped batches, both rates adjusted.
SCHEDULES = {
    "net2": (np.full(STEPS, 0.01), np.full(STEPS, 0.9), lambda x, y: (x, y)),
    "net6": (np.linspace(0.03, 0.0001, STEPS), np.linspace(0.9, 0.999, STEPS), flipped),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_steps_of_training(name):
    rates, momenta, change = SCHEDULES[name]
    lasagne.random.set_rng(np.random.RandomState(42))
    net = convolutional_net()
    x, y = layers.get_all_layers(net)[0].input_var, T.fmatrix()
    loss = lasagne.objectives.squared_error(layers.get_output(net), y).mean()
    rate, momentum = theano.shared(np.float32(0)), theano.shared(np.float32(0))
    shared = layers.get_all_params(net, trainable=True)
    steps = lasagne.updates.nesterov_momentum(loss, shared, rate, momentum)
    train = theano.function([x, y], loss, updates=steps, mode="xla")

    parameters = [torch.tensor(p.get_value(), requires_grad=True) for p in shared]
    velocities = [torch.zeros_like(p) for p in parameters]
    for (images, points), eps, mu in zip(batches(), rates, momenta, strict=True):
        images, points = change(images, points)
        eps, mu = np.float32(eps), np.float32(mu)
        rate.set_value(eps)
        momentum.set_value(mu)
        actual = float(train(images, points))

        output = torch_output(torch.from_numpy(images), parameters)
        desired = torch.mean((output - torch.from_numpy(points)) ** 2)
        gradients = torch.autograd.grad(desired, parameters)
        with torch.no_grad():
            for p, v, g in zip(parameters, velocities, gradients, strict=True):
                v.mul_(float(mu)).sub_(float(eps) * g)
                p.add_(float(mu) * v - float(eps) * g)
        assert actual == pytest.approx(desired.item(), rel=1e-4)
    for ours, theirs in zip(shared, parameters, strict=True):
        difference = np.abs(ours.get_value() - theirs.detach().numpy()).max()
        assert difference < 1e-3
        assert np.abs(theirs.detach().numpy()).max() > 1e-3
