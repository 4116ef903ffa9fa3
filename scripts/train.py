"""Train a net of the tutorial and pickle it: python scripts/train.py net6."""

import os
import sys

# python -I leaves it out.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

if __name__ == "__main__":
    from _run import run

    run("train")
