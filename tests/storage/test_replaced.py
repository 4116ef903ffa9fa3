"""Nets that others replace: which of them are kept."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace

import pytest

from kfkd import storage
from kfkd.estimator import NeuralNet
from kfkd.files import old_files, pickles
from kfkd.storage.replaced import read_summaries, summarize
from tests.helpers import small_faces


def net(epochs, *, loss=1.0, asked=10, interrupted=False):
    """Return a net as after a training, of which `loss` is the first."""
    made = small_faces.small()
    made.train_history_ = [
        {"epoch": epoch, "train_loss": loss / epoch, "valid_loss": 2.0, "dur": 1.0}
        for epoch in range(1, epochs + 1)
    ]
    made.epochs_, made.interrupted_ = asked, interrupted
    return made


@pytest.mark.parametrize("ending", ["pickle", "npz"])
@pytest.mark.parametrize(
    ("old", "new", "is_kept"),
    [
        (net(10), net(10, loss=3), True),  # finished
        (net(10, asked=10), net(20, asked=20), True),  # finished, shorter
        (net(10), net(3, interrupted=True), True),  # longer
        (net(7, interrupted=True), net(6, loss=3), True),  # longer
        (net(7, interrupted=True), net(10), False),  # the same, continued
        (net(7), net(10), False),  # the same, ended by a time limit
        (net(10), net(10), False),  # the same
        (net(7, interrupted=True), net(10, loss=3), False),  # shorter
        (net(0), net(10), True),  # weights of another origin, perhaps
        ({"a": net(10)}, {"a": net(10), "b": net(10)}, False),  # one more
        ({"a": net(10), "b": net(10)}, {"a": net(10)}, True),
        ({"a": net(10)}, net(10), True),
        (net(10), {("a", "b"): net(10)}, True),
    ],
)
def test_which_are_kept(tmp_path, old, new, is_kept, ending):
    path, kept = (tmp_path / f"{name}.{ending}" for name in ("net", "net.old"))
    assert storage.save(old, path, keep_old=True) is None
    before = path.read_bytes()
    assert storage.save(new, path, keep_old=True) == (kept if is_kept else None)
    assert os.listdir(tmp_path).count(kept.name) == is_kept
    if is_kept:
        assert kept.read_bytes() == before
    assert read_summaries(path) == summarize(new)


def test_the_older_ones_stay(tmp_path):
    path = tmp_path / "net.pickle"
    for loss in (1, 2, 3):
        storage.save(net(10, loss=loss), path, keep_old=True)
    kept = ["net.old.pickle", "net.old2.pickle", "net.pickle"]
    assert sorted(os.listdir(tmp_path)) == kept
    losses = [
        storage.load(tmp_path / name).train_history_[0]["train_loss"] for name in kept
    ]
    assert losses == [1, 2, 3]


def test_nets_of_others_are_kept_and_run_no_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "run"),)

    for i, content in enumerate(
        [pickle.dumps([Trap(), "NeuralNet"]), b"\x80", b"PK\x03\x04", b"?" * 99]
    ):
        path = tmp_path / f"net{i}.pickle"
        path.write_bytes(content)
        kept = storage.save(net(10), path, keep_old=True)
        assert kept.read_bytes() == content
    assert not (tmp_path / "run").exists()


def test_what_a_link_points_to_is_kept_beside_it(tmp_path):
    (tmp_path / "there").mkdir()
    path = tmp_path / "net.pickle"
    path.symlink_to("there/net.pickle")
    for loss in (1, 2):
        storage.save(net(10, loss=loss), path, keep_old=True)
    assert sorted(os.listdir(tmp_path / "there")) == ["net.old.pickle", "net.pickle"]
    assert path.is_symlink()


def no_links(source, target):
    raise PermissionError(1, "Operation not permitted", target)


def test_where_files_have_one_name_only_it_is_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(old_files.os, "link", no_links)
    path = tmp_path / "net.pickle"
    for loss in (1, 2, 3):
        storage.save(net(10, loss=loss), path, keep_old=True)
    assert len(os.listdir(tmp_path)) == 3
    old = storage.load(tmp_path / "net.old.pickle").train_history_
    assert old[0]["train_loss"] == 1


def test_where_it_cannot_be_kept_it_is_not_replaced(tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    path = tmp_path / "net.pickle"
    storage.save(net(10), path)
    before = path.read_bytes()
    monkeypatch.setattr(old_files.os, "link", no_links)
    monkeypatch.setattr(old_files, "shutil", SimpleNamespace(copyfileobj=full))
    with pytest.raises(storage.StorageError, match=r"net\.pickle cannot be kept as "):
        storage.save(net(10, loss=2), path, keep_old=True)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.pickle"]


def test_where_the_new_one_cannot_be_saved_there_is_the_old_one_alone(tmp_path):
    path = tmp_path / "net.pickle"
    storage.save(net(10), path)
    before = path.read_bytes()
    lost = net(10, loss=2)
    lost.on_epoch_finished = [lambda net, history: None]
    with pytest.raises(storage.StorageError, match="cannot hold the net"):
        storage.save(lost, path, keep_old=True)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.pickle"]


def test_a_pickle_with_its_summary_is_read_by_pickle_alone(tmp_path):
    storage.save(net(3), tmp_path / "net.pickle")
    with open(tmp_path / "net.pickle", "rb") as file:
        loaded = pickle.load(file)
    assert isinstance(loaded, NeuralNet)
    assert len(loaded.train_history_) == 3


def test_of_two_that_are_saved_at_the_same_time_both_are_kept(tmp_path, monkeypatch):
    """The second waits until the first is there; else it would see none to keep."""
    dump, second_writes, first_writes = pickles.dump, Event(), Event()

    def slow_dump(net, path, *args):
        if first_writes.is_set():
            second_writes.set()
        else:
            first_writes.set()
            second_writes.wait(1)
        dump(net, path, *args)

    monkeypatch.setattr(pickles, "dump", slow_dump)
    path = tmp_path / "net.pickle"
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(storage.save, net(3), path, keep_old=True)
        assert first_writes.wait(60)
        second = pool.submit(storage.save, net(2, loss=3), path, keep_old=True)
        assert first.result() is None
        assert second.result() == tmp_path / "net.old.pickle"
    found = [len(storage.load(p).train_history_) for p in (path, second.result())]
    assert found == [2, 3]


FORK = """
import fcntl, os, pathlib, signal, sys, time
from kfkd.files.old_files import locked_folder
folder = pathlib.Path(sys.argv[1])
with locked_folder(folder / "net.pickle"):
    child = os.fork()
    if child == 0:
        time.sleep(600)
try:
    fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
finally:
    os.kill(child, signal.SIGKILL)
"""


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_process_that_is_forked_meanwhile_does_not_keep_the_lock(tmp_path):
    subprocess.run([sys.executable, "-c", FORK, tmp_path], check=True)
