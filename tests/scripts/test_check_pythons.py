"""scripts/check_pythons.py, on a small suite of its own and without installing."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

SUITE = """
import pytest
def test_well(): pass
def test_well_too(): pass
def test_wrong(): assert 0
def test_broken(absent): pass
@pytest.mark.skip
def test_not_now(): pass
"""


@pytest.fixture
def script():
    path = ROOT / "scripts" / "check_pythons.py"
    spec = importlib.util.spec_from_file_location("check_pythons", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(script, monkeypatch):
    """Run main() with outcomes given for each version; return the exit status."""
    monkeypatch.setattr(script, "SUPPORTED", ("3.11", "3.12", "3.13"))

    def run(outcomes, *arguments):
        def check(version, keep, pytest_arguments):
            ok = outcomes[version]
            if ok is None:
                return [version, "not found on this machine"], None
            return [version, *"12345", "7", "0" if ok else "1", "2"], ok

        monkeypatch.setattr(script, "check", check)
        monkeypatch.setattr(sys, "argv", ["check_pythons.py", *arguments])
        return script.main()

    return run


@pytest.mark.process
def test_counts_what_pytest_reports(script, tmp_path):
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE)
    options = ["-c", os.devnull, "-p", "no:cacheprovider", str(suite)]
    assert script.run_tests(sys.executable, options) == ((2, 2, 1), 1)


@pytest.mark.process
def test_pytest_that_does_not_start_is_no_success(script):
    counts, status = script.run_tests(sys.executable, ["--no-such-option"])
    assert counts == ("-", "-", "-")
    assert status != 0


def test_finds_a_python_that_runs_on_the_path(script, tmp_path, monkeypatch):
    shim, real = tmp_path / "shims", tmp_path / "real"
    for folder, command in (shim, "exit 127"), (real, f'exec "{sys.executable}" "$@"'):
        folder.mkdir()
        program = folder / f"python{HERE}"
        program.write_text(f"#!/bin/sh\n{command}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim}{os.pathsep}{real}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    assert script.find_python(HERE) == real / f"python{HERE}"
    monkeypatch.setenv("PATH", str(shim))
    assert script.find_python(HERE) is None


def test_finds_the_newest_of_pyenv(script, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    for patch in ("2", "10", "9"):
        program = tmp_path / "versions" / f"{HERE}.{patch}" / "bin" / f"python{HERE}"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        program.chmod(0o755)
    assert script.find_python(HERE).parts[-3] == f"{HERE}.10"


def test_table(run, capsys):
    assert run({"3.11": True, "3.12": False, "3.13": None}) == 1
    assert capsys.readouterr().out.splitlines() == [
        "",
        "python  numpy  scipy  pandas  scikit-learn  jax  passed  failed  skipped"
        "  all well",
        "3.11    1      2      3       4             5    7       0       2        yes",
        "3.12    1      2      3       4             5    7       1       2        NO",
        "3.13    not found on this machine",
    ]


@pytest.mark.parametrize(
    ("outcomes", "arguments", "status"),
    [
        ((True, True, True), [], 0),
        ((True, None, True), [], 0),
        ((True, None, True), ["--required"], 1),
        ((True, True, False), [], 1),
        ((None, None, None), [], 1),
        ((True, None, True), ["3.11", "3.13", "--required"], 0),
        ((False, True, True), ["3.12"], 0),
    ],
)
def test_exit_status(run, outcomes, arguments, status):
    of_each = dict(zip(("3.11", "3.12", "3.13"), outcomes, strict=True))
    assert run(of_each, *arguments) == status


def test_unknown_version(run, capsys):
    with pytest.raises(SystemExit):
        run({}, "3.9")
    assert "'3.9' is none of 3.11, 3.12, 3.13" in capsys.readouterr().err
