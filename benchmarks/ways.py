"""Time the ways to run an epoch: on the device as a whole, and batch by batch.

python benchmarks/ways.py net1 net6 --device cuda

The first starts each epoch before the losses of the last are read; in the second, a
callback wants to look in between; the third is that of data too large for the device,
whose batches are prepared and copied while it computes.
"""

import argparse
import time
from unittest import mock

import numpy as np
from figures import Output, add_json

from kfkd import faces, nets, xla
from kfkd.callbacks import Callback
from kfkd.data import from_pixels
from kfkd.training import epochs
from kfkd.xla import formulations


class Clock(Callback):
    """Takes the time at the end of each epoch."""

    def __call__(self, net, train_history):
        """Take the time."""
        self.times.append(time.perf_counter())

    def before_next_epoch(self, net, epoch):
        """Allow the next epoch to start."""
        return True


def look(net, train_history):
    """Want to look before the next epoch starts."""


def on_device():
    """Let the device run a loop over any graph."""
    return mock.patch.object(formulations, "loops", return_value=True)


def too_large():
    """Let no data fit."""
    return mock.patch.object(epochs, "free_memory", return_value=0)


WAYS = {
    "on the device": ([], on_device),
    "on the device, looked at": ([look], on_device),
    "batch by batch": ([], too_large),
}


def compare(name, n_epochs):
    """Print how far apart the losses of two ways come over some epochs."""
    images, points = faces.draw(2140)
    X = (images / 255).astype("float32")
    X = X.reshape(2140, -1) if name == "net1" else X.reshape(2140, 1, 96, 96)
    y = from_pixels(points).astype("float32")
    losses = []
    for context in (on_device, too_large):
        net = nets.make(name, verbose=0).seed(0)
        with context():
            net.fit(X, y, epochs=n_epochs)
        rows = net.train_history_
        losses.append([(row["train_loss"], row["valid_loss"]) for row in rows])
    apart = np.abs(np.divide(*losses) - 1).max(axis=1)
    print(
        f"{name}, {n_epochs} epochs: losses batch by batch and on the device differ by "
        f"at most {apart.max():.1e} (in epoch {apart.argmax() + 1}), relatively"
    )


def measure(name, rounds, n_epochs):
    """Yield the figures of one net."""
    shape = (2140, 9216) if name == "net1" else (2140, 1, 96, 96)
    rng, clock = np.random.default_rng(0), Clock()
    X = rng.random(shape, dtype="float32")
    y = rng.uniform(-1, 1, (2140, 30)).astype("float32")
    net = nets.make(name, verbose=0).seed(0)
    seconds = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, (callbacks, context) in WAYS.items():
            clock.times = []
            net.on_epoch_finished = [*callbacks, clock]
            with context():
                net.fit(X, y, epochs=n_epochs + 1)
            seconds[way].append((clock.times[-1] - clock.times[0]) / n_epochs)
    first = seconds["on the device"]
    for way, values in seconds.items():
        ratios = [a / b for a, b in zip(values, first, strict=True)]
        yield dict(net=name, way=way, seconds=values, ratios=ratios)


def main():
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description="Time an epoch of 2,140 images in each way; they take turns."
    )
    parser.add_argument("nets", nargs="*", default=["net1", "net6"])
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument("--epochs", type=int, default=10, help="of one (default: 10)")
    parser.add_argument(
        "--losses",
        action="store_true",
        help="compare the losses over so many epochs on drawn faces instead",
    )
    add_json(parser)
    args = parser.parse_args()
    xla.set_device(args.device)
    if args.losses:
        for name in args.nets:
            compare(name, args.epochs)
        return
    output = Output("ways", args.json)
    for name in args.nets:
        for figure in measure(name, args.rounds, args.epochs):
            output.add(**figure)


if __name__ == "__main__":
    main()
