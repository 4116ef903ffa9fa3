"""What the page's program answers, and what it refuses."""

import contextlib
import http.client
import io
import os
import signal
import socket
import struct
import sys
import threading
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from kfkd import nets, prediction, weights
from kfkd.callbacks import Checkpoint
from kfkd.data import COLUMNS
from kfkd.demo import app, predictor, server
from kfkd.errors import PredictionError
from kfkd.prediction import photographs
from tests.helpers import small_faces
from tests.helpers.demo_server import ask
from tests.helpers.portraits import PATH, portrait_bytes

SHIPPED = "modern"


def png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_the_page_and_its_parts(served):
    port, *_ = served
    for path, kind, words in (
        ("/", "text/html", b"Key points of faces"),
        ("/page.css", "text/css", b"prefers-color-scheme: dark"),
        ("/page.js", "text/javascript", b"getUserMedia"),
    ):
        status, headers, content = ask(port, "GET", path)
        assert status == 200
        assert headers["content-type"].startswith(kind)
        assert words in content
        assert b"http://" not in content.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"https://" not in content  # nothing from outside
    assert ask(port, "GET", "/api/other")[0] == 404
    assert ask(port, "GET", "/../app.py")[0] == 404
    assert ask(port, "GET", "/api/predict")[0] == 405


def test_points_are_those_of_predict(served):
    port, _, found = served
    status, _, told = ask(port, "POST", "/api/predict", portrait_bytes())
    assert status == 200
    assert (told["width"], told["height"]) == (512, 600)
    faces = photographs.read_faces(PATH)
    np.testing.assert_allclose(told["boxes"], [face.box for face in faces], atol=0.01)
    assert set(told["points"]) == set(found.nets)
    for name, net in found.nets.items():
        table = photographs.predict_faces(net, {"x": faces})
        (points,) = told["points"][name]
        values = np.ravel([points[column[:-2]] for column in COLUMNS[::2]])
        np.testing.assert_allclose(values, table.iloc[0][list(COLUMNS)], atol=0.01)
        assert told["ms"][name] > 0


def test_one_net_alone_and_the_whole_image(served):
    port, _, found = served
    grey = np.random.default_rng(0).integers(0, 256, (96, 96), np.uint8)
    body = png(Image.fromarray(grey))
    query = f"?net={SHIPPED}&detect=0"
    status, _, told = ask(port, "POST", f"/api/predict{query}", body)
    assert status == 200
    assert told["boxes"] == [[0, 0, 96, 96]]
    assert list(told["points"]) == [SHIPPED]
    X = (grey / np.float32(255)).reshape(1, -1)
    expected = prediction.predict(found.nets[SHIPPED], X).iloc[0]
    nose = told["points"][SHIPPED][0]["nose_tip"]
    np.testing.assert_allclose(nose, expected[["nose_tip_x", "nose_tip_y"]], atol=0.01)
    status, _, told = ask(port, "POST", "/api/predict?net=modrn", body)
    assert (status, told["error"]) == (
        404,
        "there is no net 'modrn' (did you mean 'modern'?)",
    )


def test_an_image_without_a_face(served):
    port, *_ = served
    body = png(Image.new("RGB", (300, 200), "green"))
    status, _, told = ask(port, "POST", "/api/predict", body)
    assert status == 200
    assert told["boxes"] == []
    assert all(points == [] for points in told["points"].values())


def huge_png(width, height):
    """A PNG that says it has a size, and is small."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(2_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


def text_bomb():
    """A PNG with a text that is large once it is unpacked."""
    image = png(Image.new("L", (50, 50)))
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1 << 6))
    data = b"key\0\0" + data + packer.flush()
    crc = struct.pack(">I", zlib.crc32(b"zTXt" + data))
    part = struct.pack(">I", len(data)) + b"zTXt" + data + crc
    return image[:33] + part + image[33:]


@pytest.mark.parametrize(
    ("make", "status", "words"),
    [
        (lambda: b"", 422, "the file is not an image of a known format"),
        (lambda: b"<svg/>", 422, "is not an image of a known format"),
        (lambda: portrait_bytes()[:9000], 422, "cannot be read as an image"),
        (lambda: huge_png(20_000, 20_000), 422, "more than 100,000,000 pixels"),
        (lambda: huge_png(10_001, 10_000), 422, "more than 100,000,000 pixels"),
        (lambda: png(Image.new("L", (9, 90))), 422, "has 9 x 90 pixels, too few"),
        (text_bomb, 422, "the file cannot be read as an image"),
        (lambda: bytes(app.MOST_BYTES + 1), 413, "more than 25 MB"),
    ],
)
def test_uploads_that_are_refused(served, make, status, words):
    port, *_ = served
    found, _, told = ask(port, "POST", "/api/predict", make())
    assert found == status
    assert words in told["error"]
    assert ask(port, "POST", "/api/predict", portrait_bytes())[0] == 200


def test_a_body_that_does_not_say_how_long_it_is(served):
    port, *_ = served
    parts = (bytes(1 << 20) for _ in range(40))
    try:
        status, _, _ = ask(port, "POST", "/api/predict", parts)
    except (BrokenPipeError, ConnectionResetError):
        status = 413  # it was not read to its end
    assert status == 413
    assert ask(port, "GET", "/api/nets")[0] == 200


_opened = []  # while there is a list in it
sys.addaudithook(
    lambda event, arguments: (
        _opened[-1].append(arguments) if event == "open" and _opened else None
    )
)


def test_nothing_is_written_to_disk(served):
    port, *_ = served
    ask(port, "POST", "/api/predict", portrait_bytes())  # which may compile
    found = []
    _opened.append(found)
    try:
        assert ask(port, "POST", "/api/predict", portrait_bytes())[0] == 200
    finally:
        _opened.pop()
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    assert found  # of the test itself, which reads the photograph
    assert [path for path, _, flags in found if flags & writing] == []


def test_a_reader_that_goes_away_leaves_no_trace(served, capfd):
    port, *_ = served
    with socket.create_connection((server.HOST, port)) as client:
        client.sendall(b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        client.sendall(b"Content-Length: 100000\r\n\r\nabc")
    for _ in range(2 * app.MOST_WAITING):  # its place is free again
        assert ask(port, "POST", "/api/predict", portrait_bytes())[0] == 200
    assert capfd.readouterr().err == ""


def test_an_upload_that_never_ends(served, monkeypatch):
    port, *_ = served
    monkeypatch.setattr(app, "MOST_SECONDS", 0.2)
    with socket.create_connection((server.HOST, port)) as client:
        client.sendall(b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        client.sendall(b"Content-Length: 100000\r\n\r\nabc")
        assert client.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_fault_of_ours_is_one_line(served, monkeypatch, capfd):
    port, *_ = served

    def fail(*args, **kwargs):
        raise RuntimeError("a fault")

    monkeypatch.setattr(predictor, "cut_faces", fail)
    status, _, told = ask(port, "POST", "/api/predict", portrait_bytes())
    assert (status, told["error"]) == (500, "it has failed; the terminal says why")
    assert capfd.readouterr().err == "Error: RuntimeError: a fault\n"


def test_images_that_wait_are_dropped_when_it_ends(tmp_path, monkeypatch):
    decoded, begun, ended = [], threading.Semaphore(0), threading.Semaphore(0)
    found = predictor.Predictor({SHIPPED: weights.load()})
    decode, predict = predictor.decode_image, predictor.Predictor.predict
    closed = threading.Event()

    def decode_late(*args, **kwargs):
        decoded.append(all(begun.acquire(timeout=60) for _ in threads))
        os.kill(os.getpid(), signal.SIGINT)
        assert closed.wait(60)
        return decode(*args, **kwargs)

    def predict_and_tell(*args, **kwargs):
        begun.release()
        try:
            return predict(*args, **kwargs)
        finally:
            ended.release()

    def close():
        found.close()
        closed.set()

    def send():
        with contextlib.suppress(OSError, http.client.HTTPException):
            ask(port, "POST", "/api/predict", portrait_bytes())

    monkeypatch.setattr(predictor, "decode_image", decode_late)
    monkeypatch.setattr(predictor.Predictor, "predict", predict_and_tell)
    listener = server.bind(0, strict=True)
    port = listener.getsockname()[1]
    threads = [threading.Thread(target=send) for _ in range(3)]
    with pytest.raises(KeyboardInterrupt):
        server.serve(
            app.make_app(found, tmp_path),
            listener,
            started=lambda: [thread.start() for thread in threads],
            ending=close,
        )
    for thread in threads:
        thread.join()
    assert all(ended.acquire(timeout=60) for _ in threads)
    assert decoded == [True]  # once all had come


def test_a_net_that_cannot_predict_is_named():
    few = nets.make("net1", hidden_num_units=3, output_num_units=4)
    few.initialize()
    with pytest.raises(
        PredictionError, match=r"^few: the net predicts 4 columns, where 30"
    ):
        predictor.Predictor({"few": few}).warm_up()


def test_many_at_once_are_answered_or_told_to_wait(served, monkeypatch):
    """And they are decoded one after the other."""
    port, *_ = served
    busy, most, lock = 0, 0, threading.Lock()
    original = predictor.decode_image
    begun = threading.Event()

    def decode(*args, **kwargs):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        begun.wait(60)  # until all have been sent
        with lock:
            busy -= 1
        return original(*args, **kwargs)

    monkeypatch.setattr(predictor, "decode_image", decode)
    answers = []

    def send():
        answers.append(ask(port, "POST", "/api/predict", portrait_bytes())[::2])

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    # Those that need not wait are refused at once; the others wait for this.
    deadline = time.monotonic() + 60
    while len(answers) < 20 - app.MOST_WAITING and time.monotonic() < deadline:
        time.sleep(0.01)
    begun.set()
    for thread in threads:
        thread.join()
    counts = {status: 0 for status, _ in answers}
    for status, content in answers:
        counts[status] += 1
        if status == 503:
            assert "too many images at once" in content["error"]
    assert counts == {200: app.MOST_WAITING, 503: 20 - app.MOST_WAITING}
    assert most == 1


def test_trainings_under_way(served):
    port, folder, _ = served
    assert ask(port, "GET", "/api/trainings")[2] == []
    X, y = small_faces.rows(30)
    net = small_faces.small(max_epochs=9, verbose=0)

    def stop(net, history):
        if len(history) == 4:
            raise KeyboardInterrupt

    net.fit(X, y, checkpoint=Checkpoint(folder / "mine.checkpoint"), callbacks=[stop])
    (folder / "broken.checkpoint").write_bytes(b"PK no")
    (told,) = ask(port, "GET", "/api/trainings")[2]
    history = net.train_history_[: told["epochs"]]
    assert told["name"] == "mine"
    assert 1 <= told["epochs"] <= 4
    assert told["of"] == 9
    for (epoch, *pixels), row in zip(told["curve"], history, strict=True):
        assert epoch == row["epoch"]
        losses = np.array([row["train_loss"], row["valid_loss"]])
        np.testing.assert_allclose(pixels, 48 * np.sqrt(losses), atol=1e-3)
