"""Memory that programs take again and again is not fetched from the kernel anew."""

import ctypes
import os
import platform
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Takes 64 MB and gives them back; prints how many bytes that has mapped, and then
# how many of them have been kept.
PROGRAM = """
    import ctypes
    import kfkd.stack

    class Info(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in (
            "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks "
            "keepcost").split()]

    libc = ctypes.CDLL(None)
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.free.argtypes, libc.free.restype = [ctypes.c_void_p], None
    libc.mallinfo2.restype = Info
    before = libc.mallinfo2()
    block = libc.malloc(64 << 20)
    during = libc.mallinfo2()
    libc.free(block)
    print(during.hblkhd - before.hblkhd, libc.mallinfo2().fordblks)
"""


def mapped_and_kept(**changes):
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
    return map(int, done.stdout.split())


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="is done with glibc only, and seen with glibc 2.33 or later",
)
def test_memory_is_kept_unless_the_user_has_decided():
    mapped, kept = mapped_and_kept()
    assert mapped == 0
    assert kept >= 64 << 20
    mapped, kept = mapped_and_kept(MALLOC_ARENA_MAX="8")
    assert mapped >= 64 << 20
    assert kept < 64 << 20
