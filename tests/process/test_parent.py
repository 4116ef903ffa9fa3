"""A process ends with its parent, once it has done what it is at."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1]])
time.sleep(600)
"""
CHILD = """
import os, threading, time
from kfkd.process.parent import end_with_parent
busy, parent = threading.Lock(), os.getppid()
with busy:
    end_with_parent(busy)
    print("begun", flush=True)
    while os.getppid() == parent:
        time.sleep(0.01)
    time.sleep(2)
    print("done", flush=True)
time.sleep(600)
print("still there", flush=True)
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="a child keeps its parent's number")
def test_what_is_under_way_is_done_first():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout.readline() == "begun\n"
    parent.kill()
    output, _ = parent.communicate(timeout=300)  # until the child has ended
    assert output == "done\n"
