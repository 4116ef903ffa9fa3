"""PyTorch, as a good user of it would write the nets: the data on the device.

python peers/torch_net.py NET DEVICE [channels_last] [compile | autotune]
"""

import sys

import torch
from common import (
    DROPOUT,
    FILTERS,
    MOMENTUM,
    RATE,
    Workload,
    repeat,
    serve,
)
from torch import nn


def model(load):
    """Return the net with the workload's weights."""
    if not load.convolutional:
        layers = [nn.Linear(9216, 100), nn.ReLU(), nn.Linear(100, 30)]
    else:
        layers, channels = [], 1
        rates = iter(DROPOUT)
        for count, side in FILTERS:
            layers += [nn.Conv2d(channels, count, side), nn.ReLU(), nn.MaxPool2d(2)]
            layers += [nn.Dropout(next(rates))] * load.dropout
            channels = count
        layers += [nn.Flatten(), nn.Linear(15488, load.units), nn.ReLU()]
        layers += [nn.Dropout(next(rates))] * load.dropout
        layers += [nn.Linear(load.units, load.units), nn.ReLU()]
        layers += [nn.Linear(load.units, 30)]
    net = nn.Sequential(*layers)
    learning = [layer for layer in net if hasattr(layer, "weight")]
    for layer, (weight, bias) in zip(learning, load.weights(), strict=True):
        weight = torch.from_numpy(weight)
        layer.weight.data = (weight if weight.ndim == 4 else weight.T).contiguous()
        layer.bias.data = torch.from_numpy(bias)
    return net


def modern():
    """Return kfkd's net of today."""
    layers, channels = [], 1
    for count, side, stride in ((32, 5, 2), (64, 3, 1), (128, 3, 1)):
        layers += [
            nn.Conv2d(channels, count, side, stride, side // 2, bias=False),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(count),
            nn.ReLU(),
        ]
        channels = count
    layers += [nn.Flatten(), nn.Linear(4608, 256, bias=False), nn.BatchNorm1d(256)]
    return nn.Sequential(*layers, nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 38))


class Peer:
    """The net, its optimiser and its data."""

    def __init__(self, name, device, options):
        torch.manual_seed(0)
        load = Workload(name)
        self.device, self.flips = torch.device(device), load.flips
        self.batch, self.augments = load.batch, load.augments
        if self.device.type == "cuda":  # as kfkd does by default
            torch.set_float32_matmul_precision("high")
            torch.backends.cudnn.allow_tf32 = True
            torch.backends.cudnn.benchmark = True
        layout = {}
        if "channels_last" in options and load.convolutional:
            layout = {"memory_format": torch.channels_last}
        made = modern() if load.modern else model(load)
        self.net = made.to(self.device, **layout)

        def place(X, y):
            X = torch.from_numpy(X).to(self.device, **layout)
            return X, torch.from_numpy(y).to(self.device)

        self.train, self.valid = place(*load.train), place(*load.valid)
        self.sign = torch.from_numpy(load.sign).to(self.device)
        self.source = torch.from_numpy(load.source).to(self.device)
        self.optimiser = torch.optim.SGD(
            self.net.parameters(), lr=RATE, momentum=MOMENTUM, nesterov=True
        )
        if load.modern:
            self.optimiser = torch.optim.Adam(self.net.parameters(), lr=0.003)
        self.loss = self._loss
        if {"compile", "autotune"} & set(options):
            # Both of these run CUDA graphs.
            mode = "reduce-overhead" if self.device.type == "cuda" else "default"
            mode = "max-autotune" if "autotune" in options else mode
            self.loss = torch.compile(self._loss, mode=mode)
        batch = tuple(part[: load.batch] for part in self.train)
        self.step = repeat(lambda: self._train(*batch).item())
        self.evaluation = repeat(lambda: self._evaluate(*batch).item())
        self.epoch = repeat(self._epoch)

    def _loss(self, X, y):
        if not self.augments:
            return nn.functional.mse_loss(self.net(X), y)
        known = ~torch.isnan(y)
        errors = (self.net(X) - torch.where(known, y, 0)) ** 2
        return (errors * known).sum() / known.sum()

    def _train(self, X, y):
        self.net.train()
        self.optimiser.zero_grad()
        loss = self.loss(X, y)
        loss.backward()
        self.optimiser.step()
        return loss.detach()

    @torch.no_grad()
    def _evaluate(self, X, y):
        self.net.eval()
        return self.loss(X, y)

    def _flipped(self, X, y):
        n = len(X)
        flip = torch.zeros(n, dtype=torch.bool, device=self.device)
        flip[torch.randperm(n, device=self.device)[: n // 2]] = True
        X = torch.where(flip[:, None, None, None], X.flip(3), X)
        return X, torch.where(flip[:, None], (y * self.sign)[:, self.source], y)

    def _augmented(self, X, y):
        """Return faces that are turned, scaled, shifted, flipped, and lit otherwise."""
        n, device = len(X), self.device
        turn, size, right, down, light, contrast = (
            torch.rand(6, n, device=device) * 2 - 1
        ) * torch.tensor([0.21, 0.12, 0.24, 0.24, 0.1, 0.2], device=device)[:, None]
        side = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
        cos, sin, size = turn.cos(), turn.sin(), 1 + size
        # From the result back to the image, as the sampling wants it.
        back = torch.stack([side * cos, side * sin, -sin, cos], 1).view(n, 2, 2)
        back = back / size[:, None, None]
        offset = torch.stack([right, down], 1)[:, :, None]
        theta = torch.cat([back, -back @ offset], dim=2)
        grid = nn.functional.affine_grid(theta, X.shape, align_corners=False)
        X = nn.functional.grid_sample(
            X, grid, padding_mode="border", align_corners=False
        )
        contrast, light = (v[:, None, None, None] for v in (1 + contrast, light))
        X = ((X - 0.5) * contrast + 0.5 + light).clamp(0, 1)
        y = torch.where(side[:, None] < 0, (y * self.sign)[:, self.source], y)
        points = y.view(n, -1, 2) * size[:, None, None]
        turned = torch.stack([cos, sin, -sin, cos], 1).view(n, 2, 2)
        points = points @ turned + offset.transpose(1, 2)
        outside = (points.abs() > 1).any(2, keepdim=True)
        return X, torch.where(outside, torch.nan, points).flatten(1)

    def _epoch(self):
        losses, size, (X, y) = [], self.batch, self.train
        change = self._flipped if self.flips else None
        change = self._augmented if self.augments else change
        for i in range(0, len(X), size):
            batch = X[i : i + size], y[i : i + size]
            # A CUDA graph's result is overwritten by the next.
            losses.append(self._train(*(change(*batch) if change else batch)).clone())
        X, y = self.valid
        for i in range(0, len(X), 128):
            losses.append(self._evaluate(X[i : i + 128], y[i : i + 128]).clone())
        return torch.stack(losses).tolist()[-1]


if __name__ == "__main__":
    name, device, *options = sys.argv[1:]
    serve(Peer(name, device, options))
