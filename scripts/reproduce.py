"""Train the tutorial's nets and compare: python scripts/reproduce.py."""

import sys

from kfkd.cli import run

if __name__ == "__main__":
    sys.exit(run("reproduce"))
