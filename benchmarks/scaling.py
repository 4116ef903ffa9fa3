"""Show how the cost of an epoch grows with its batches, samples, images and nets.

python benchmarks/scaling.py batch samples side units nets epochs --device cpu
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
from figures import Output, add_json
from speed import environment

# What grows, in which net, through which values; the rest is as in the tutorial.
AXES = {
    "batch": ("net6", [32, 128, 512, 1024]),
    "samples": ("net1", [1_000, 10_000, 100_000]),
    "side": ("net6", [48, 96, 144, 192]),
    "units": ("net6", [100, 500, 1000, 2000, 4000]),
    "nets": ("net6", [1, 2, 3, 6]),
    "epochs": ("net1", [3, 30, 300]),
}
USUAL = {"batch": 128, "samples": 2140, "side": 96, "units": None, "epochs": 3}


class Clock:
    """Takes the time at the end of each epoch."""

    supports_overlap = True

    def __init__(self):
        self.times = []

    def __call__(self, net, train_history):
        """Take the time."""
        self.times.append(time.perf_counter())

    def before_next_epoch(self, net, epoch):
        """Allow the next epoch to start."""
        return True


def point(net, device, batch, samples, side, units, epochs):
    """Train a net; return the seconds of an epoch and the bytes at the peak.

    The bytes are those of the GPU, or of the process on a CPU.
    """
    from kfkd import nets, xla
    from kfkd.augment import FlipBatchIterator

    xla.set_device(device)
    from nolearn.lasagne import BatchIterator  # which kfkd has made importable

    shape = (1, side, side) if net != "net1" else (side**2,)
    rng, clock = np.random.default_rng(0), Clock()
    X = rng.random((samples, *shape), dtype="float32")
    y = rng.uniform(-1, 1, (samples, 30)).astype("float32")
    kind = (
        FlipBatchIterator if net in ("net3", "net5", "net6", "net7") else BatchIterator
    )
    changes = {"hidden4_num_units": units, "hidden5_num_units": units} if units else {}
    made = nets.make(
        net,
        input_shape=(None, *shape),
        batch_iterator_train=kind(batch),
        batch_iterator_test=BatchIterator(batch),
        on_epoch_finished=[clock],
        verbose=0,
        **changes,
    ).seed(0)
    made.initialize()
    print("ready", flush=True)
    sys.stdin.readline()  # until all that train at once are
    made.fit(X, y, epochs=epochs + 1)
    seconds = statistics.median(np.diff(clock.times))
    stats = xla.get_device().memory_stats() or {}
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return seconds, stats.get("peak_bytes_in_use", own)


def measure(axis, value, device, usual):
    """Return the median seconds of an epoch and the peak of bytes, of each net."""
    net, _ = AXES[axis]
    count = value if axis == "nets" else 1
    settings = usual | ({axis: value} if axis in usual else {})
    command = [sys.executable, __file__, "--device", device, "--point", net]
    processes = [
        subprocess.Popen(
            [*command, json.dumps(settings)],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for process in processes:
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"{axis} {value}: it does not start, see above")
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate()[0].split() for process in processes]
    if not all(answers):
        raise SystemExit(f"{axis} {value}: it has ended, see above")
    return [
        statistics.median(map(float, column)) for column in zip(*answers, strict=True)
    ]


def main():
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description="Each point is a training in a process of its own, or several at "
        "once. The time is the median over its epochs but the first; that of a sample "
        "is the epoch's by all samples of all nets that train at once."
    )
    parser.add_argument("axes", nargs="*", default=list(AXES), metavar="AXIS")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    for name in ("samples", "epochs"):
        parser.add_argument(
            f"--{name}",
            type=int,
            default=USUAL[name],
            help=f"where something else grows (default: {USUAL[name]})",
        )
    parser.add_argument(
        "--most",
        type=int,
        default=10**9,
        help="leave larger values out (default: none)",
    )
    add_json(parser)
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.point:
        net, settings = args.point
        print(*point(net, args.device, **json.loads(settings)))
        return
    if unknown := set(args.axes) - AXES.keys():
        parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(AXES)}")
    usual = USUAL | {"samples": args.samples, "epochs": args.epochs}
    output = Output("scaling", args.json)
    for axis in args.axes:
        net, values = AXES[axis]
        for value in (value for value in values if value <= args.most):
            seconds, peak = measure(axis, value, args.device, usual)
            samples = value if axis == "samples" else args.samples
            each = seconds / samples / (value if axis == "nets" else 1)
            figure = dict(axis=axis, value=value, net=net, peak=peak)
            output.add(**figure, seconds=seconds, sample_seconds=each)


if __name__ == "__main__":
    main()
