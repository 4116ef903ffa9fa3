"""Write Kaggle's file with saved nets: python scripts/submit.py net6.pickle."""

import sys

from kfkd.cli import run

if __name__ == "__main__":
    sys.exit(run("submit"))
