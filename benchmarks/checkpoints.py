"""What checkpoints cost: one a minute, and the copies for when training is interrupted.

    python benchmarks/checkpoints.py net2 net6 net7

Prints, for each net, how long it takes to copy the state on the device and to write it,
and which part of the time of a training of some minutes went into both.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

import jax
import numpy as np

from kfkd import nets, xla
from kfkd.callbacks import Callback, Checkpoint

ROUNDS = 7


class Stopwatch(Callback):
    """Takes the state of a net and saves it, some times, and ends training."""

    def __init__(self, checkpoint):
        self.checkpoint = checkpoint
        self.taking, self.saving = [], []

    def set_loop(self, loop):
        """Hand the loop on."""
        super().set_loop(loop)
        self.checkpoint.set_loop(loop)

    def state_dict(self):
        """Return nothing: it is no part of the training."""
        return {}

    def __call__(self, net, train_history):
        """Take the time."""
        for _ in range(ROUNDS):
            start = time.perf_counter()
            self.checkpoint._capture(net)
            settle(self.checkpoint)
            taken = time.perf_counter()
            self.checkpoint._save()
            self.taking.append(taken - start)
            self.saving.append(time.perf_counter() - taken)
        raise StopIteration


class TimedCheckpoint(Checkpoint):
    """Adds up the time it takes in a training, which ends after so many minutes."""

    def __init__(self, path, training_minutes):
        super().__init__(path, minutes=1)
        self.training_minutes = training_minutes
        self.spent, self.writes = 0.0, 0

    def _save(self):
        super()._save()
        self.writes += 1

    def __call__(self, net, train_history):
        """Take the time, that of copies on the device included."""
        start = time.perf_counter()
        super().__call__(net, train_history)
        settle(self)
        self.spent += time.perf_counter() - start
        self.total = time.perf_counter() - self.began
        if self.total > 60 * self.training_minutes:
            raise StopIteration

    def on_training_started(self, net, train_history):
        """Begin to take the time."""
        super().on_training_started(net, train_history)
        self.began = time.perf_counter()


def settle(checkpoint):
    """Wait for the copies that are on the way."""
    if checkpoint._state is not None:
        jax.block_until_ready(list(checkpoint._state[1].values()))


def main():
    """Measure each net and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="+", choices=nets.NETS, metavar="NET")
    parser.add_argument(
        "--minutes", type=float, default=2.5, help="of training (default: 2.5)"
    )
    args = parser.parse_args()
    rng = np.random.default_rng(0)  # as many as the tutorial's
    X = rng.random((2140, 9216), dtype="float32")
    y = rng.uniform(-1, 1, (2140, 30)).astype("float32")
    print(f"\nOn {xla.describe_device()}; medians of {ROUNDS}\n")
    print("| net | file | copy | write | epochs | writes | of the time |")
    print("|---|---|---|---|---|---|---|")
    for name in args.nets:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "net.checkpoint")
            watch = Stopwatch(Checkpoint(path))
            train(name, X, y, watch, watch.checkpoint)
            size = path.stat().st_size
            timed = TimedCheckpoint(path, args.minutes)
            net = train(name, X, y, timed)
        copy, write = map(statistics.median, (watch.taking, watch.saving))
        share = timed.spent / timed.total
        print(
            f"| {name} | {size / 1e6:.0f} MB | {1000 * copy:.0f} ms | {write:.2f} s | "
            f"{len(net.train_history_)} | {timed.writes} | {share:.2%} |",
            flush=True,
        )


def train(name, X, y, *callbacks):
    """Train a net for as long as the callbacks let it."""
    net = nets.make(name, verbose=0).seed(42)
    net.on_epoch_finished = [*net.on_epoch_finished, *callbacks]
    return net.fit(X.reshape(-1, *net.input_shape[1:]), y, epochs=100_000)


if __name__ == "__main__":
    main()
