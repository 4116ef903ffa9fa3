"""Files of checkpoints: what is deleted, moved aside, or left alone."""

import os

import pytest

from kfkd.callbacks.checkpoint import Checkpoint, CheckpointError, fit_with
from tests.helpers.killed_trainings import check_same, killed, plain, trained


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_checkpoint_of_another_training_is_moved_aside(path):
    killed(plain, path, 5)
    before = content(path.parent)
    assert sorted(before) == ["net.checkpoint", "net.previous.checkpoint"]
    net, (X, y) = plain(update_momentum=0.5)
    with pytest.warns(RuntimeWarning, match=r"update_momentum was .* begins anew"):
        fit_with(Checkpoint(path, resume=True), net.seed(7), X, y)
    check_same(net, trained(plain, update_momentum=0.5))
    after = content(path.parent)
    assert after["net.old.checkpoint"] == before["net.checkpoint"]
    assert after["net.old.previous.checkpoint"] == before["net.previous.checkpoint"]
    # As what they are, under their new name.
    net = trained(plain, Checkpoint(path.with_name("net.old.checkpoint"), resume=True))
    check_same(net, trained(plain))


def test_files_that_are_moved_aside_replace_none(path):
    files = Checkpoint(path).files
    for name in ("net.old.checkpoint", "net.old2.previous.checkpoint"):
        path.with_name(name).write_text("somebody's own")
    for file in (files.path, files.previous):
        file.write_text(file.name)
    moved = files.move_aside()
    assert [file.read_text() for file in moved] == [
        "net.checkpoint",
        "net.previous.checkpoint",
    ]
    assert len(os.listdir(path.parent)) == 4
    assert files.move_aside() == []


def test_what_is_no_checkpoint_stays(path):
    killed(plain, path, 5)
    files = Checkpoint(path).files
    files.previous.write_text("somebody's own")
    path.with_name(".net.draft-mine.checkpoint").write_text("somebody's own")
    files.remove()
    left = [".net.draft-mine.checkpoint", "net.previous.checkpoint"]
    assert sorted(os.listdir(path.parent)) == left


def test_what_is_no_checkpoint_is_not_replaced(path):
    path.write_text("somebody's own")
    net, (X, y) = plain()
    with pytest.raises(CheckpointError, match="is not a checkpoint of kfkd, and would"):
        net.fit(X, y, checkpoint=Checkpoint(path, epochs=1))
    assert path.read_text() == "somebody's own"
    os.unlink(path)
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match="is a pipe or a device"):
        net.fit(X, y, checkpoint=Checkpoint(path, epochs=1))
