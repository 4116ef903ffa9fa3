"""Train a net of the tutorial and pickle it: python scripts/train.py net6."""

import sys

from kfkd.cli import run

if __name__ == "__main__":
    sys.exit(run("train"))
