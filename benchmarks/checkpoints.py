"""What checkpoints cost: one a minute, and the copies for when training is interrupted.

    python benchmarks/checkpoints.py net2 net6 net7

Prints, for each net, how long it takes to copy the state on the device and to write it,
and which share of the time of training that is.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

from kfkd import checkpoints, data, faces, nets, xla
from kfkd.checkpoints import Checkpoint

ROUNDS = 7


class Stopwatch:
    """Takes the state of a net and saves it, some times, and ends training."""

    def __init__(self, checkpoint):
        self.checkpoint = checkpoint
        self.taking, self.saving = [], []

    def state_dict(self):
        """Return nothing: it is no part of the training."""
        return {}

    def __call__(self, net, train_history):
        """Take the time."""
        for _ in range(ROUNDS):
            start = time.perf_counter()
            self.checkpoint._take(net)
            for array in self.checkpoint._state[1].values():  # which may be on the way
                getattr(array, "block_until_ready", lambda: None)()
            taken = time.perf_counter()
            self.checkpoint._save()
            self.taking.append(taken - start)
            self.saving.append(time.perf_counter() - taken)
        raise StopIteration


def main():
    """Measure each net and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="+", choices=nets.NETS, metavar="NET")
    args = parser.parse_args()
    X, y = data.load2d(folder=faces.make(n_train=400, n_test=1))
    print(f"\nOn {xla.describe_device()}; medians of {ROUNDS}\n")
    print("| net | file | copy | write | of the time |\n|---|---|---|---|---|")
    for name in args.nets:
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = Checkpoint(pathlib.Path(folder, "net.checkpoint"))
            watch = Stopwatch(checkpoint)
            net = nets.make(name, verbose=0).seed(42)
            net.on_epoch_finished = [*net.on_epoch_finished, watch, checkpoint]
            net.fit(X.reshape(-1, *net.input_shape[1:]), y)
            size = checkpoint.path.stat().st_size
        copy, write = map(statistics.median, (watch.taking, watch.saving))
        parts = checkpoints._PARTS
        share = copy / max(checkpoints._PAUSE, parts * copy)
        share += write / max(60, parts * write)
        print(
            f"| {name} | {size / 1e6:.0f} MB | {1000 * copy:.0f} ms | {write:.2f} s | "
            f"{share:.1%} |"
        )


if __name__ == "__main__":
    main()
