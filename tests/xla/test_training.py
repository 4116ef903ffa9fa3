"""Training steps of the tutorial's nets against PyTorch, from equal weights.

The nets are thin ones, for fewer steps, unless KFKD_CASES asks for all.
"""

import numpy as np
import pytest
import theano
from lasagne import init
from lasagne.layers import DropoutLayer

from kfkd import xla
from kfkd.data import from_pixels
from kfkd.faces import draw
from kfkd.nets import float32, make
from tests.helpers.cases import ALL

torch = pytest.importorskip("torch")

# Rounding decides some maxima of pooling, and so where a gradient goes; in a batch as
# small as a dozen that can be seen in the loss.
STEPS, BATCH = 20 if ALL else 8, 48


# How far apart losses may be, relatively, after steps whose products are rounded. That
# of TensorFloat-32 has eight times as many digits as that of bfloat16.
APART = {"float32": 5e-4 if ALL else 1e-5, "tensorfloat32": 2e-3, "bfloat16": 1e-2}


def torch_output(x, parameters, masks):
    """Compute net2; Theano's convolutions are true ones, with the filters flipped.

    With masks, what they drop is dropped after each pooling and the first dense layer.
    """
    masks = iter(masks)
    convolutions, dense = parameters[:6], parameters[6:]
    for w, b in zip(convolutions[::2], convolutions[1::2], strict=True):
        x = torch.relu(torch.nn.functional.conv2d(x, w.flip(2, 3), b))
        x = torch.nn.functional.max_pool2d(x, 2) * next(masks, 1)
    x = x.flatten(1)
    x = torch.relu(x @ dense[0] + dense[1]) * next(masks, 1)
    x = torch.relu(x @ dense[2] + dense[3])
    return x @ dense[4] + dense[5]


@pytest.fixture(scope="module")
def batches():
    """Faces and their key points, as they are trained on.

    A little noise leaves no equal neighbours: of those, Theano gives the gradient of
    the maximum to all, PyTorch to one.
    """
    images, points = draw(STEPS * BATCH)
    images = images.reshape(STEPS, BATCH, 1, 96, 96) / 255
    images += np.random.default_rng(5).uniform(-0.02, 0.02, images.shape)
    images = images.astype("float32")
    points = from_pixels(points).reshape(STEPS, BATCH, 30).astype("float32")
    return list(zip(images, points, strict=True))


def flipped(x, y):
    """Flip half of a batch and its key points, as FlipBatchIterator does."""
    x, y = x.copy(), y.copy()
    x[::2], y[::2, ::2] = x[::2, :, :, ::-1], -y[::2, ::2]
    return x, y


def unchanged(x, y):
    return x, y


THIN = {f"conv{i}_num_filters": 2 + i for i in (1, 2, 3)}
THIN |= {"hidden4_num_units": 40, "hidden5_num_units": 50}
# Where all filters of a thin layer give zero, the next layer has equal neighbours.
THIN |= {f"conv{i}_b": init.Constant(0.1) for i in (1, 2, 3)}
# In thin nets it leaves whole patches of zeros, and so equal neighbours.
WITHOUT_DROPOUT = {f"dropout{i}_p": 0 for i in (1, 2, 3, 4)}


class Dropped:
    """Draws what a dropout layer keeps, in NumPy, where Lasagne draws with Theano."""

    def __init__(self, layer):
        self.keep, self.shape = 1 - layer.p, (BATCH, *layer.input_shape[1:])
        self.mask = theano.shared(np.zeros(self.shape, "float32"))
        self.rng = np.random.default_rng(self.shape[1])
        layer._srng = self

    def binomial(self, shape, p, dtype):
        """Return the mask, as a variable of Theano."""
        return self.mask

    def draw(self):
        """Draw a new mask; return what it multiplies by, for PyTorch."""
        kept = (self.rng.random(self.shape) < self.keep).astype("float32")
        self.mask.set_value(kept)
        return torch.from_numpy(kept / np.float32(self.keep))


@pytest.fixture(params=["float32", "tensorfloat32", "bfloat16"])
def precision(request):
    if request.param == "tensorfloat32" and xla.get_device().platform == "cpu":
        pytest.skip("the CPU has float32 instead")
    xla.set_precision(request.param)
    yield request.param
    xla.set_precision(None)


@pytest.mark.usefixtures("formulation")
@pytest.mark.parametrize(
    ("name", "rates", "momenta", "augment"),
    [
        ("net2", np.full(STEPS, 0.01), np.full(STEPS, 0.9), unchanged),
        (
            "net6",
            np.linspace(0.03, 0.01, STEPS),
            np.linspace(0.9, 0.999, STEPS),
            flipped,
        ),
    ],
)
def test_steps_of_training(name, rates, momenta, augment, batches, precision):
    thin = {} if ALL else THIN | (WITHOUT_DROPOUT if name == "net6" else {})
    net = make(name, **thin).seed(42)
    net.initialize_layers()
    dropped = [
        Dropped(layer)
        for layer in net.layers_.values()
        if isinstance(layer, DropoutLayer)
    ]
    assert len(dropped) == (4 if name == "net6" else 0)
    net.initialize()
    shared = net.get_all_params(trainable=True)
    parameters = [torch.tensor(p.get_value(), requires_grad=True) for p in shared]
    velocities = [torch.zeros_like(p) for p in parameters]
    # As they are kept in float32, so that both sides use the same numbers.
    rates, momenta = float32(rates), float32(momenta)
    for (images, points), rate, momentum in zip(batches, rates, momenta, strict=True):
        images, points = augment(images, points)
        if name == "net6":
            net.update_learning_rate.set_value(float32(rate))
            net.update_momentum.set_value(float32(momentum))
        masks = [one.draw() for one in dropped]
        (actual,) = net.train_iter_(images, points)

        output = torch_output(torch.from_numpy(images), parameters, masks)
        desired = torch.mean((output - torch.from_numpy(points)) ** 2)
        gradients = torch.autograd.grad(desired, parameters)
        with torch.no_grad():
            for p, v, g in zip(parameters, velocities, gradients, strict=True):
                v.mul_(float(momentum)).sub_(float(rate) * g)
                p.add_(float(momentum) * v - float(rate) * g)
        print(precision, name, actual / desired.item() - 1)
        assert actual == pytest.approx(desired.item(), rel=APART[precision])
    for ours, theirs in zip(shared, parameters, strict=True):
        difference = np.abs(ours.get_value() - theirs.detach().numpy()).max()
        assert difference < (1e-3 if precision == "float32" else 1e-2)
        assert np.abs(theirs.detach().numpy()).max() > 1e-3
