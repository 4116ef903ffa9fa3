"""Train nets as the tutorial does and tabulate losses and times, as Markdown.

python benchmarks/training.py net1 net2 --data FOLDER --device cuda
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from kfkd import nets, storage, xla

TRAIN = Path(__file__).resolve().parent.parent / "scripts" / "train.py"

# The epochs at which the tutorial prints losses.
CHECKPOINTS = (1, 50, 100, 250, 500, 750, *range(1000, 10001, 500))


def train(name, folder, options):
    """Train one net by the script, in a process of its own; return it."""
    out = Path(folder) / f"{name}.pickle"
    command = [sys.executable, TRAIN, name, "--out", out, "--log-every", "50", *options]
    subprocess.run([str(part) for part in command], check=True)
    return storage.load(out)


def rows(name, net):
    """Yield the table's rows for one net: its losses at the checkpoints."""
    history = net.train_history_
    # The first epoch includes making the programs.
    seconds = statistics.median(row["dur"] for row in history[1:] or history)
    last = history[-1]["epoch"]
    for row in history:
        if row["epoch"] in CHECKPOINTS or row["epoch"] == last:
            pixels = 48 * row["valid_loss"] ** 0.5
            yield (
                f"| {name} | {row['epoch']} | {row['train_loss']:.6f} "
                f"| {row['valid_loss']:.6f} | {pixels:.2f} | {seconds:.3f} |"
            )


def main():
    """Train what the command line names."""
    parser = argparse.ArgumentParser(
        description="Train nets and tabulate losses and times. Options that are not "
        "named here go to scripts/train.py (--data, --epochs, --device, ...)."
    )
    parser.add_argument(
        "nets", nargs="+", choices=nets.NETS, metavar="NET", help=", ".join(nets.NETS)
    )
    parser.add_argument(
        "--keep", metavar="FOLDER", help="keep the nets here (default: nowhere)"
    )
    args, options = parser.parse_known_args()
    table = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in args.nets:
            table += rows(name, train(name, args.keep or scratch, options))
    if "--device" in options:
        xla.set_device(options[options.index("--device") + 1])
    print(f"\nOn {xla.describe_device()}, the median of the epochs' times:\n")
    print("| net | epoch | train loss | validation loss | RMSE, pixels | s an epoch |")
    print("|---|---|---|---|---|---|")
    print("\n".join(table))


if __name__ == "__main__":
    main()
