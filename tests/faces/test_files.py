"""Drawn faces as files: when they are made, and what becomes of others' files."""

import errno
import json
import os
import traceback
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from kfkd import faces
from kfkd.data import DataError
from kfkd.errors import ArgumentError
from kfkd.faces import photo

FILES = ("training.csv", "test.csv", "IdLookupTable.csv", "test_labels.csv")


def content(folder):
    return [(folder / name).read_bytes() for name in FILES]


def test_equal_seeds_give_equal_files_and_others_differ(tmp_path):
    one, same, other = (
        content(faces.make(tmp_path / name, seed=seed, n_train=12, n_test=6))
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert one == same
    for name, before, after in zip(FILES, one, other, strict=True):
        assert (before == after) is (name == "IdLookupTable.csv")


def test_default_folder_is_in_the_cache_and_used_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert faces.find(seed=4, n_train=5, n_test=3) is None
    folder = faces.make(seed=4, n_train=5, n_test=3)
    assert faces.find(seed=4, n_train=5, n_test=3) == folder
    assert faces.find(seed=4, n_train=6, n_test=3) is None
    assert folder == tmp_path / "kfkd" / f"faces-{faces.VERSION}-4-5-3"
    before = [(folder / name).stat().st_mtime_ns for name in FILES]
    assert faces.make(seed=4, n_train=5, n_test=3) == folder
    assert [(folder / name).stat().st_mtime_ns for name in FILES] == before
    good = content(folder)
    (folder / "test.csv").write_bytes(good[1][:100])
    (folder / "training.csv").unlink()
    assert faces.find(seed=4, n_train=5, n_test=3) is None
    faces.make(seed=4, n_train=5, n_test=3)
    assert content(folder) == good
    assert {path.name for path in folder.iterdir()} == {*FILES, "faces.json"}


def test_no_place_for_a_default_folder(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(
        DataError, match=r"cannot be written: .*; name .*XDG_CACHE_HOME$"
    ):
        faces.make(n_train=4, n_test=2)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(DataError, match=r"no home folder .*; name .*XDG_CACHE_HOME$"):
        faces.make(n_train=4, n_test=2)


def refuse(*args, **kwargs):
    raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize("function", ["tempfile.mkdtemp", "os.replace"])
@pytest.mark.parametrize("folder", [None, "mine"])
def test_a_folder_that_cannot_be_written_is_one_error(
    work, monkeypatch, capfd, function, folder
):
    monkeypatch.setattr(function, refuse)
    with pytest.raises(DataError) as caught:
        faces.make(folder, n_train=4, n_test=2)
    message = "drawn faces cannot be written: Permission denied; name "
    assert message in str(caught.value)
    assert ("XDG_CACHE_HOME" in str(caught.value)) == (folder is None)
    # Without a traceback of another, which it would follow from.
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.count("Traceback") == 1


def test_a_file_in_the_place_of_the_cache_is_one_error(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "deep" / "er"))
    with pytest.raises(DataError, match="cannot be written: Not a directory") as caught:
        faces.make(n_train=4, n_test=2)
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.count("Traceback") == 1


def test_drawn_faces_are_told_from_others(tmp_path):
    folder = faces.make(tmp_path / "kaggle", n_train=4, n_test=2)
    table = folder / "training.csv"
    assert faces.is_drawn(folder)
    assert faces.is_drawn(table)
    assert faces.describe(table) == f"drawn faces, {table}"
    # As somebody may do who wants what Kaggle gives.
    (folder / "test_labels.csv").unlink()
    assert not faces.is_drawn(folder)
    assert faces.is_drawn(table)
    (folder / "test.csv").write_text("ImageId,Image\n")
    assert not faces.is_drawn(folder / "test.csv")
    assert faces.describe(folder / "test.csv") == str(folder / "test.csv")
    (folder / "faces.json").unlink()
    assert not faces.is_drawn(table)
    assert not faces.is_drawn(folder / "absent.csv")


@pytest.mark.parametrize("name", ["training.csv", "test.zip"])
def test_files_of_others_are_never_lost(tmp_path, name):
    faces.make(tmp_path, n_train=4, n_test=2)
    (tmp_path / name).write_bytes(b"all my labels")
    before = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())
    with pytest.raises(DataError, match=rf"holds {name}, not made by"):
        faces.make(tmp_path, seed=1, n_train=4, n_test=2)
    after = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())
    assert after == before


def test_a_change_that_keeps_the_size_is_noticed(tmp_path):
    folder = faces.make(n_train=4, n_test=2)
    table = folder / "training.csv"
    before = table.read_bytes()
    status = table.stat()
    table.write_bytes(before[:-2] + bytes([before[-2] ^ 1]) + before[-1:])
    assert not faces.is_drawn(table)
    assert faces.find(n_train=4, n_test=2) is None
    assert faces.make(n_train=4, n_test=2) == folder  # which is a cache
    assert table.read_bytes() == before
    assert faces.is_drawn(folder)
    assert table.stat().st_size == status.st_size
    # In a folder of the user's own, nothing is lost.
    mine = faces.make(tmp_path / "mine", n_train=4, n_test=2) / "training.csv"
    mine.write_bytes(before[:-2] + bytes([before[-2] ^ 1]) + before[-1:])
    with pytest.raises(DataError, match=r"holds training.csv, not made by"):
        faces.make(mine.parent, n_train=4, n_test=2)


@pytest.mark.parametrize(
    "record", ["", "[" * 100_000, "5", '{"made by": "kfkd.faces"}']
)
def test_a_damaged_record_is_not_believed(tmp_path, record):
    folder = faces.make(tmp_path, n_train=4, n_test=2)
    (folder / "faces.json").write_text(record)
    assert not faces.is_drawn(folder / "training.csv")
    with pytest.raises(DataError, match="not made by"):
        faces.make(tmp_path, n_train=4, n_test=2)


def test_own_files_are_replaced(tmp_path):
    faces.make(tmp_path, seed=1, n_train=4, n_test=2)
    faces.make(tmp_path, seed=2, n_train=6, n_test=2)
    assert len(pd.read_csv(tmp_path / "training.csv")) == 6
    assert json.loads((tmp_path / "faces.json").read_text())["seed"] == 2


def test_nothing_is_left_when_making_fails(tmp_path, monkeypatch):
    faces.make(tmp_path, seed=1, n_train=4, n_test=2)
    before = content(tmp_path)
    drawn = photo.face

    def fail(seed, stream, number, **options):
        if stream == photo.TEST:
            raise KeyboardInterrupt
        return drawn(seed, stream, number, **options)

    monkeypatch.setattr("kfkd.faces.table.face", fail)
    with pytest.raises(KeyboardInterrupt):
        faces.make(tmp_path, seed=2, n_train=4, n_test=2)
    assert content(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "faces.json"}


def test_several_may_make_the_same_set_at_once(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        tasks = [
            pool.submit(faces.make, tmp_path / "set", 3, n_train=20, n_test=10)
            for _ in range(4)
        ]
        assert {task.result() for task in tasks} == {tmp_path / "set"}
    alone = faces.make(tmp_path / "alone", 3, n_train=20, n_test=10)
    assert content(tmp_path / "set") == content(alone)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed is -1; it must be a whole number of at least 0"),
        ({"n_train": 2.5}, "n_train is 2.5; it must be a whole number"),
        ({"n_test": 0}, "n_test is 0; it must be a whole number of at least 1"),
        ({"folder": 5}, "folder is 5; it must be a path"),
    ],
)
def test_bad_arguments_give_one_clear_error(tmp_path, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        faces.make(**{"folder": tmp_path / "set"} | arguments)
    assert not (tmp_path / "set").exists()


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(DataError, match="is a file: the drawn faces need a"):
        faces.make(path, n_train=2, n_test=2)
    assert path.read_text() == "mine"


def test_drafts_of_killed_processes_are_cleared_away(tmp_path):
    old, new = tmp_path / ".draft-old", tmp_path / ".draft-new"
    for draft in (old, new):
        draft.mkdir()
        (draft / "training.csv").write_text("half")
    os.utime(old, (0, 0))
    faces.make(tmp_path, n_train=2, n_test=2)
    assert not old.exists()
    assert new.exists()
