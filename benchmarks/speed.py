"""Time training against PyTorch, plain JAX, and Theano's own back end, side by side.

python benchmarks/speed.py net1 net2 net6 --device cpu
python benchmarks/speed.py modern modern_adam --device cpu --what epoch
"""

import argparse
import functools
import os
import shlex
import subprocess
import sys
from pathlib import Path

from figures import Output, add_json

ROOT = Path(__file__).resolve().parent.parent
PEERS = {
    "kfkd": ["kfkd_net.py"],
    "torch": ["torch_net.py"],
    "torch channels_last": ["torch_net.py", "channels_last"],
    "torch.compile": ["torch_net.py", "channels_last", "compile"],
    "torch.compile, autotuned": ["torch_net.py", "channels_last", "autotune"],
    "plain JAX": ["jax_net.py"],
    "Theano in C": ["theano_c.py"],
    "the arithmetic alone": ["limit.py"],
}
WHAT = ("step", "evaluation", "epoch")
# Left out unless asked for: it takes minutes to compile.
USUAL = [name for name in PEERS if name != "torch.compile, autotuned"]


def environment():
    """Return the environment of processes that import kfkd from this folder."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    # Several of them share a GPU.
    share = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    return os.environ | share | {"PYTHONPATH": path}


class Peer:
    """A peer's process."""

    def __init__(self, script, net, device, *options, python=(sys.executable,)):
        path = Path(__file__).resolve().parent / "peers" / script
        self.process = subprocess.Popen(
            [*python, str(path), net, device, *options],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait(self):
        """Wait until it is ready."""
        if self.process.stdout.readline() != "ready\n":
            raise OSError("it does not start, see above")

    def estimate(self, what, args):
        """Choose how often something is repeated to take the seconds of a turn."""
        self.count = 1
        once = self.measure(what)
        self.count = max(1, min(1000, round(args.seconds / once)))

    def measure(self, what):
        """Return the seconds that one of so many repetitions takes."""
        self.ask(what, self.count)
        return self.answer()

    def ask(self, what, count):
        """Ask for `count` repetitions."""
        self.process.stdin.write(f"{what} {count}\n")
        self.process.stdin.flush()

    def answer(self):
        """Return the seconds that one of them takes."""
        answer = self.process.stdout.readline().split()
        if not answer:
            raise OSError("it has ended, see above")
        return float(answer[0])

    def end(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def started(net, args):
    """Return the peers' processes, by name, once they are ready."""
    peers = {}
    for name in args.peers:
        script, *options = PEERS[name]
        more = {}
        if name == "Theano in C":
            if not args.old_python or args.device != "cpu":
                continue
            more = {"python": args.old_python}
        peers[name] = Peer(script, net, args.device, *options, **more)
    answers(peers, net, Peer.wait)
    return peers


def answers(peers, net, ask):
    """Return what all peers answer, by name; those that have ended are left out."""
    found = {}
    for name, peer in list(peers.items()):
        try:
            found[name] = ask(peer)
        except OSError as error:
            print(f"{net}: {name} is left out: {error}", file=sys.stderr)
            del peers[name]
    return found


def compare(net, peers, args):
    """Measure one net in all ways, in turns; yield the figures.

    The ratios are to the first of them.
    """
    for what in args.what:
        # Programs are made at the first call, of all peers at the same time.
        for peer in peers.values():
            peer.ask(what, 1)
        answers(peers, net, Peer.answer)
        answers(peers, net, functools.partial(Peer.estimate, what=what, args=args))
        measure = functools.partial(Peer.measure, what=what)
        rounds = [answers(peers, net, measure) for _ in range(args.rounds)]
        if not peers:
            raise SystemExit(f"{net}: no peer is left, see above")
        for name in peers:
            seconds = [found[name] for found in rounds]
            first = next(iter(peers))
            ratios = [found[name] / found[first] for found in rounds]
            yield dict(net=net, what=what, peer=name, seconds=seconds, ratios=ratios)
    for peer in peers.values():
        peer.end()


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
        "--peers",
        nargs="+",
        choices=PEERS,
        default=USUAL,
        help=f"(default: {', '.join(USUAL)})",
    )
    parser.add_argument(
        "--old-python",
        type=shlex.split,
        metavar="COMMAND",
        help="a Python in which Theano-PyMC compiles to C (default: none)",
    )
    add_json(parser)
    args = parser.parse_args()
    args.peers = ["kfkd", *(name for name in args.peers if name != "kfkd")]
    output = Output("speed", args.json)
    for net in args.nets:
        for figure in compare(net, started(net, args), args):
            output.add(**figure)


if __name__ == "__main__":
    main()
