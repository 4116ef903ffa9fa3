"""benchmarks/report_tests.py: each test that runs on the GPU is a figure."""

import json
import subprocess
import sys

import pytest

from tests.helpers.train_runs import ROOT, environment

TESTS = """
import pytest

@pytest.fixture
def early(): raise OSError("too\\nearly")

@pytest.fixture
def late():
    yield
    raise OSError("late")

def test_well(): pass
def test_wrong(): assert not 1, "wrong"
def test_early(early): pass
def test_late(late): pass
@pytest.mark.skip(reason="not today")
def test_not_now(): pass
"""


@pytest.mark.process
@pytest.mark.slow
def test_each_test_is_a_figure_and_none_passes_twice(tmp_path):
    (tmp_path / "test_small.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    kept = tmp_path / "figures.jsonl"
    kept.write_text("")

    def run(*options, device="cpu"):
        command = [sys.executable, "-m", "pytest", "-q", "-c", tmp_path / "pytest.ini"]
        command += ["-p", "benchmarks.report_tests", *options, tmp_path]
        done = subprocess.run(
            list(map(str, command)),
            cwd=ROOT,
            env=environment()
            | {"BENCHMARKS_FIGURES": str(kept), "BENCHMARKS_DEVICE": device},
            capture_output=True,
            text=True,
            check=False,
        )
        found = [json.loads(x) for x in done.stdout.splitlines() if x[:1] == "{"]
        with kept.open("a") as out:
            out.writelines(json.dumps(figure) + "\n" for figure in found)
        outcomes = {}
        for figure in found:
            name = figure["test"].rpartition("::")[2]
            outcomes[name] = figure["outcome"], figure["why"]
        return done, outcomes

    done, outcomes = run("-n", "0")
    assert done.returncode == 1
    assert outcomes == {
        "test_well": ("passed", ""),
        "test_wrong": ("failed", "AssertionError: wrong"),
        "test_early": ("failed", "OSError: too"),
        "test_late": ("failed", "OSError: late"),
        "test_not_now": ("skipped", "Skipped: not today"),
    }
    _, again = run("-n", "2")
    del outcomes["test_well"]
    assert again == outcomes
    done, nothing = run("-n", "0", "-k", "test_well")
    assert (done.returncode, nothing) == (0, {})
    done, nothing = run(device="cuda")
    assert (done.returncode, nothing) == (1, {})
    assert "the tests would run on cpu, not on cuda" in done.stdout + done.stderr


@pytest.mark.process
@pytest.mark.slow
def test_a_file_without_what_it_needs_is_no_failure(tmp_path):
    file = tmp_path / "test_beside.py"
    file.write_text("import pytest\npytest.importorskip('no_such_package')\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-c"]
    command += [tmp_path / "pytest.ini", "-p", "benchmarks.report_tests", file]
    done = subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    figures = [json.loads(x) for x in done.stdout.splitlines() if x[:1] == "{"]
    (figure,) = [figure for figure in figures if "test_beside" in figure["test"]]
    assert figure["outcome"] == "skipped"
    assert "no_such_package" in figure["why"]
