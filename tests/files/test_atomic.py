"""Files that are written as a whole or not at all, by `storage.save` and others."""

import errno
import os
import pickle
import stat
import subprocess

import numpy as np
import pytest

from kfkd import storage
from kfkd.files import atomic
from kfkd.storage import StorageError, check_writable, written_atomically


@pytest.fixture
def umask():
    """Set a umask; afterwards the old one is back."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def write_half(path, error):
    with written_atomically(path) as draft:
        draft.write_text("half")
        assert draft.suffix == path.suffix
        raise error


class Unpicklable:
    def __reduce__(self):
        raise RuntimeError("cannot be pickled")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, ValueError])
def test_an_error_while_writing_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(error):
        write_half(path, error)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_net_that_cannot_be_pickled_leaves_the_old_file(tmp_path):
    path = tmp_path / "net.pickle"
    storage.save({"a": 1}, path)
    with pytest.raises(RuntimeError, match="cannot be pickled"):
        storage.save([np.zeros(10**6), Unpicklable()], path)
    assert pickle.loads(path.read_bytes()) == {"a": 1}
    assert os.listdir(tmp_path) == ["net.pickle"]


def test_a_full_disk_is_one_clear_error(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    message = r"file\.txt cannot be written: .*; what was there before is unchanged"
    with pytest.raises(StorageError, match=message):
        write_half(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_disk_that_fills_up_while_saving(tmp_path, monkeypatch):
    path = tmp_path / "net.pickle"
    storage.save({"a": 1}, path)
    # A draft that is a link to the device which is always full.
    mkstemp = atomic.tempfile.mkstemp

    def full(**options):
        handle, draft = mkstemp(**options)
        os.unlink(draft)
        os.symlink("/dev/full", draft)
        return handle, draft

    monkeypatch.setattr(atomic.tempfile, "mkstemp", full)
    with pytest.raises(StorageError, match="No space left on device"):
        storage.save({"a": list(range(10**5))}, path)
    assert pickle.loads(path.read_bytes()) == {"a": 1}
    assert os.listdir(tmp_path) == ["net.pickle"]


def test_the_umask_decides_who_may_read(tmp_path, umask):
    for mask, mode in ((0o022, 0o644), (0o077, 0o600), (0o002, 0o664)):
        umask(mask)
        storage.save([], tmp_path / "net.pickle")
        assert stat.S_IMODE((tmp_path / "net.pickle").stat().st_mode) == mode
        assert umask(mask) == mask  # and is what it was


@pytest.mark.parametrize(
    "function", [check_writable, lambda path: storage.save(1, path)]
)
def test_a_missing_folder_is_an_error(tmp_path, function):
    with pytest.raises(StorageError, match=r"net\.pickle .*there is no folder .*/no"):
        function(tmp_path / "no" / "net.pickle")


@pytest.mark.parametrize(
    "function", [check_writable, lambda path: storage.save(1, path)]
)
def test_a_folder_of_that_name_is_an_error(tmp_path, function):
    (tmp_path / "net.pickle").mkdir()
    with pytest.raises(StorageError, match=r"net\.pickle cannot be written: "):
        function(tmp_path / "net.pickle")
    assert os.listdir(tmp_path) == ["net.pickle"]


def test_to_check_a_file_leaves_it_alone(tmp_path):
    check_writable(tmp_path / "net.pickle")
    assert os.listdir(tmp_path) == []
    (tmp_path / "net.pickle").write_text("old")
    check_writable(tmp_path / "net.pickle")
    assert (tmp_path / "net.pickle").read_text() == "old"
    assert os.listdir(tmp_path) == ["net.pickle"]


@pytest.mark.parametrize("length", [250, 300])
def test_a_name_that_is_too_long_is_found_before(tmp_path, length):
    path = tmp_path / ("x" * length)
    with pytest.raises(StorageError, match="cannot be written: File name too long"):
        check_writable(path)
    with (
        pytest.raises(StorageError, match="cannot be written: File name too long"),
        written_atomically(path),
    ):
        pass
    assert not [*tmp_path.iterdir()]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "real.pickle").write_text("old")
    (tmp_path / "net.pickle").symlink_to("far/real.pickle")
    check_writable(tmp_path / "net.pickle")
    storage.save({"a": 1}, tmp_path / "net.pickle")
    assert (tmp_path / "net.pickle").is_symlink()
    written = (tmp_path / "far" / "real.pickle").read_bytes()
    assert pickle.loads(written) == {"a": 1}
    assert os.listdir(tmp_path / "far") == ["real.pickle"]


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_stays_one(tmp_path):
    path = tmp_path / "net.pickle"
    os.mkfifo(path)
    check_writable(path)
    reader = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
    storage.save({"a": 1}, path)
    read, _ = reader.communicate(timeout=600)
    assert pickle.loads(read) == {"a": 1}
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert os.listdir(tmp_path) == ["net.pickle"]
