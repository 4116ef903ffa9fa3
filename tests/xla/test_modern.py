"""Training steps of the net modern against PyTorch, from equal weights."""

import numpy as np
import pytest

from kfkd.data import from_pixels
from kfkd.faces import draw
from kfkd.nets import make

torch = pytest.importorskip("torch")
nn = torch.nn
STEPS, BATCH = 6, 24


@pytest.fixture(scope="module")
def batches():
    """Faces, with noise so that no neighbours are equal, and labels that lack some."""
    images, points = draw(STEPS * BATCH)
    rng = np.random.default_rng(5)
    images = images.reshape(STEPS, BATCH, 1, 96, 96) / 255
    images = (images + rng.uniform(-0.02, 0.02, images.shape)).astype("float32")
    points = from_pixels(points).reshape(STEPS, BATCH, 30).astype("float32")
    points[:, BATCH // 2 :, 4:20] = np.nan
    points = np.concatenate([points, 1.1 * points[..., :8]], axis=-1)
    return list(zip(images, points, strict=True))


class Modern(nn.Module):
    """The net in PyTorch's layers, with the filters of correlations."""

    def __init__(self, filters, units):
        super().__init__()
        parts, channels = [], 1
        for count, size, stride in zip(filters, (5, 3, 3), (2, 1, 1), strict=True):
            parts += [
                nn.Conv2d(channels, count, size, stride, size // 2, bias=False),
                nn.MaxPool2d(2),
                nn.BatchNorm2d(count, eps=1e-4),
                nn.ReLU(),
            ]
            channels = count
        parts += [
            nn.Flatten(),
            nn.Linear(channels * 36, units, bias=False),
            nn.BatchNorm1d(units, eps=1e-4),
            nn.ReLU(),
            nn.Linear(units, 38),
        ]
        self.parts = nn.Sequential(*parts)

    def forward(self, x):
        return self.parts(x)


@torch.no_grad()
def copy_weights(net, model):
    """Copy the weights of a net of Lasagne's into the same net of PyTorch's."""
    values = iter(net.get_all_params_values().values())
    values = (v for layer in values for v in layer)
    for part in model.parts:
        if isinstance(part, nn.Conv2d):
            flipped = np.ascontiguousarray(next(values)[:, :, ::-1, ::-1])
            part.weight.copy_(torch.from_numpy(flipped))
        elif isinstance(part, nn.Linear):
            part.weight.copy_(torch.from_numpy(next(values).T))
            if part.bias is not None:
                part.bias.copy_(torch.from_numpy(next(values)))
        elif isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            part.bias.copy_(torch.from_numpy(next(values)))
            part.weight.copy_(torch.from_numpy(next(values)))
            part.running_mean.copy_(torch.from_numpy(next(values)))
            inv_std = torch.from_numpy(next(values))
            part.running_var.copy_(inv_std**-2 - part.eps)


@pytest.mark.usefixtures("formulation")
def test_steps_of_training(batches):
    filters, units = (4, 5, 6), 20
    sizes = {f"conv{i}_num_filters": n for i, n in enumerate(filters, start=1)}
    # With a large epsilon, as steps of Adam are of the size of the rate even where a
    # gradient is nothing but rounding.
    net = make(
        "modern", hidden4_num_units=units, dropout4_p=0, update_epsilon=1e-3, **sizes
    )
    net.seed(1).initialize()
    model = Modern(filters, units)
    copy_weights(net, model)
    rate = float(net.update_learning_rate.get_value())
    optimizer = torch.optim.Adam(model.parameters(), rate, eps=1e-3)
    for t, (x, y) in enumerate(batches, start=1):
        ours, *_ = net.train_iter_(x, y)
        known = ~np.isnan(y)
        errors = model(torch.from_numpy(x))[known] - torch.from_numpy(y[known])
        loss = (errors**2).mean()
        optimizer.zero_grad()
        loss.backward()
        # Lasagne adds epsilon before the second moment is corrected, as the paper's
        # faster form does.
        optimizer.param_groups[0]["eps"] = 1e-3 / (1 - 0.999**t) ** 0.5
        optimizer.step()
        assert float(ours) == pytest.approx(loss.item(), rel=2e-3)
    copy_weights(net, model)  # for what rounding has made of them
    model.eval()
    x, _ = batches[0]
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    net.mirror = False
    np.testing.assert_allclose(net.predict(x), expected, atol=1e-4)
