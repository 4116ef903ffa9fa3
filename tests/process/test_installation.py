"""What errors say to type, in a checkout and where a wheel was installed."""

import shlex
from pathlib import Path

import pytest

from kfkd.process import installation
from kfkd.process.installation import install, reinstall

ROOT = Path(__file__).resolve().parents[2]


def commands(text):
    """Return the words of the commands in backticks, of which there is one pair."""
    before, command, after = text.split("`")
    assert before == ""
    return [shlex.split(part) for part in command.split(" && ")], after


@pytest.mark.parametrize(
    "advice",
    [
        install,
        lambda: install(extra="cuda"),
        reinstall,
        lambda: reinstall(stack=True, before="python -m pip uninstall -y Theano"),
    ],
)
def test_in_a_checkout_its_files_are_named(monkeypatch, tmp_path, advice):
    monkeypatch.chdir(tmp_path)
    found, after = commands(advice())
    assert after == ""
    (cd, folder), *_, last = found
    assert (cd, folder) == ("cd", str(ROOT))
    *_, option, name = last
    assert option == "-r"
    assert (ROOT / name).is_file()
    monkeypatch.chdir(ROOT)
    assert commands(advice())[0] == found[1:]


@pytest.fixture
def wheel(monkeypatch, tmp_path):
    """As if the package were in a site-packages."""
    monkeypatch.setattr(installation, "_ROOT", tmp_path)


def test_without_a_checkout_no_file_of_one_is_named(wheel):
    ((*_, name),), after = commands(install(extra="cuda"))
    assert (name, after) == ("kfkd[cuda]", "")
    (found,), after = commands(install())
    assert found[-3:] == ["kfkd", "--find-links", "FOLDER"]
    assert after == ", where FOLDER is the folder or page with kfkd's wheel"
    found, after = commands(reinstall(stack=True, before="first"))
    assert found[0] == ["first"]
    assert {"--no-deps", "theano-pymc==1.1.2", "lasagne==0.1"} <= set(found[1])
    assert "FOLDER" in after
    assert "requirements" not in install() + reinstall() + reinstall(stack=True)
