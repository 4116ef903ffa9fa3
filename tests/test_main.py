"""``python -m kfkd``, the command line of the tutorial's kfkd.py."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command):
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_it_says_how_to_use_it(arguments):
    done = run("-m", "kfkd", *arguments)
    assert done.returncode == 0
    for verb in ("fit", "fit_specialists", "plot_learning_curves", "predict"):
        assert f"python -m kfkd {verb}" in done.stdout


def test_an_unknown_verb_is_an_error():
    done = run("-m", "kfkd", "fly")
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
def test_a_verb_is_the_script_of_its_job(verb, script):
    ours, theirs = run("-m", "kfkd", verb, "-h"), run(f"scripts/{script}.py", "-h")
    assert ours.returncode == theirs.returncode == 0
    unwrapped = " ".join(theirs.stdout.split())
    renamed = unwrapped.replace(f"{script}.py", f"kfkd {verb}")
    assert " ".join(ours.stdout.split()) == renamed
