"""Train the six specialists: python scripts/fit_specialists.py net6.pickle."""

import sys

from kfkd.cli import run

if __name__ == "__main__":
    sys.exit(run("fit_specialists"))
