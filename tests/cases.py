"""How many cases are tried: some of them, or all if KFKD_CASES is set.

As for ``KFKD_CASES=10000 make test``; the number counts where cases are made at random.
"""

import os

ALL = "KFKD_CASES" in os.environ


def number(default):
    """Return how many cases to make at random."""
    return int(os.environ.get("KFKD_CASES", default))


def some(cases, *often):
    """Return *cases* if all are asked for, and else those named after them."""
    return list(cases) if ALL else list(often)
