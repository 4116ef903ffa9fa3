import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kfkd.data import cache, read
from tests.helpers import kaggle_tables

pytestmark = pytest.mark.usefixtures("work")

ARRAYS = (
    np.array([[1.5, np.nan]]),
    np.arange(300, dtype=np.uint8).reshape(3, 100),
    np.empty(0, np.int64),
)


def files(tmp_path):
    return sorted(path for path in (tmp_path / "cache").rglob("*") if path.is_file())


def check(arrays):
    assert len(arrays) == len(ARRAYS)
    for array, expected in zip(arrays, ARRAYS, strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)


def test_what_is_saved_is_loaded(tmp_path):
    assert cache.load("key") is None
    cache.save("key", ARRAYS)
    check(cache.load("key"))
    assert cache.load("other") is None
    assert files(tmp_path) == [tmp_path / "cache/kfkd/tables/key"]


def test_damage_is_noticed_wherever_it_is(tmp_path):
    cache.save("key", ARRAYS)
    (path,) = files(tmp_path)
    sound = path.read_bytes()
    for position in range(0, len(sound), 7):
        damaged = bytearray(sound)
        damaged[position] ^= 4
        path.write_bytes(damaged)
        assert cache.load("key") is None, position
        path.write_bytes(sound[:position])
        assert cache.load("key") is None, position
    path.write_bytes(sound + b"\0")
    assert cache.load("key") is None
    path.write_bytes(sound)
    check(cache.load("key"))


def test_a_renamed_copy_is_not_taken_for_another(tmp_path):
    cache.save("key", ARRAYS)
    (path,) = files(tmp_path)
    path.rename(path.with_name("other"))
    assert cache.load("other") is None


def test_a_damaged_copy_is_made_again(tmp_path):
    labels, _ = kaggle_tables.make(tmp_path / "made")
    read("training", tmp_path / "made")
    (path,) = files(tmp_path)
    sound = path.read_bytes()
    path.write_bytes(sound[:-100] + bytes(100))
    np.testing.assert_array_equal(read("training", tmp_path / "made").labels, labels)
    assert path.read_bytes() == sound


def test_nothing_is_written_beside_the_data(tmp_path):
    kaggle_tables.make(tmp_path / "made")
    read("training", tmp_path / "made")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {
        "training.csv",
        "test.csv",
    }


@pytest.mark.parametrize("setting", ["", "relative/path"])
def test_the_folder_without_a_setting(tmp_path, monkeypatch, setting):
    monkeypatch.setenv("XDG_CACHE_HOME", setting)
    cache.save("key", ARRAYS)
    check(cache.load("key"))
    assert (tmp_path / "home/.cache/kfkd/tables/key").is_file()
    assert not list(Path.cwd().iterdir())


def test_no_home(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    cache.save("key", ARRAYS)
    assert cache.load("key") is None
    assert not list(Path.cwd().iterdir())


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "cache").write_text("in the way")
    labels, _ = kaggle_tables.make(tmp_path / "made")
    np.testing.assert_array_equal(read("training", tmp_path / "made").labels, labels)


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failed_attempt_leaves_nothing(tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(os, "replace", fail)
    if error is OSError:
        cache.save("key", ARRAYS)
    else:
        with pytest.raises(error):
            cache.save("key", ARRAYS)
    assert files(tmp_path) == []


def test_a_copy_that_cannot_be_touched_is_still_good(monkeypatch):
    cache.save("key", ARRAYS)

    def fail(*_):
        raise PermissionError

    monkeypatch.setattr(os, "utime", fail)
    check(cache.load("key"))


def test_copies_long_unused_give_way(tmp_path):
    for number in range(8):
        cache.save(str(number), ARRAYS)
        os.utime(tmp_path / f"cache/kfkd/tables/{number}", (number, number))
    check(cache.load("0"))  # the oldest, but now of use again
    cache.save("8", ARRAYS)
    assert [path.name for path in files(tmp_path)] == list("02345678")


@pytest.mark.process
@pytest.mark.slow
def test_two_processes_at_once(tmp_path):
    # Each overwrites the copy again and again, and must find a whole one every time.
    code = (
        "import numpy as np; from kfkd.data import cache\n"
        "for i in range(100):\n"
        "    cache.save('key', [np.full(100_000, i, np.uint8)])\n"
        "    (array,) = cache.load('key')\n"
        "    assert array.shape == (100_000,) and np.ptp(array) == 0\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code], cwd=ROOT)
        for _ in range(2)
    ]
    assert [process.wait(timeout=600) for process in processes] == [0, 0]
    assert files(tmp_path) == [tmp_path / "cache/kfkd/tables/key"]


ROOT = Path(__file__).parents[2]
