"""``python -m kfkd``, the command line of the tutorial's kfkd.py."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from kfkd.__main__ import main

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(monkeypatch, capsys):
    """Run it with arguments; return its status and its two outputs."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["kfkd", *arguments])
        try:
            status = main()
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_it_says_how_to_use_it(run, arguments):
    status, out, _ = run(*arguments)
    assert status == 0
    for verb in ("fit", "fit_specialists", "plot_learning_curves", "predict"):
        assert f"python -m kfkd {verb}" in out


def test_an_unknown_verb_is_an_error_of_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "kfkd", "fly"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "there is no verb 'fly'" in done.stderr


@pytest.mark.parametrize(
    ("verb", "script"),
    [
        ("fit", "train"),
        ("fit_specialists", "fit_specialists"),
        ("plot_learning_curves", "plot_learning_curves"),
        ("predict", "submit"),
    ],
)
def test_a_verb_is_the_script_of_its_job(run, capsys, monkeypatch, verb, script):
    status, ours, _ = run(verb, "-h")
    path = ROOT / "scripts" / f"{script}.py"
    monkeypatch.setattr(sys, "argv", [str(path), "-h"])
    monkeypatch.syspath_prepend(path.parent)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    assert status == end.value.code == 0
    theirs = " ".join(capsys.readouterr().out.split())
    renamed = theirs.replace(f"{script}.py", f"kfkd {verb}")
    assert " ".join(ours.split()) == renamed
