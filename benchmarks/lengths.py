"""Time the training of recurrent nets on sentences of any length, from the start.

python benchmarks/lengths.py --old-python /path/to/python3.9

Each is a process of its own, one after the other, that compiles everything anew.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from speed import environment

SCRIPT = Path(__file__).parent / "peers" / "sentences.py"
MODELS = ("language model", "translation")
C = "floatX=float32,blas__ldflags=-lopenblas,base_compiledir="


def train(python, model, steps):
    """Return what a process of a Python, kfkd's or an old one, prints of a training."""
    with tempfile.TemporaryDirectory() as folder:
        if python is None:
            python, own = [sys.executable], environment()
            own["JAX_ENABLE_COMPILATION_CACHE"] = "0"
        else:
            own = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
            own["THEANO_FLAGS"] = C + folder
        command = [*python, str(SCRIPT), model, str(steps)]
        done = subprocess.run(
            command, env=own, stdout=subprocess.PIPE, text=True, check=True
        )
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="model")
    parser.add_argument("--steps", type=int, default=1000, help="(default: 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    parser.add_argument(
        "--old-python",
        type=shlex.split,
        metavar="COMMAND",
        help="a Python in which Theano-PyMC compiles to C (default: none)",
    )
    args = parser.parse_args()
    peers = {"kfkd": None}
    if args.old_python:
        peers["Theano in C"] = args.old_python
    print("| model | | Theano's part, s | in all, s | by kfkd's | programs | loss |")
    print("|---|---|---|---|---|---|---|")
    for model in args.models:
        rounds = [
            {name: train(python, model, args.steps) for name, python in peers.items()}
            for _ in range(args.rounds)
        ]
        for name in peers:
            found = [r[name] for r in rounds]
            compiled, total = (
                statistics.median(f[key] for f in found) for key in ("theano", "total")
            )
            ratio = statistics.median(
                r[name]["total"] / r["kfkd"]["total"] for r in rounds
            )
            last = found[-1]
            print(
                f"| {model} | {name} | {compiled:.1f} | {total:.1f} | {ratio:.2f} | "
                f"{last['programs']} | {last['loss']:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
