"""Time the first step of training, without and with the programs of an earlier process.

python benchmarks/startup.py net1 net2 net6 --device cpu
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

from figures import Output, add_json
from speed import environment


def stages(name, device):
    """Return the seconds of what comes first, and of a second step to compare with."""
    import numpy as np

    times = [time.perf_counter()]
    from kfkd import nets, xla

    xla.set_device(device)
    times.append(time.perf_counter())
    net = nets.make(name, verbose=0).seed(0)
    net.initialize()
    times.append(time.perf_counter())
    shape = (128, 9216) if name == "net1" else (128, 1, 96, 96)
    rng = np.random.default_rng(0)
    X = rng.random(shape, dtype="float32")
    y = rng.uniform(-1, 1, (128, 30)).astype("float32")
    start = time.perf_counter()
    _ = net.train_iter_.maker  # it is compiled when it is first looked into
    graph = time.perf_counter()
    for _ in range(2):
        net.train_iter_(X, y)
        times.append(time.perf_counter())
    *first, step, second = times
    return *np.diff(first), graph - start, step - graph, step - start, second - step


def run(name, device, cache):
    """Return the stages' seconds in a process of its own."""
    answer = subprocess.run(
        [sys.executable, __file__, name, "--device", device, "--stages"],
        env=environment() | {"XDG_CACHE_HOME": cache},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [float(word) for word in answer.stdout.split()]


def main():
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description="Time, in fresh processes, the imports, the making of the layers, "
        "and the first step: Theano's graph and its optimisation, then XLA's program "
        "and the step itself with 128 images; and another step. Medians."
    )
    parser.add_argument("nets", nargs="*", default=["net1", "net2", "net6"])
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument("--stages", action="store_true", help=argparse.SUPPRESS)
    add_json(parser)
    args = parser.parse_args()
    if args.stages:
        print(*stages(*args.nets, args.device))
        return
    output = Output("startup", args.json)
    for name in args.nets:
        found = {"new": [], "kept": []}
        for _ in range(args.rounds):
            with tempfile.TemporaryDirectory() as cache:
                for kind in found:  # the second process finds the first one's
                    found[kind].append(run(name, args.device, cache))
        for kind, rows in found.items():
            medians = [statistics.median(column) for column in zip(*rows, strict=True)]
            output.add(net=name, programs=kind, seconds=medians)


if __name__ == "__main__":
    main()
