"""PyTorch, as a good user of it would write the nets: the data on the device.

python peers/torch_net.py NET DEVICE [channels_last] [compile | autotune]
"""

import sys

import torch
from common import (
    BATCH,
    DROPOUT,
    FILTERS,
    MOMENTUM,
    RATE,
    SIGN,
    SOURCE,
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


class Peer:
    """The net, its optimiser and its data."""

    def __init__(self, name, device, options):
        torch.manual_seed(0)
        load = Workload(name)
        self.device, self.flips = torch.device(device), load.flips
        if self.device.type == "cuda":  # as kfkd does by default
            torch.set_float32_matmul_precision("high")
            torch.backends.cudnn.allow_tf32 = True
            torch.backends.cudnn.benchmark = True
        layout = {}
        if "channels_last" in options and load.convolutional:
            layout = {"memory_format": torch.channels_last}
        self.net = model(load).to(self.device, **layout)

        def place(X, y):
            X = torch.from_numpy(X).to(self.device, **layout)
            return X, torch.from_numpy(y).to(self.device)

        self.train, self.valid = place(*load.train), place(*load.valid)
        self.sign = torch.from_numpy(SIGN).to(self.device)
        self.source = torch.from_numpy(SOURCE).to(self.device)
        self.optimiser = torch.optim.SGD(
            self.net.parameters(), lr=RATE, momentum=MOMENTUM, nesterov=True
        )
        self.loss = self._loss
        if {"compile", "autotune"} & set(options):
            # Both of these run CUDA graphs.
            mode = "reduce-overhead" if self.device.type == "cuda" else "default"
            mode = "max-autotune" if "autotune" in options else mode
            self.loss = torch.compile(self._loss, mode=mode)
        batch = self.train[0][:BATCH], self.train[1][:BATCH]
        self.step = repeat(lambda: self._train(*batch).item())
        self.evaluation = repeat(lambda: self._evaluate(*batch).item())
        self.epoch = repeat(self._epoch)

    def _loss(self, X, y):
        return nn.functional.mse_loss(self.net(X), y)

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

    def _epoch(self):
        losses, X, y = [], *self.train
        for i in range(0, len(X), BATCH):
            batch = X[i : i + BATCH], y[i : i + BATCH]
            # A CUDA graph's result is overwritten by the next.
            losses.append(
                self._train(*(self._flipped(*batch) if self.flips else batch)).clone()
            )
        X, y = self.valid
        for i in range(0, len(X), BATCH):
            losses.append(self._evaluate(X[i : i + BATCH], y[i : i + BATCH]).clone())
        return torch.stack(losses).tolist()[-1]


if __name__ == "__main__":
    name, device, *options = sys.argv[1:]
    serve(Peer(name, device, options))
