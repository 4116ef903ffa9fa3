"""Draw faces or weights: python scripts/plot_samples.py weights net1.pickle."""

import sys

from kfkd.cli import run

if __name__ == "__main__":
    sys.exit(run("plot_samples"))
