"""The programs in examples/, as a reader runs them."""

import re
import runpy
import sys
from pathlib import Path

import lasagne
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

EPOCH = re.compile(
    r"epoch +(\d+)  training loss \d\.\d{4}  "
    r"validation loss \d\.\d{4}  accuracy (\d+\.\d\d)%  \d+\.\d\d s"
)


@pytest.fixture
def run(work, monkeypatch, capsys):
    """Run an example with arguments; return the lines that it prints."""
    monkeypatch.setattr(lasagne.random, "_rng", lasagne.random._rng)

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        out, err = capsys.readouterr()
        assert not err
        return out.splitlines()

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "arguments", "epochs", "least"),
    [("mlp", [], 60, 97), ("cnn", ["--epochs", "6"], 6, 94)],
)
def test_digits_are_read(run, model, arguments, epochs, least):
    *lines, last = run("digits.py", "--model", model, *arguments)
    found = [EPOCH.fullmatch(line).groups() for line in lines]
    assert [int(number) for number, _ in found] == [*range(1, epochs + 1)]
    assert float(found[0][1]) < float(found[-1][1])
    (accuracy,) = re.fullmatch(r"test accuracy (\d+\.\d\d)%", last).groups()
    assert least <= float(accuracy) <= 100


@pytest.mark.slow
def test_the_same_seed_gives_the_same_net(run):
    def accuracies(seed):
        lines = run("digits.py", "--epochs", "2", "--seed", str(seed))
        return [line.rpartition("  ")[0] or line for line in lines]

    assert accuracies(1) == accuracies(1) != accuracies(2)
