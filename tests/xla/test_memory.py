"""Memory that programs take again and again is not fetched from the kernel anew."""

import os
import platform
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

# Prints how many pages the kernel has to provide for the third call of a program
# whose intermediate result, of 64 MB, is larger than its input and its output.
PROGRAM = """
    import resource
    import numpy as np
    import kfkd, theano, theano.tensor as T

    x = T.fmatrix()
    f = theano.function([x], T.sort(T.outer(x, x)).sum())
    faults = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        f(np.ones((64, 64), "float32"))
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    print(faults[-1])
"""


def faults(**changes):
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("MALLOC", "GLIBC"))
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env=kept | {"PYTHONPATH": str(ROOT), "KFKD_DEVICE": "cpu"} | changes,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is done with glibc only")
def test_memory_is_kept_unless_the_user_has_decided():
    kept, decided = faults(), faults(MALLOC_ARENA_MAX="8")
    assert decided > 10_000  # 64 MB are 16,384 pages of 4 kB
    assert kept < decided / 10
