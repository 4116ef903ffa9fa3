"""Nets that are saved and loaded, and files that hold something else."""

import io
import json
import os
import pickle
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import theano
from lasagne import init
from PIL import Image

from kfkd import storage
from kfkd.data import split_sparse
from kfkd.errors import ArgumentError
from kfkd.files import arrays, net_files
from kfkd.nets import make
from kfkd.storage import StorageError
from tests.helpers import small_faces


def test_a_net_comes_back(tmp_path):
    X, y = small_faces.rows()
    net = small_faces.small().fit(X, y, epochs=1)
    storage.save({"all": net}, tmp_path / "net.pickle")
    assert os.listdir(tmp_path) == ["net.pickle"]
    loaded = storage.load(str(tmp_path / "net.pickle"))["all"]
    assert np.array_equal(loaded.predict(X), net.predict(X))


def test_half_precision_takes_half_the_space_and_hardly_changes_predictions(tmp_path):
    X, y = small_faces.rows()
    net = make("modern", verbose=0, max_epochs=1).seed(0)
    net.fit(net.reshape_input(X), split_sparse(y))
    storage.save(net, tmp_path / "whole.npz")
    storage.save(net, tmp_path / "half.npz", half=True)
    sizes = [(tmp_path / f"{name}.npz").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 3e6
    assert sizes[0] < 0.55 * sizes[1]
    loaded = storage.load(tmp_path / "half.npz")
    ours, theirs = loaded.get_all_params_values(), net.get_all_params_values()
    for name, values in theirs.items():
        expected = [value.astype("float16").astype("float32") for value in values]
        np.testing.assert_equal(ours[name], expected)
        assert all(value.dtype == "float32" for value in ours[name])
    images = net.reshape_input(X)
    np.testing.assert_allclose(loaded.predict(images), net.predict(images), atol=5e-3)


def test_what_half_precision_cannot_hold(tmp_path):
    net = small_faces.small()
    net.initialize()
    with pytest.raises(ArgumentError, match=r"half is True; it must be False unless"):
        storage.save(net, tmp_path / "net.pickle", half=True)
    weights = net.layers_["hidden"].W
    weights.set_value(weights.get_value() + np.float32(1e5))
    with pytest.raises(StorageError, match=r"'hidden' has weights beyond 65504"):
        storage.save(net, tmp_path / "net.npz", half=True)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("ending", ["pickle", "npz"])
@pytest.mark.parametrize("floatX", ["float16", "float64"])
def test_a_net_is_rounded_to_the_floats_of_the_process(tmp_path, ending, floatX):
    X, y = small_faces.rows()
    path = tmp_path / f"net.{ending}"
    for made, loaded in [(floatX, "float32"), ("float32", floatX)]:
        with theano.config.change_flags(floatX=made):
            net = small_faces.small().fit(X, y, epochs=1)
            storage.save(net, path)
        with theano.config.change_flags(floatX=loaded):
            found = storage.load(path)
            assert found.predict(X).dtype == loaded
        ours, theirs = found.get_all_params_values(), net.get_all_params_values()
        for name, values in theirs.items():
            expected = [np.asarray(value).astype(loaded) for value in values]
            np.testing.assert_equal(ours[name], expected)


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


@pytest.mark.parametrize("ending", ["pickle", "npz"])
@pytest.mark.parametrize("early", [True, False])
def test_a_net_comes_out_of_a_pipe(tmp_path, ending, early):
    X, y = small_faces.rows()
    net = small_faces.small().fit(X, y, epochs=1)
    storage.save(net, tmp_path / f"net.{ending}")
    content = (tmp_path / f"net.{ending}").read_bytes()
    pipe = tmp_path / f"pipe.{ending}"
    os.mkfifo(pipe)

    def write():
        with open(pipe, "wb") as to:
            to.write(content)

    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write) if early else None
        storage.check_readable(pipe)
        if not early:
            pool.submit(lambda: (time.sleep(0.1), write()))
        loaded = storage.load(pipe)
        if early:
            written.result()
    assert np.array_equal(loaded.predict(X), net.predict(X))


def test_a_pipe_that_gives_nothing_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(net_files, "_PATIENCE", 0.01)
    os.mkfifo(tmp_path / "pipe.pickle")
    with pytest.raises(StorageError, match="nothing came out of the pipe"):
        storage.load(tmp_path / "pipe.pickle")


def test_a_device_is_an_error():
    for check in (storage.check_readable, storage.load):
        with pytest.raises(StorageError, match="/dev/zero cannot be read: it is a dev"):
            check("/dev/zero")


def test_what_is_larger_than_the_memory_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(net_files, "physical_memory", lambda: 10**6)
    path = tmp_path / "net.pickle"
    path.write_bytes(pickle.PROTO)
    os.truncate(path, 10**6)
    with pytest.raises(StorageError, match="is too large to be loaded: more than"):
        storage.load(path)
    os.mkfifo(tmp_path / "pipe.pickle")
    with ThreadPoolExecutor(1) as pool:
        endless = pool.submit(_write_on_and_on, tmp_path / "pipe.pickle")
        with pytest.raises(StorageError, match="is too large to be loaded: more than"):
            storage.load(tmp_path / "pipe.pickle")
        with pytest.raises(BrokenPipeError):
            endless.result()


def _write_on_and_on(path, begin=pickle.PROTO):
    with open(path, "wb", buffering=0) as to:
        to.write(begin)
        while True:
            to.write(bytes(1 << 16))


def test_of_what_begins_like_no_net_only_the_beginning_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.pickle")
    with ThreadPoolExecutor(1) as pool:
        endless = pool.submit(_write_on_and_on, tmp_path / "pipe.pickle", b"\0")
        with pytest.raises(StorageError, match="is not a net that kfkd has saved"):
            storage.load(tmp_path / "pipe.pickle")
        with pytest.raises(BrokenPipeError):
            endless.result()


def test_a_definition_larger_than_its_weights_is_refused_before_they_are_drawn(
    tmp_path, monkeypatch
):
    drawn = []
    for name in ("Uniform", "Constant", "GlorotUniform"):
        monkeypatch.setattr(
            getattr(init, name), "sample", lambda self, shape: drawn.append(shape)
        )
    net = small_faces.small(hidden_W=init.GlorotUniform())
    # Made without drawing, as the initializers do nothing here.
    net.make_from(
        {
            "input": [],
            "hidden": [np.zeros((9216, 4), "f4"), np.zeros(4, "f4")],
            "output": [np.zeros((4, 30), "f4"), np.zeros(30, "f4")],
        }
    )
    storage.save(net, tmp_path / "net.npz")
    storage.load(tmp_path / "net.npz")
    packed, about = arrays.read(tmp_path / "net.npz", "net")
    text = json.dumps(about).replace(
        '["hidden_num_units", 4]', '["hidden_num_units", 10000000]'
    )
    assert "10000000" in text
    arrays.write(tmp_path / "net.npz", "net", packed, json.loads(text))
    with pytest.raises(StorageError, match=r"have the shape \(9216, 10000000\)"):
        storage.load(tmp_path / "net.npz")
    assert drawn == []
