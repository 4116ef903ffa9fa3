"""Trainings by scripts/train.py, and what comes of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from kfkd import storage

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "train.py"


def epochs(text):
    return re.findall(r"^ +(\d+)  \|  .*$", text, re.MULTILINE)


def rows(text):
    return re.findall(r"^ +\d+  \|  .*$", text, re.MULTILINE)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def start(*arguments, stdout=subprocess.PIPE, **changes):
    """Start the script as a user does, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-u", str(SCRIPT), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | changes,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def check_same(path, expected):
    """Compare two pickled nets: the course of their training, and their weights."""
    net, expected = storage.load(path), storage.load(expected)
    for ours, theirs in zip(net.train_history_, expected.train_history_, strict=True):
        np.testing.assert_equal(ours | {"dur": 0}, theirs | {"dur": 0})
    np.testing.assert_equal(
        net.get_all_params_values(), expected.get_all_params_values()
    )
