"""scripts/upstream.py, on a small suite of its own."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SUITE = """
import os, time
import pytest
import theano

def test_well(): assert theano.config.mode == "xla"
def test_wrong(): assert 1 == len("ab")
def test_breaks_down(): os._exit(3)
def test_takes_too_long(): time.sleep(60)
def test_without_a_size():
    x = theano.tensor.vector()
    raise NotImplementedError(f"no conversion for {len('abc')}\\nIt is here")
@pytest.mark.skip(reason="not today")
def test_not_now(): pass
@pytest.mark.xfail(reason="hard")
def test_hard(): assert 0
def test_ends_well(): pass
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    path = ROOT / "scripts" / "upstream.py"
    spec = importlib.util.spec_from_file_location("upstream", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "CACHE", tmp_path)
    monkeypatch.setattr(module, "SUITES", {"Small-1.0": ["tests"]})
    return module


def add_file(script, name, text):
    path = script.CACHE / "Small-1.0" / "tests" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.process
@pytest.mark.slow
def test_nothing_is_lost_when_a_test_breaks_down_or_hangs(script):
    add_file(script, "test_small.py", SUITE)
    assert script.find_files() == [("Small-1.0", "tests/test_small.py")]
    script.run("Small-1.0", "tests/test_small.py", 5, "float64")
    results = {
        result["test"].split("::")[1]: script.classify(result)
        for result in script.read("Small-1.0", "tests/test_small.py")
    }
    assert results == {
        "test_well": ("passed", ""),
        "test_wrong": ("failed", 'def test_wrong(): assert # == len("ab")'),
        "test_breaks_down": ("failed", "the process ends with status #"),
        "test_takes_too_long": ("failed", "it took longer than # s"),
        "test_without_a_size": ("failed", "NotImplementedError: no conversion for #"),
        "test_not_now": ("not applicable", "skips itself: not today"),
        "test_hard": ("not applicable", "expected to fail by its authors"),
        "test_ends_well": ("passed", ""),
    }
    text = script.tabulate(script.find_files())
    assert "| **Small-1.0** | 2 | 4 | 33.3 % | 2 |" in text
    assert "`tests/test_small.py::test_breaks_down`" in text


@pytest.mark.process
@pytest.mark.slow
def test_a_file_that_cannot_be_imported_fails(script):
    add_file(script, "test_broken.py", "import absent\n")
    script.run("Small-1.0", "tests/test_broken.py", 1, "float64")
    (result,) = script.read("Small-1.0", "tests/test_broken.py")
    cause = "ModuleNotFoundError: No module named 'absent'"
    assert script.classify(result) == ("failed", cause)


def test_a_rule_covers_one_way_to_fail(script):
    test = "tests/test_helper.py::TestGetOutput_InputLayer"
    result = {
        "test": f"{test}::test_get_output_input_is_variable",
        "outcome": "failed",
        "error": "AttributeError: 'str' object has no attribute 'filter'",
        "line": "",
    }
    assert script.classify(result)[0] == "not applicable"
    assert script.classify(result | {"error": "ValueError: no"})[0] == "failed"
