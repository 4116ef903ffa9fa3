import errno
import io
import os
import pickle
import stat
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from kfkd import storage
from kfkd.files import atomic
from kfkd.nets import make
from kfkd.storage import StorageError, check_writable, written_atomically
from tests.helpers import small_faces


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


def test_a_net_comes_back(tmp_path):
    X, y = small_faces.rows()
    net = small_faces.small().fit(X, y, epochs=1)
    storage.save({"all": net}, tmp_path / "net.pickle")
    assert os.listdir(tmp_path) == ["net.pickle"]
    loaded = storage.load(str(tmp_path / "net.pickle"))["all"]
    assert np.array_equal(loaded.predict(X), net.predict(X))


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


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(StorageError, match=r"no\.pickle cannot be read: No such file"):
        storage.load(tmp_path / "no.pickle")


@pytest.mark.parametrize("name", ["no.pickle", "folder"])
def test_what_cannot_be_read_is_found_before(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=f"{name} cannot be read: "):
        storage.check_readable(tmp_path / name)
    storage.check_readable(__file__)


def image(kind):
    """Return the bytes of an image file."""
    stream = io.BytesIO()
    Image.new("RGB", (3, 2)).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"left_eye_center_x,Image\n", "is a text file, not a saved net"),
        ("käse\r\n".encode() * 9999, "is a text file, not a saved net"),
        (image("PNG"), "is an image, not a saved net"),
        (image("JPEG"), "is an image, not a saved net"),
        (bytes(range(256)), "is not a net that kfkd has saved"),
        (
            pickle.dumps(list(range(999)))[:-9],
            "is damaged, or not a net saved by kfkd (UnpicklingError: "
            "pickle data was truncated): restore a copy, or make it again",
        ),
    ],
    ids=["empty", "text", "long text", "png", "jpg", "anything", "truncated"],
)
def test_another_file_is_an_error(tmp_path, content, message):
    path = tmp_path / "net.pickle"
    path.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        storage.load(path)
    assert str(caught.value) == f"{path} {message}"


class RunsCode:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["net.npz", "net.NPZ", ".npz"])
@pytest.mark.parametrize("function", [storage.load, storage.load_params])
def test_a_name_of_arrays_runs_no_code(tmp_path, function, name, protocol):
    path, ran = tmp_path / name, tmp_path / "ran"
    path.write_bytes(pickle.dumps(RunsCode(ran), protocol))
    with pytest.raises(
        StorageError, match=r"pickle can run code: rename it to .*\.pic"
    ):
        function(path)
    assert not ran.exists()
    path.rename(tmp_path / "net.pickle")
    with pytest.raises(StorageError):
        function(tmp_path / "net.pickle")  # which is trusted
    assert ran.exists()


def test_letters_of_an_ending_may_be_of_any_case(tmp_path):
    storage.save(make("net1"), tmp_path / "net.NPZ")
    with np.load(tmp_path / "net.NPZ", allow_pickle=False) as arrays:
        assert len(arrays.files) > 1
    assert storage.load(tmp_path / "net.NPZ").get_params()["hidden_num_units"] == 100


def pickled_reference(module, name):
    """Return a pickle of a class, or a function, that need not exist."""
    words = [b"\x8c" + bytes([len(w)]) + w.encode() for w in (module, name)]
    return b"\x80\x04" + b"".join(words) + b"\x93."


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        (
            "__main__",
            "AdjustVariable",
            "it needs AdjustVariable, which is defined in the script that saved it, "
            "and not in this one. Define or import it in the script that loads",
        ),
        (
            "missing",
            "Name",
            "it needs Name, which is in the module missing, whose import fails: No "
            "module named 'missing'. Install it, or name the folder",
        ),
        (
            "kfkd.callbacks",
            "AdjustAll",
            "it needs AdjustAll, which is missing from the module kfkd.callbacks. Take",
        ),
    ],
)
def test_what_a_pickle_needs_and_cannot_have_is_named(tmp_path, module, name, words):
    path = tmp_path / "net.pickle"
    path.write_bytes(pickled_reference(module, name))
    with pytest.raises(StorageError) as caught:
        storage.load(path)
    assert str(caught.value).startswith(f"{path} cannot be loaded: {words}")
    assert "damaged" not in str(caught.value)


def test_a_pasted_class_loads_where_it_is_defined(tmp_path, monkeypatch):
    class AdjustVariable(dict):
        def predict(self, X):
            return X

    main = sys.modules["__main__"]
    AdjustVariable.__module__ = "__main__"
    AdjustVariable.__qualname__ = "AdjustVariable"
    monkeypatch.setattr(main, "AdjustVariable", AdjustVariable, raising=False)
    path = tmp_path / "net.pickle"
    storage.save(AdjustVariable(start=0.03), path)
    assert storage.load(path) == {"start": 0.03}
    monkeypatch.delattr(main, "AdjustVariable")
    with pytest.raises(StorageError, match="needs AdjustVariable, which is defined in"):
        storage.load(path)


class Net:
    def predict(self, X):
        return X


@pytest.mark.parametrize(
    ("content", "described"),
    [
        (3, "3 (int)"),
        ([1], "[1] (list)"),
        ({}, "{} (dict)"),
        ({"a": 1}, "1 under 'a' (dict of int)"),
        ({("a", "b"): Net(), "c": [0] * 99}, "under 'c' (dict of list)"),
    ],
)
def test_a_pickle_of_another_thing_is_an_error(tmp_path, content, described):
    path = tmp_path / "net.pickle"
    storage.save(content, path)
    with pytest.raises(StorageError) as caught:
        storage.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path} holds ")
    assert message.endswith(f"{described}, not a net or a set of specialists")
    assert len(message) < len(str(path)) + 130


@pytest.mark.parametrize(
    ("there", "asked", "meant"),
    [
        (["net1.pickle", "net2.pickle"], "net1", "net1.pickle"),
        (["net2.pickle", "net1.pickle"], "Net1.pickle", "net1.pickle"),
        (["net1.npz"], "net1.pickle", "net1.npz"),
        (["net-specialists.pickle"], "net_specialist.pickle", "net-specialists.pickle"),
        (["notes.txt"], "note.txt", None),
        (["net6.pickle"], "x.pickle", None),
        ([], "net1.pickle", None),
    ],
)
@pytest.mark.parametrize("function", [storage.load, storage.check_readable])
def test_a_name_that_is_near_is_proposed(tmp_path, function, there, asked, meant):
    for name in there:
        (tmp_path / name).touch()
    with pytest.raises(StorageError) as caught:
        function(tmp_path / asked)
    hint = f" (did you mean {str(tmp_path / meant)!r}?)" if meant else ""
    assert str(caught.value) == (
        f"{tmp_path / asked} cannot be read: No such file or directory{hint}"
    )
