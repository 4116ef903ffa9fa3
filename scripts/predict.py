"""Predict key points with a saved net: python scripts/predict.py net6.pickle me.jpg."""

import sys

from kfkd.cli import run

if __name__ == "__main__":
    sys.exit(run("predict"))
