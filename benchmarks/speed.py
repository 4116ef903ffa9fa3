"""Time training against PyTorch, plain JAX, and Theano's own back end, side by side.

python benchmarks/speed.py net1 net2 net6 --device cpu
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = {
    "kfkd": ["kfkd_net.py"],
    "torch": ["torch_net.py"],
    "torch channels_last": ["torch_net.py", "channels_last"],
    "torch.compile": ["torch_net.py", "channels_last", "compile"],
    "plain JAX": ["jax_net.py"],
    "Theano in C": ["theano_c.py"],
    "the arithmetic alone": ["limit.py"],
}
WHAT = ("step", "evaluation", "epoch")


class Peer:
    """A peer's process."""

    def __init__(self, script, net, device, *options, python=(sys.executable,)):
        path = Path(__file__).resolve().parent / "peers" / script
        self.process = subprocess.Popen(
            [*python, str(path), net, device, *options],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.process.stdout.readline() != "ready\n":
            raise OSError("it does not start, see above")

    def measure(self, what, count):
        """Return the seconds that one of `count` repetitions takes."""
        self.process.stdin.write(f"{what} {count}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise OSError("it has ended, see above")
        return float(answer[0])

    def end(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def started(net, args):
    """Return the peers' processes, by name."""
    peers = {}
    for name in args.peers:
        script, *options = PEERS[name]
        more = {}
        if name == "Theano in C":
            if not args.old_python or args.device != "cpu":
                continue
            more = {"python": args.old_python}
        try:
            peers[name] = Peer(script, net, args.device, *options, **more)
        except OSError as error:
            print(f"{net}: {name} is left out: {error}", file=sys.stderr)
    return peers


def compare(net, peers, args):
    """Measure one net in all ways, in turns; return the rows of the table.

    The ratios are to the first of them.
    """
    seconds = {(name, what): [] for name in peers for what in args.what}
    first = next(iter(peers))
    for what in args.what:
        # Programs are made at the first call.
        counts = {}
        for name, peer in peers.items():
            peer.measure(what, 1)
            once = peer.measure(what, 1)
            counts[name] = max(1, min(1000, round(args.seconds / once)))
        for _ in range(args.rounds):
            for name, peer in peers.items():
                seconds[name, what].append(peer.measure(what, counts[name]))
    for peer in peers.values():
        peer.end()
    for what in args.what:
        for name in peers:
            values = seconds[name, what]
            ratios = [a / b for a, b in zip(values, seconds[first, what], strict=True)]
            yield (
                f"| {net} | {what} | {name} | {statistics.median(values) * 1e3:.2f} "
                f"| {min(values) * 1e3:.2f} to {max(values) * 1e3:.2f} "
                f"| {statistics.median(ratios):.2f} |"
            )


def main():
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description="Time a training step, an evaluation (both of 128 images) and a "
        "whole epoch (1,712 images to train with, 428 to evaluate) beside the peers. "
        "Each peer is a process of its own, and they take turns; the last column is "
        "the median over the rounds of a peer's time by kfkd's in the same round."
    )
    parser.add_argument("nets", nargs="*", default=["net1", "net2", "net6"])
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--rounds", type=int, default=7, help="(default: 7)")
    parser.add_argument(
        "--seconds", type=float, default=2, help="of one turn, about (default: 2)"
    )
    parser.add_argument(
        "--what", nargs="+", choices=WHAT, default=WHAT, help="(default: all)"
    )
    parser.add_argument(
        "--peers", nargs="+", choices=PEERS, default=PEERS, help="(default: all)"
    )
    parser.add_argument(
        "--old-python",
        type=shlex.split,
        metavar="COMMAND",
        help="a Python in which Theano-PyMC compiles to C (default: none)",
    )
    args = parser.parse_args()
    args.peers = ["kfkd", *(name for name in args.peers if name != "kfkd")]
    rows = [row for net in args.nets for row in compare(net, started(net, args), args)]
    print("| net | what | peer | median, ms | range | by kfkd's |")
    print("|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
