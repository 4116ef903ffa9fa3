"""kfkd demo, as a user starts and ends it."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kfkd import nets, storage
from kfkd.__main__ import main
from kfkd.cli import _saved_nets, demo
from tests.helpers.demo_server import ask
from tests.helpers.portraits import PATH

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("work")


def save(name):
    net = nets.make("net1", hidden_num_units=2).seed(0)
    net.initialize()
    storage.save(net, name)


def own_addresses():
    """Return the address by which other machines know this one, if there is any."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            sender.connect(("192.0.2.1", 9))  # which sends nothing
        except OSError:
            return []
        return [sender.getsockname()[0]]


@pytest.mark.process
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_ended(ending):
    save("net1.npz")
    command = [sys.executable, "-m", "kfkd", "demo", "--port", "0", "--no-browser"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    line = process.stdout.readline()
    url, port = re.search(r"at (http://127\.0\.0\.1:(\d+)/) \(Ctrl-C", line).groups()
    assert url.endswith("/")
    _, _, about = ask(int(port), "GET", "/api/nets")
    assert [net["name"] for net in about["nets"]] == ["net1", _saved_nets.SHIPPED]
    with open(PATH, "rb") as file:
        _, _, told = ask(int(port), "POST", "/api/predict", file.read())
    assert len(told["boxes"]) == 1
    # Nobody but this machine reaches it.
    for address in own_addresses():
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, int(port)), timeout=10).close()
    # An upload that is under way does not keep it.
    with socket.create_connection(("127.0.0.1", int(port))) as client:
        client.sendall(b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        client.sendall(b"Content-Length: 100000\r\n\r\nabc")
        process.send_signal(ending)
        _, err = process.communicate()
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "Net: modern, as it comes with kfkd, trained on drawn faces" in err
    assert os.listdir() == ["net1.npz"]


def test_nets_that_are_named(monkeypatch):
    for name in ("net1.pickle", "net2.npz", "net6.pickle"):
        save(name)
    args = demo.parse_args([])
    assert list(demo.load_nets(args)) == ["net1", "net2", _saved_nets.SHIPPED]
    args = demo.parse_args(["net6.pickle", "net1.pickle"])
    assert list(demo.load_nets(args)) == ["net6", "net1"]


def test_a_port_that_is_taken(capsys):
    from kfkd.demo import server

    with socket.socket() as taken:
        taken.bind((server.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["demo", "--port", str(port), "--no-browser"]) == 1
        problem = f"Port {port} cannot be used: Address already in use; choose another"
        assert problem in capsys.readouterr().err
        with server.bind(port, strict=False) as other:
            assert other.getsockname()[1] > port


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["no.pickle"], 1, "no.pickle cannot be read"),
        (["me.png"], 2, "me.png is an image, not a saved net"),
        (["--port", "70000"], 2, "70000 is not at least 0, at most 65535"),
    ],
)
def test_errors(arguments, status, words, capsys):
    try:
        found = main(["demo", "--no-browser", *arguments])
    except SystemExit as end:
        found = end.code
    assert found == status
    assert words in capsys.readouterr().err


def test_without_its_packages_it_says_how_to_get_them(monkeypatch, capsys):
    for name in ("kfkd.demo.server", "kfkd.demo.app", "uvicorn"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["demo", "--no-browser"]) == 1
    err = capsys.readouterr().err
    assert "The page needs uvicorn: install it with `" in err
    assert "demo" in err
