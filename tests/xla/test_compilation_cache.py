"""Compiled programs are kept for the next process."""

import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

PROGRAM = """
    import numpy as np
    import kfkd, theano, theano.tensor as T

    x = T.fmatrix()
    f = theano.function([x], T.tanh(T.dot(x, x.T)).sum())
    print(float(f(np.ones((3, 4), "float32"))))
"""
RESULT = 9 * math.tanh(4)


def run(home, **changes):
    """Run a program, where every warning is an error, and check what it prints."""
    changes = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"} | changes
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(PROGRAM)],
        env=environment
        | {"XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT)}
        | changes,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert float(done.stdout) == pytest.approx(RESULT, rel=1e-6)


def programs(folder):
    return {p: p.read_bytes() for p in Path(folder).rglob("*-cache")}


@pytest.mark.process
@pytest.mark.slow
def test_programs_are_kept_and_a_damaged_one_does_no_harm(tmp_path):
    run(tmp_path)
    kept = programs(tmp_path / "kfkd" / "xla")
    assert kept
    run(tmp_path)
    assert programs(tmp_path / "kfkd" / "xla") == kept
    for path, content in kept.items():
        path.write_bytes(content[: len(content) // 2])
    run(tmp_path)


@pytest.mark.process
def test_the_users_own_cache_is_used(tmp_path):
    own = tmp_path / "own"
    run(tmp_path, JAX_COMPILATION_CACHE_DIR=str(own))
    assert programs(own)
    assert not programs(tmp_path / "kfkd")


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"JAX_ENABLE_COMPILATION_CACHE": "0"},
        {"XDG_CACHE_HOME": "/dev/null/nowhere"},
        {"XDG_CACHE_HOME": "", "HOME": "~"},
    ],
)
def test_without_a_place_or_a_wish_nothing_is_kept(tmp_path, changes):
    run(tmp_path, **changes)
    assert not programs(tmp_path / "kfkd")


@pytest.mark.parametrize(
    ("accessed", "kept"),
    [
        ([0, 1, 2, 3, 4], ["3-cache", "4-cache"]),
        ([9, 1, 2, 3, 4], ["0-cache", "4-cache"]),  # the first one is still read
        ([0, 0, 0, 0, 0], ["3-cache", "4-cache"]),  # accesses are not noted
    ],
)
def test_the_least_recently_used_give_way(tmp_path, monkeypatch, accessed, kept):
    from kfkd.xla import compilation_cache as module

    for i, time in enumerate(accessed):
        path = tmp_path / f"{i}-cache"
        path.write_bytes(bytes(10))
        os.utime(path, (time, i))
    monkeypatch.setattr(module, "_LARGEST", 25)
    module._prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == kept
