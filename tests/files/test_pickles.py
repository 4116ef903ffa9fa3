"""Pickles that have lost their checksums, or were written without one."""

import hashlib
import pickle
import struct

import pytest

from kfkd.errors import StorageError
from kfkd.files import pickles
from kfkd.files.kinds import PICKLE_SEAL


def test_python_reads_what_is_written():
    assert pickle.loads(pickles.dumps({"a": [1, 2]}, {"note": 3})) == {"a": [1, 2]}


def test_a_lost_checksum_is_noticed():
    content = pickles.dumps([1, 2], "note")
    end = len(pickle.dumps([1, 2])) + content.index(b"\x80", 1)
    assert pickle.loads(content[:end]) == [1, 2]
    for damaged in (content[:end], content[:-1], content + b"."):
        with pytest.raises(StorageError, match=r"net\.pickle is damaged: restore"):
            pickles.loads(damaged, "net.pickle")


def test_files_of_earlier_versions_are_checked_and_read():
    content = pickles.dumps([1, 2], "note")
    old = content[content.index(b"\x80", 1) : content.rindex(PICKLE_SEAL)]
    old += PICKLE_SEAL + hashlib.blake2b(old, digest_size=16).digest()
    assert pickles.loads(old, "net.pickle") == [1, 2]
    assert pickles.read_note(old) == "note"
    with pytest.raises(StorageError, match=r"net\.pickle is damaged: restore"):
        pickles.loads(old.replace(b"note", b"nose"), "net.pickle")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_other_programs_are_read(protocol):
    shared = [1, "é"]
    content = pickle.dumps({i: [shared, i] for i in range(300)}, protocol)
    loaded = pickles.loads(content, "net.pickle")
    assert loaded == pickle.loads(content)
    assert loaded[0][0] is loaded[299][0]


@pytest.mark.parametrize(
    "wrong",
    [
        b"p16777216\n",
        pickle.LONG_BINPUT + struct.pack("<I", 2**24),
        pickle.BINPUT + b"\xff",
    ],
    ids=["PUT", "LONG_BINPUT", "BINPUT"],
)
def test_a_pickle_that_would_take_memory_for_nothing_is_an_error(wrong):
    content = b"\x80\x05K\x07" + wrong + b"."
    assert pickle.loads(content) == 7
    with pytest.raises(StorageError, match=r"net\.pickle is damaged, or not a net"):
        pickles.loads(content, "net.pickle")
