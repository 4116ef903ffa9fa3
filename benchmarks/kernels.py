"""Tell where the time of an epoch goes, by kernel.

python benchmarks/kernels.py net6 --device cuda
"""

import argparse
import collections
import sys
import tempfile
from pathlib import Path

import jax
from figures import Output, add_json

from kfkd import xla

sys.path.append(str(Path(__file__).resolve().parent / "peers"))
EPOCHS = 3


def _is_operation(name):
    """Tell whether an event of the CPU is one of a program, not of XLA itself."""
    return "::" not in name and not name.startswith("end: ")


def events(folder):
    """Yield the name and the seconds of all that ran on the device, of its traces."""
    for path in Path(folder).rglob("*.xplane.pb"):
        for plane in jax.profiler.ProfileData.from_file(str(path)).planes:
            # A GPU's is one line for each of its streams; of the CPU, XLA's threads.
            on_gpu = plane.name.startswith("/device:GPU")
            for line in plane.lines:
                if on_gpu and "Stream" in line.name:
                    kernels = line.events
                elif plane.name == "/host:CPU" and "XLA" in line.name:
                    kernels = [e for e in line.events if _is_operation(e.name)]
                else:
                    continue
                for event in kernels:
                    yield on_gpu, event.name[:80], event.duration_ns / 1e9


def measure(net, device, most):
    """Yield the figures of the kernels that take the most time."""
    from kfkd_net import Peer  # imports kfkd's nets

    peer = Peer(net)
    peer.epoch(1)  # makes the programs
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            # One more epoch is run than is asked for.
            peer.epoch(EPOCHS - 1)
        found = list(events(folder))
    if any(on_gpu for on_gpu, *_ in found):
        found = [event for event in found if event[0]]
    seconds, counts = collections.Counter(), collections.Counter()
    for _, name, duration in found:
        seconds[name] += duration
        counts[name] += 1
    if not seconds:
        raise SystemExit(f"{net}: the profiler has seen nothing on {device}")
    total = seconds.total()
    yield dict(
        net=net,
        kernel="all",
        count=round(counts.total() / EPOCHS, 1),
        seconds=total / EPOCHS,
        share=1.0,
    )
    for name, duration in seconds.most_common(most):
        yield dict(
            net=net,
            kernel=name,
            count=round(counts[name] / EPOCHS, 1),
            seconds=duration / EPOCHS,
            share=duration / total,
        )


def main():
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description="Train for some epochs as in the tutorial under JAX's profiler, "
        "and add up the time of each kernel; on the CPU, of each of XLA's operations."
    )
    parser.add_argument("nets", nargs="*", default=["net6"])
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--most", type=int, default=20, help="rows (default: 20)")
    add_json(parser)
    args = parser.parse_args()
    xla.set_device(args.device)
    output = Output("kernels", args.json)
    for net in args.nets:
        for figure in measure(net, args.device, args.most):
            output.add(**figure)


if __name__ == "__main__":
    main()
