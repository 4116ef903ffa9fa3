"""Folders and files that may not be written to: old files stay, nothing is left."""

import contextlib
import ctypes
import os
import re
import tempfile

import pytest

from kfkd import storage
from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.storage import StorageError, check_writable
from tests.helpers import small_faces
from tests.helpers.written_files import OLD, WRITERS

# Of Linux: what lets root write everywhere, and the third version of capset.
_OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
_VERSION = 0x20080522


@pytest.fixture
def obeying():
    """Have permissions count for this process, root's though it may be."""
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions are others here")
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    before, without = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    if not hasattr(libc, "capget") or libc.capget(header, before):
        pytest.skip("root may write everywhere")
    without[:] = before
    without[0] &= ~_OVERRIDES  # the effective ones alone
    assert libc.capset(header, without) == 0
    yield
    assert libc.capset(header, before) == 0


@contextlib.contextmanager
def read_only(folder):
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(("name", "write"), WRITERS)
def test_a_folder_that_may_not_be_written_to(
    work, obeying, name, write, monkeypatch, tmp_path_factory
):
    # Where nets may be saved instead.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
    path = work / name
    path.write_bytes(OLD)
    message = f"{re.escape(name)}.*: Permission denied"
    with read_only(work), pytest.raises(StorageError, match=message):
        write(path)
    assert path.read_bytes() == OLD
    assert os.listdir(work) == [name]
    write(path)
    assert path.read_bytes() != OLD


def test_it_is_found_out_before_training(work, obeying):
    with read_only(work), pytest.raises(StorageError, match="Permission denied"):
        check_writable(work / "net.pickle")


def test_a_file_that_may_not_be_read(work, obeying):
    path = work / "net.pickle"
    path.write_bytes(OLD)
    path.chmod(0)
    with pytest.raises(StorageError, match=r"net\.pickle.*Permission denied"):
        storage.load(path)


def test_a_training_whose_checkpoints_may_not_be_written(work, obeying):
    X, y = small_faces.rows()
    checkpoint = Checkpoint(work / "net.checkpoint", epochs=1)
    net = small_faces.small(on_epoch_finished=[checkpoint])
    with read_only(work), pytest.warns(RuntimeWarning, match="Permission denied"):
        net.fit(X, y)
    assert len(net.train_history_) == net.max_epochs
    assert os.listdir(work) == []
