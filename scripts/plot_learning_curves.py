"""Draw learning curves: scripts/plot_learning_curves.py net1.pickle net2.pickle."""

import sys

from kfkd.cli import run

if __name__ == "__main__":
    sys.exit(run("plot_learning_curves"))
