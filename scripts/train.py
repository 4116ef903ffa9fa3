"""Train a net of the tutorial and pickle it: python scripts/train.py net6."""

from _run import run

if __name__ == "__main__":
    run("train")
