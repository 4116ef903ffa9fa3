"""scripts/ and the Makefile: what they say, and to which Python."""

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "scripts").glob("[a-z]*.py"))


def option_texts(text):
    """The options of argparse's help, each with its text on one line."""
    found = re.split(r"\n  (?=-)", text)[1:]
    return [" ".join(re.split(r"\n\n|\n\S", entry)[0].split()) for entry in found]


def test_there_are_scripts():
    assert {"train.py", "check_pythons.py"} <= {path.name for path in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_help_of_every_script_says_the_defaults(script, work, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.syspath_prepend(script.parent)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    assert end.value.code == 0
    text = capsys.readouterr().out
    options = [o for o in option_texts(text) if not o.startswith("-h, --help")]
    for option in options:
        takes_value = re.match(r"(-\w \S+, )?(-\w, )?--[\w-]+ (\[?[A-Z]|\{)", option)
        if takes_value:
            assert re.search("default|required", option), option
    assert not list(work.iterdir())  # asking for help leaves nothing behind


@pytest.mark.process
@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_train_trains_the_net_asked_for():
    def shown(*arguments, **variables):
        # What the `make test` that runs this was itself called with must not count.
        outer = ("NET", "ARGS", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")
        environment = {k: v for k, v in os.environ.items() if k not in outer}
        return subprocess.check_output(
            ["make", "-n", *arguments],
            cwd=ROOT,
            env={**environment, **variables},
            text=True,
        )

    assert "scripts/train.py net1 \n" in shown("train")
    assert "scripts/train.py net6 \n" in shown("train", NET="net6")
    assert "scripts/train.py net2 --seed 1\n" in shown(
        "train", "NET=net2", "ARGS=--seed 1"
    )


@pytest.mark.process
@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_alone_says_what_can_be_made():
    text = subprocess.check_output(["make", "-s"], cwd=ROOT, text=True)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    told = set(re.findall(r"^make ([a-z-]+) {2,}\S", text, re.MULTILINE))
    assert "train" in told
    assert told == targets - {"help", "venv"}


PRETEND = """
import runpy, sys
sys.version_info = 3, 10, 13
sys.path.insert(0, sys.argv[1])
runpy.run_path(sys.argv[1] + "/predict.py", run_name="__main__")
"""


@pytest.mark.process
def test_an_old_python_is_told_which_one_is_needed():
    done = subprocess.run(
        [sys.executable, "-S", "-c", PRETEND, ROOT / "scripts"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.match(
        r"kfkd needs Python 3\.11 or newer; \S+ is Python 3\.10\.13\. `make venv` sets",
        done.stderr,
    )
    assert done.stderr.count("\n") == 1


def test_the_oldest_python_is_that_of_the_distribution():
    major, minor = runpy.run_path(str(ROOT / "scripts" / "_run.py"))["_OLDEST"]
    allowed = SpecifierSet(metadata.metadata("kfkd")["Requires-Python"])
    assert f"{major}.{minor}" in allowed
    assert f"{major}.{minor - 1}" not in allowed


def test_what_old_pythons_read_has_nothing_that_they_do_not_know():
    tree = ast.parse((ROOT / "scripts" / "_run.py").read_text())
    newer = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Starred, ast.Match)
    for node in ast.walk(tree):
        assert not isinstance(node, newer)
        if isinstance(node, ast.arguments):
            assert [*node.kwonlyargs, *node.posonlyargs] == []
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
        if isinstance(node, ast.Raise):
            assert node.cause is None


@pytest.mark.process
def test_a_script_outside_of_the_environment_says_how_to_enter_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-S", ROOT / "scripts" / "train.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("No module named ")
    assert ". .venv/bin/activate" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.process
def test_a_script_runs_in_isolated_mode(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", ROOT / "scripts" / "predict.py", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: predict.py ")
