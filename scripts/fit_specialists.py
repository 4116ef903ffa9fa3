"""Train the six specialists: python scripts/fit_specialists.py net6.pickle."""

import os
import sys

# python -I leaves it out.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

if __name__ == "__main__":
    from _run import run

    run("fit_specialists")
