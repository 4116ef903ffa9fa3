"""Disks that are full, and files that may not grow: old files stay, nothing is lost."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kfkd import faces, storage
from kfkd.callbacks.checkpoint import Checkpoint
from kfkd.errors import DataError, StorageError
from tests.helpers import small_faces
from tests.helpers.written_files import MIN_SIZE, OLD, WRITERS

resource = pytest.importorskip("resource")

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train.py"
LIMIT = MIN_SIZE  # bytes

pytestmark = pytest.mark.usefixtures("work")


@contextlib.contextmanager
def limited():
    """Let this process write no file larger than `LIMIT`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("name", "write"), WRITERS)
def test_a_file_that_may_not_grow(work, name, write):
    path = work / name
    path.write_bytes(OLD)
    with limited(), pytest.raises(StorageError, match=f"{name}.*: File too large"):
        write(path)
    assert path.read_bytes() == OLD
    assert os.listdir(work) == [name]
    write(path)  # as there is room again
    assert path.read_bytes() != OLD


def test_drawn_faces_that_find_no_room(work):
    with limited(), pytest.raises(DataError, match="File too large; name another"):
        faces.make(work / "faces", n_train=40, n_test=10)
    assert [path for path in work.rglob("*") if path.is_file()] == []


def test_a_training_whose_checkpoints_find_no_room(work):
    X, y = small_faces.rows()
    checkpoint = Checkpoint(work / "net.checkpoint", epochs=1)
    net = small_faces.small(on_epoch_finished=[checkpoint])
    with limited(), pytest.warns(RuntimeWarning, match="File too large"):
        net.fit(X, y)
    assert len(net.train_history_) == net.max_epochs
    assert os.listdir(work) == []


def can_mount():
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return shutil.which("unshare") and not subprocess.run(command).returncode


# A shell's commands that mount a small file system, and go there.
MOUNT = "mkdir disk && mount -t tmpfs -o size={} none disk && cd disk || exit 99\n"


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="no file system of its own can be mounted")
def test_a_disk_that_checkpoints_have_filled_has_room_for_the_net(work, tmp_path):
    data = faces.make(tmp_path / "data", n_train=200, n_test=1)
    train = [sys.executable, SCRIPT, "net1", "--epochs", "4", "--data", data]
    train += ["--checkpoint-every", "1"]
    done = subprocess.run(  # a net takes 4 MB, a checkpoint 8
        ["unshare", "-rm", "sh", "-c", MOUNT.format("18m") + '"$@"; ls', "sh", *train],
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("\nnet1.pickle\nnet1.png\n"), done.stdout + done.stderr
    assert "net1.draft.checkpoint cannot be written: No space" in done.stderr


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="no file system of its own can be mounted")
def test_a_full_disk_at_the_end_of_a_training(work, tmp_path):
    data = faces.make(tmp_path / "data", n_train=200, n_test=1)
    script = (
        MOUNT.format("200k") + "printf '\\200NeuralNet old' > net1.pickle; "
        '"$@"; echo "status $?"; tail -c 3 net1.pickle; ls -A'
    )
    train = [sys.executable, SCRIPT, "net1", "--epochs", "2", "--data", data]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *map(str, train)],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("status 1\noldnet1.pickle\n"), done.stdout + done.stderr
    found = re.fullmatch(
        r"train\.py: net1\.pickle cannot be written: No space left on device; what was "
        r"there before is unchanged\. The net is saved in (.*)\n",
        done.stderr,
    )
    assert found, done.stderr
    assert len(storage.load(found[1]).train_history_) == 2
