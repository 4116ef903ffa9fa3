"""Trainings by scripts/train.py, and what comes of them."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from kfkd import storage

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "train.py"
HANGS = 600  # seconds


def environment():
    """Return the environment of processes that import kfkd from this checkout."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path}


def epochs(text):
    return re.findall(r"^ +(\d+)  \|  .*$", text, re.MULTILINE)


def rows(text):
    return re.findall(r"^ +\d+  \|  .*$", text, re.MULTILINE)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def start(*arguments, **options):
    """Start the script as a user does, in a process of its own."""
    return _start(SCRIPT, *arguments, **options)


def _start(*arguments, stdout=subprocess.PIPE, **changes):
    return subprocess.Popen(
        [sys.executable, "-u", *map(str, arguments)],
        env=environment() | changes,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


# Code after which the process sends a signal when a text is printed: itself, so that no
# load on the machine brings the signal too late.
SIGNALLING = """
import os, re, sys, threading

def signal_when(printed, times, seconds, send):
    write, left = sys.stdout.write, [times]

    def write_and_look(text):
        size = write(text)
        if re.match(printed, text):
            left[0] -= 1
            if left[0] == 0 and not seconds:
                send()
            elif left[0] == 0:
                threading.Timer(seconds, send).start()
        return size

    sys.stdout.write = write_and_look
"""

_SIGNALLED = f"""{SIGNALLING}
printed, times, seconds, number = sys.argv[1:5]
send = lambda: os.kill(os.getpid(), int(number))
signal_when(printed, int(times), float(seconds), send)
sys.argv[:5] = ["train.py"]
from kfkd.cli import run
sys.exit(run("train"))
"""


def start_signalled(signum, printed, *arguments, times=1, seconds=0):
    """Start the same; it gets a signal so long after a text was printed so often."""
    how = map(str, (printed, times, seconds, int(signum)))
    return _start("-c", _SIGNALLED, *how, *arguments)


def without_time_left(text):
    """Return messages without the line that a slow training has besides."""
    return re.sub(r"^About .* left .*\n", "", text, flags=re.MULTILINE)


def interrupted(process, signum=signal.SIGINT):
    """Wait for a process that a signal ends; return what it has printed."""
    out, err = process.communicate(timeout=HANGS)
    assert process.returncode == 128 + signum
    err = without_time_left(err)
    assert err in ("", "\nInterrupted.\n")
    return out + err


def check_same(path, expected):
    """Compare two pickled nets: the course of their training, and their weights."""
    net, expected = storage.load(path), storage.load(expected)
    for ours, theirs in zip(net.train_history_, expected.train_history_, strict=True):
        np.testing.assert_equal(ours | {"dur": 0}, theirs | {"dur": 0})
    np.testing.assert_equal(
        net.get_all_params_values(), expected.get_all_params_values()
    )
