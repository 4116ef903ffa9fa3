"""docs/old-programs.md is true, and programs of the time run.

Theano takes seconds to compile each: all of them are tried if KFKD_CASES is set, as for
``KFKD_CASES=10000 make test``, and else two.
"""

import importlib
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from kfkd import stack
from tests.helpers.cases import parametrize

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parents[1] / "old_programs"

on_request = pytest.mark.skipif(
    "KFKD_CASES" not in os.environ, reason="tried on request, with KFKD_CASES"
)


def listed():
    """Return each module, name and state that the page's tables list."""
    text = (ROOT / "docs" / "old-programs.md").read_text()
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) >= 3 and cells[2].strip("| ") in ("works", "differs", "error"):
            for name in re.findall("`(.*?)`", cells[1]):
                yield cells[0].strip("` |"), name, cells[2].strip("| ")


NAMES = list(listed())


def test_the_page_lists_names():
    assert len(NAMES) > 250
    assert {state for *_, state in NAMES} == {"works", "differs", "error"}


@pytest.mark.parametrize("module", sorted({module for module, *_ in NAMES}))
def test_names_are_what_the_page_says(module):
    for place, name, state in NAMES:
        if place != module:
            continue
        code = f"from {module} import {name}"
        if state == "error":
            with pytest.raises(ImportError, match=name):
                exec(f"{code}\n{name}()")
        else:
            exec(code)
            assert getattr(importlib.import_module(module), name) is not None


def test_errors_say_what_to_use():
    for module, name, state in NAMES:
        if state == "error":
            with pytest.raises(ImportError, match=r"is not available: \w+"):
                exec(f"from {module} import {name}\n{name}()")


def run(name, monkeypatch):
    monkeypatch.setattr(sys, "argv", [name])
    return runpy.run_path(str(PROGRAMS / name), run_name="__main__")


@pytest.mark.slow
def test_vgg(monkeypatch):
    assert run("vgg_cudnn.py", monkeypatch)["accuracy"] > 0.9


@pytest.mark.slow
def test_nolearn_net(monkeypatch, capsys):
    net = run("nolearn_net.py", monkeypatch)["net"]
    assert net.train_history_[-1]["valid_accuracy"] > 0.9
    assert net.train_history_[-1]["top2"] > 0.9
    assert "norm1" in capsys.readouterr().out


@on_request
def test_autoencoder(monkeypatch):
    found = run("autoencoder.py", monkeypatch)
    assert found["losses"][-1] < 0.5 * found["losses"][0]
    assert found["code"].W in found["params"]


@on_request
def test_lstm(monkeypatch):
    found = run("lstm.py", monkeypatch)
    assert found["after"] < 0.5 * found["before"]


@on_request
def test_dcgan(monkeypatch):
    found = run("dcgan.py", monkeypatch)
    assert found["samples"].shape == (16, 1, 12, 12)
    assert found["scores"][0] > 0.5


@pytest.mark.process
@pytest.mark.slow
def test_unchanged_from_the_command_line(tmp_path):
    code = """
from __future__ import print_function
import theano.sandbox.cuda
theano.sandbox.cuda.use("cpu")
import theano, theano.tensor as T
from theano.sandbox.cuda.dnn import dnn_available
x = T.matrix()
print(theano.function([x], T.nnet.relu(x).sum())([[1, -2], [3, 4]]), dnn_available())
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    result = subprocess.run(
        [sys.executable, "-m", "kfkd.stack", str(script)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "8.0 True\n"
    assert stack.theano.cuda.cuda_available is False


@pytest.mark.process
@parametrize(
    ("code", "beside"),
    [
        ("import lasagne", ""),
        ("import nolearn.lasagne", ""),
        ("import theano.sandbox.cuda", ""),
        ("import theano.tensor.signal.downsample", ""),
        ("import kfkd.stack", "kfkd.py"),
        ("from kfkd import load", "kfkd.py"),
        ("import theano, kfkd", ""),
        ("import kfkd, theano", "theano.py"),
    ],
    fast=[("import lasagne", ""), ("import kfkd.stack", "kfkd.py")],
)
def test_the_page_lists_the_errors_without_the_package(tmp_path, code, beside):
    if beside:
        (tmp_path / beside).touch()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    last = [line for line in done.stderr.splitlines() if "Error: " in line][-1]
    text = (ROOT / "docs" / "old-programs.md").read_text()
    cells = [line.split(" | ")[0] for line in text.splitlines() if line[:1] == "|"]
    listed = [part for cell in cells for part in re.findall("`([^`]+)`", cell)]
    listed += re.findall("'theano[^']+'", " ".join(cells))
    parts = [[re.escape(p) for p in text.split("…")] for text in listed]
    long = [".*".join(part) for part in parts if len("".join(part)) > 15]
    assert any(re.search(pattern, last) for pattern in long), last
