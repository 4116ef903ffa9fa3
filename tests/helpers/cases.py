"""How many cases are tried: some of them, or all if KFKD_CASES is set.

As for ``KFKD_CASES=10000 make test``; the number counts where cases are made at random.
"""

import os

import pytest

ALL = "KFKD_CASES" in os.environ


def number(default):
    """Return how many cases to make at random."""
    return int(os.environ.get("KFKD_CASES", default))


def some(cases, *often):
    """Return *cases* if all are asked for, and else those named after them."""
    return list(cases) if ALL else list(often)


def parametrize(names, cases, *, fast, **options):
    """Parametrize a test, some of whose cases are fast, and the others slow.

    These are more of the same kind; ``make test-all`` runs them.

    Parameters
    ----------
    fast : list or int
        The cases that are fast, or how many of the first are.
    """
    cases = list(cases)
    fast = cases[:fast] if isinstance(fast, int) else fast
    assert all(case in cases for case in fast)
    params = [
        pytest.param(
            *([case] if isinstance(names, str) else case),
            marks=[] if case in fast else pytest.mark.slow,
        )
        for case in cases
    ]
    return pytest.mark.parametrize(names, params, **options)
